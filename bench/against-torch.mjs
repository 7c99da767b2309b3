/**
 * duo-eval beside PyTorch for CPU, leg by leg: `npm run bench -- --against-torch`, with --all for training, decoding and other settings.
 * bench/README.md says what a leg is. PyTorch runs in a process of its own (bench/torch_legs.py), which waits while ours runs.
 */
import '../dist/models/no-telemetry.js';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { generate } from '../dist/sampling/generate.js';
import { interleavedRatios } from './cost/interleaved.mjs';
import { bareSession } from './cost/model-call.mjs';
import { startSampling } from './cost/sampling.mjs';
import { startTraining, trainingFeeds } from './cost/training.mjs';

const PROGRAM = fileURLToPath(new URL('torch_legs.py', import.meta.url));
const CONVERT = fileURLToPath(new URL('../bin/run.js', import.meta.url));
/** OpenMP's threads of the other process look for work this long before they sleep (Intel's default: 200 ms). */
const OPENMP_REST_MS = 250;
/** Each row: what PyTorch does, and how many times as long as ours it takes at least (the issue's "must"). */
const STEP_ROWS = [
  ['forward', 'float32', 'forward alone, eager, float32', 4.2],
  ['forward', 'compile float32', 'forward alone, torch.compile, float32', 2.3],
  ['forward', 'bfloat16', 'forward alone, eager, bfloat16', 1.3],
  ['forward', 'compile bfloat16', 'forward alone, torch.compile, bfloat16', null],
  ['step', 'float32', 'reference step, eager, float32', 16.3],
  ['step', 'compile float32', 'reference step, torch.compile, float32', 16.8],
  ['step', 'bfloat16', 'reference step, eager, bfloat16', 17.1],
];
const SIZES = {
  whole: {
    steps: { width: 768, condition: 128, blocks: 12, heads: 12, vocabulary: 50_258, length: 1024 },
    decoding: { n_layer: 12, n_embd: 768, n_head: 12, vocab_size: 50_257 },
    tokens: 64,
  },
  quick: {
    steps: { width: 64, condition: 32, blocks: 2, heads: 2, vocabulary: 300, length: 32 },
    decoding: { n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 300, bos_token_id: 0, eos_token_id: 0 },
    tokens: 8,
  },
};
const TRAINING = { width: 160, condition: 128, blocks: 4, heads: 5, vocabulary: 1024, length: 128 };
const TRAINING_BATCH = 16;

/**
 * @param pairs legs of each side; a leg of PyTorch is one step, call or run of tokens
 * @returns rows for cost/report.mjs, PyTorch's time divided by ours
 */
export async function measureAgainstTorch({ pairs, threads, quick, all, python, say }) {
  const settings = all
    ? [2, 1].flatMap((count) => [undefined, 'passive'].map((wait) => ({ threads: count, wait })))
    : [{ threads, wait: undefined }];
  const rows = [];
  for (const setting of settings) {
    const parts = all ? [measureSteps, measureTraining, measureDecoding] : [measureSteps];
    for (const measure of parts) {
      const folder = await mkdtemp(join(tmpdir(), 'duo-eval-torch-'));
      try {
        const label = `${setting.threads} ${setting.threads === 1 ? 'thread' : 'threads'}${setting.wait ? `, ${setting.wait}` : ''}`;
        const found = await measure({ ...setting, folder, pairs, quick, python, say });
        rows.push(
          ...found.map((row) => ({ ...row, what: settings.length > 1 ? `${row.what}; ${label}` : row.what })),
        );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  return rows;
}

async function measureSteps({ folder, pairs, threads, wait, quick, python, say }) {
  const sizes = (quick ? SIZES.quick : SIZES.whole).steps;
  say(`PyTorch makes a network of ${sizes.blocks} blocks …`);
  const torch = await startTorch({ python, part: 'steps', folder, sizes, threads, wait });
  const path = join(folder, 'ours.onnx');
  await convert(folder, path);
  await checkLogits(torch, path, sizes, threads);
  const steps = quick ? 4 : 2;
  const { session, plan } = await startSampling(path, { samplerName: 'ancestral', steps, threads });
  const calls = countCalls(session.source);
  const rows = [];
  for (const [leg, mode, what, target] of STEP_ROWS) {
    say(`${what} …`);
    await torch.ask(leg, mode); // compiles
    const values = await quotients(
      torch,
      { leg, mode },
      async () => {
        calls.count = 0;
        for await (const _ of generate({ ...plan, source: calls.source }));
        return calls.count;
      },
      pairs,
    );
    rows.push({
      kind: 'ratio',
      what,
      to: 'a step of ancestral',
      values,
      target: quick ? null : target,
      aim: null,
      atLeast: true,
    });
  }
  await session.close();
  await torch.end();
  return rows;
}

async function measureTraining({ folder, pairs, threads, wait, python, say }) {
  say('a step of training …');
  const torch = await startTorch({
    python,
    part: 'training',
    folder,
    sizes: TRAINING,
    threads,
    wait,
    batch: TRAINING_BATCH,
  });
  const training = await startTraining(threads);
  let step = 0;
  const rows = [];
  for (const [mode, target] of [
    ['eager', 1.49],
    ['compile', 1.22],
  ]) {
    await torch.ask('train', mode);
    const values = await quotients(
      torch,
      { leg: 'train', mode },
      async () => {
        for (let i = 0; i < 2; i++) await training.step(++step, trainingFeeds(step));
        return 2;
      },
      pairs,
    );
    rows.push({
      kind: 'ratio',
      what: `training step, ${mode}`,
      to: 'a step of train',
      values,
      target,
      aim: null,
      atLeast: true,
    });
  }
  await training.close();
  await torch.end();
  return rows;
}

async function measureDecoding({ folder, pairs, threads, wait, quick, python, say }) {
  const { decoding: sizes, tokens } = quick ? SIZES.quick : SIZES.whole;
  say('cached decoding …');
  const torch = await startTorch({ python, part: 'decoding', folder, sizes, threads, wait });
  const path = join(folder, 'ours.onnx');
  await convert(folder, path);
  const { session, plan } = await startSampling(path, {
    samplerName: 'ar',
    steps: tokens,
    threads,
    length: tokens + 1,
  });
  await torch.ask('generate', tokens);
  const values = await quotients(
    torch,
    { leg: 'generate', mode: tokens },
    async () => {
      for await (const _ of generate({ ...plan, source: session.source }));
      return 1;
    },
    pairs,
  );
  await session.close();
  await torch.end();
  const what = `generate of transformers, GPT-2 124M, ${tokens} tokens`;
  return [
    { kind: 'ratio', what, to: 'sample', values, target: quick ? null : 2.6, aim: null, atLeast: true },
  ];
}

/**
 * Seconds of PyTorch's leg over those of one unit of ours, a pair each. PyTorch's time is its own clock's, without the way there.
 * @param ours does a leg and returns how many units it had
 */
async function quotients(torch, { leg, mode }, ours, pairs) {
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
async function checkLogits(torch, path, { length, vocabulary }, threads) {
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

/** @returns PyTorch's process, which does a leg for each question */
async function startTorch({ python, part, folder, sizes, threads, wait, batch = 1 }) {
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

function convert(folder, out) {
  const child = spawn(process.execPath, [CONVERT, 'convert', folder, '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve, reject) =>
    child.on('close', (status) =>
      status === 0 ? resolve() : reject(new Error(`convert ended with ${status}`)),
    ),
  );
}
