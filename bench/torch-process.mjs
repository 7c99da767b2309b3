/** PyTorch in a process of its own (torch_legs.py), its legs in turns with ours, and the same network on both sides. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { generate } from '../dist/sampling/generate.js';
import { interleavedRatios } from './cost/interleaved.mjs';
import { bareSession } from './cost/model-call.mjs';

const PROGRAM = fileURLToPath(new URL('torch_legs.py', import.meta.url));
const CONVERT = fileURLToPath(new URL('../bin/run.js', import.meta.url));
/** OpenMP's threads of the other process look for work this long before they sleep (Intel's default: 200 ms). */
const OPENMP_REST_MS = 250;
/** @returns PyTorch's process, which does a leg for each question */
export async function startTorch({ python, part, folder, sizes, threads, wait, batch = 1, device = 'cpu' }) {
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), ...(wait && { OMP_WAIT_POLICY: wait }) };
  const args = [
    PROGRAM,
    part,
    folder,
    '--sizes',
    JSON.stringify(sizes),
    '--threads',
    String(threads),
    '--batch',
    String(batch),
    '--device',
    device,
  ];
  const child = spawn(python, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (data) => {
    complaints = (complaints + data).slice(-2000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise((_, reject) => {
    child.on('error', (cause) => reject(new Error(`${python} cannot be started: ${cause.message}`)));
    child.on('close', (status) =>
      reject(new Error(`PyTorch's process ended with ${status}:\n${complaints}`)),
    );
  });
  failed.catch(() => {}); // it also ends when it is told to
  const next = async () => JSON.parse((await Promise.race([lines.next(), failed])).value ?? 'null') ?? failed;
  const facts = await next();
  return {
    facts,
    async ask(leg, mode) {
      child.stdin.write(`${JSON.stringify({ leg, mode })}\n`);
      return next();
    },
    end() {
      child.stdin.end();
      return new Promise((resolve) => child.on('close', resolve));
    },
  };
}

/** @param storage flags of convert that say how weights are stored */
export function convert(folder, out, storage = []) {
  const child = spawn(process.execPath, [CONVERT, 'convert', folder, '--out', out, ...storage], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve, reject) =>
    child.on('close', (status) =>
      status === 0 ? resolve() : reject(new Error(`convert ended with ${status}`)),
    ),
  );
}

/**
 * Seconds of PyTorch's leg over those of one unit of ours, a pair each. PyTorch's time is its own clock's, without the way there.
 * @param ours does a leg and returns how many units it had
 */
export async function quotients(torch, { leg, mode }, ours, pairs) {
  const seconds = { ours: [], theirs: [] };
  await interleavedRatios(
    {
      async run() {
        const began = performance.now();
        const units = await ours();
        seconds.ours.push((performance.now() - began) / 1000 / units);
      },
    },
    {
      async run() {
        seconds.theirs.push((await torch.ask(leg, mode)).seconds);
      },
      after: () => sleep(OPENMP_REST_MS),
    },
    pairs,
  );
  // The first leg of each warmed up.
  return seconds.theirs.slice(1).map((theirs, pair) => theirs / seconds.ours[pair + 1]);
}

/** @returns for a leg of PyTorch its time over that of a call of a sampler, a pair each */
export function besideSteps(torch, { session, plan }) {
  const calls = countCalls(session.source);
  return async (leg, mode, pairs) => {
    await torch.ask(leg, mode); // compiles
    return quotients(
      torch,
      { leg, mode },
      async () => {
        calls.count = 0;
        for await (const _ of generate({ ...plan, source: calls.source }));
        return calls.count;
      },
      pairs,
    );
  };
}

/** The denoiser with its calls counted. */
function countCalls(source) {
  const calls = { count: 0 };
  const { denoiser } = source;
  calls.source = {
    ...source,
    denoiser: {
      denoise(request) {
        calls.count++;
        return denoiser.denoise(request);
      },
    },
  };
  return calls;
}

/** @throws where the two networks are not the same: their times would say nothing */
export async function checkLogits(torch, path, { length, vocabulary }, threads) {
  const { openCheckpoint } = await import('../dist/models/checkpoint.js');
  const session = await bareSession(await openCheckpoint(path), threads);
  const ids = BigInt64Array.from({ length }, (_, i) => BigInt((i * 7919) % vocabulary));
  const { logits } = await session.run({
    input_ids: new ort.Tensor('int64', ids, [1, length]),
    sigma: new ort.Tensor('float32', Float32Array.of(0.7), [1]),
  });
  const { value } = await torch.ask('logits', '');
  const rows = [logits.data.subarray(0, vocabulary), logits.data.subarray((length - 1) * vocabulary)];
  const worst = Math.max(
    ...rows.map((row, r) => row.reduce((most, x, v) => Math.max(most, Math.abs(x - value[r][v])), 0)),
  );
  await session.release();
  if (!(worst < 1e-3)) throw new Error(`The two networks differ: their logits are up to ${worst} apart.`);
}
