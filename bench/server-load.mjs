// What a server does under load, beside the same work offline:
//
//   npm run bench:server                              64 clients for two minutes on fixtures/mdlm.onnx, scoring, then writing
//   npm run bench:server -- --model fixtures/ar.onnx --clients 16 --seconds 30 --kind score
//
// score: continuations of 8 tokens after contexts of 48 over /v1/loglikelihood, 4 of one context a request; offline, the engine that
// duo-eval tasks uses, on the same items. write: 32 tokens after prompts of 8 in 16 steps over /v1/completions; offline, the
// sampler in batches of the same size. Offline runs go before and after, so that a machine that slows down is seen.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openScoring, scoreContinuations } from '../dist/evals/likelihood/scoring-session.js';
import { openCheckpoint } from '../dist/library/checkpoints.js';
import { resolveSampler, samplerOptions } from '../dist/samplers/registry.js';
import { generate } from '../dist/sampling/generate.js';
import { tokenizerOf } from '../dist/sampling/prepare-sampling.js';
import { sampledModel } from '../dist/sampling/sample-request.js';
import { startSamplingSession } from '../dist/sampling/sampling-session.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'fixtures/mdlm.onnx') },
    clients: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '120' },
    batch: { type: 'string', default: '32' },
    kind: { type: 'string', multiple: true, default: ['score', 'write'] },
  },
});
const [clients, seconds, batch] = [flags.clients, flags.seconds, flags.batch].map(Number);
const OFFLINE_SECONDS = Math.min(20, seconds);

const checkpoint = await openCheckpoint(flags.model);
const tokenizer = await tokenizerOf(checkpoint, undefined);
const CONTEXT = 48;
const CONTINUATION = 8;
const [PROMPT, WRITTEN, STEPS] = [8, 32, 16];

/** Tokens that are neither special nor masks, other ones for each seed. */
const tokensOf = (seed, count) =>
  Array.from({ length: count }, (_, i) => 33 + ((seed * 7919 + i * 104_729) % 200));
const question = (seed) =>
  Array.from({ length: 4 }, (_, choice) => ({
    context: [tokenizer.bosTokenId ?? 0, ...tokensOf(seed, CONTEXT - 1)],
    continuation: tokensOf(seed * 4 + choice + 1, CONTINUATION),
  }));
const writing = (seed) => ({
  prompt: tokensOf(seed, PROMPT),
  max_tokens: WRITTEN,
  steps: STEPS,
  seed,
  ignore_eos: true,
});

const KINDS = {
  score: {
    path: '/v1/loglikelihood',
    body: question,
    tokens: 4 * CONTINUATION,
    async offline(until) {
      const session = await openScoring({ checkpoint, provider: 'cpu', batch });
      await scoreContinuations(session, question(0));
      let [done, seed] = [0, 1];
      const began = performance.now();
      while (performance.now() - began < until) {
        const items = Array.from({ length: 64 }, () => question(seed++)).flat();
        await scoreContinuations(session, items);
        done += items.length * CONTINUATION;
      }
      const rate = done / ((performance.now() - began) / 1000);
      await session.close();
      return rate;
    },
  },
  write: {
    path: '/v1/completions',
    body: writing,
    tokens: WRITTEN,
    async offline(until) {
      const resolved = await resolveSampler(
        checkpoint.family === 'ar' ? 'ar' : checkpoint.family === 'duo' ? 'ancestral' : 'unmask',
      );
      const options = samplerOptions(resolved.sampler, []);
      const session = await startSamplingSession({
        ...{
          checkpoint,
          sampler: resolved.sampler,
          options,
          provider: 'cpu',
          temperature: 1,
          topK: null,
          topP: null,
        },
        tokenizer,
      });
      const length = 1 + PROMPT + WRITTEN;
      let [done, first] = [0, 0];
      const once = async () => {
        const fixed = Uint8Array.from({ length }, (_, l) => Number(l <= PROMPT));
        const each = Array.from({ length: batch }, (_, b) => ({
          ...{ seed: first + b, sample: 0 },
          given: {
            tokens: Int32Array.from([
              tokenizer.bosTokenId ?? 0,
              ...tokensOf(first + b, PROMPT),
              ...Array(WRITTEN).fill(0),
            ]),
            fixed,
          },
        }));
        first += batch;
        const plan = {
          model: sampledModel(checkpoint, tokenizer),
          source: session.source,
          sampler: resolved,
          options,
          steps: STEPS,
        };
        for await (const samples of generate({ ...plan, length, seed: 0, samples: batch, batch, each }))
          done += samples.length * WRITTEN;
      };
      await once();
      done = 0;
      const began = performance.now();
      while (performance.now() - began < until) await once();
      const rate = done / ((performance.now() - began) / 1000);
      await session.close();
      return rate;
    },
  },
};

async function load({ path, body, tokens }) {
  const args = [
    'serve',
    '--model',
    flags.model,
    '--port',
    '0',
    '--batch',
    String(batch),
    '--max-queue',
    String(clients),
  ];
  const server = spawn(process.execPath, [join(root, 'bin/run.js'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    let text = '';
    server.stdout.on('data', (chunk) => {
      text += chunk;
      const found = /http:\/\/\S+/.exec(text);
      if (found) resolve(found[0]);
    });
    server.on('exit', () => reject(new Error('the server ended')));
  });
  const processes = [server.pid, ...childrenOf(server.pid)];
  // Clients share the processors with what they measure: fetch took 0.17 s of a processor for 1,000 tokens, this takes 0.03.
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const ask = (seed) =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      const sent = Buffer.from(JSON.stringify(body(seed)));
      const headers = { 'content-type': 'application/json', 'content-length': sent.length };
      const asked = request(url + path, { agent, method: 'POST', headers }, (answer) => {
        answer.resume();
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode, ms: performance.now() - began }));
      });
      asked.on('error', reject);
      asked.end(sent);
    });
  await ask(0);
  const [latencies, statuses, memory] = [[], new Map(), []];
  const began = performance.now();
  const end = began + seconds * 1000;
  const watch = setInterval(() => memory.push(processes.map(residentMiB)), 1000);
  let next = 1;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        const { status, ms } = await ask(next++);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200) latencies.push(ms);
      }
    }),
  );
  const took = (performance.now() - began) / 1000;
  clearInterval(watch);
  agent.destroy();
  const stopped = new Promise((resolve) => server.on('exit', (status, signal) => resolve(status ?? signal)));
  server.kill('SIGTERM');
  latencies.sort((a, b) => a - b);
  const quantile = (q) =>
    Math.round(latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))]);
  const at = (share) => memory[Math.min(memory.length - 1, Math.floor(share * memory.length))];
  return {
    rate: (latencies.length * tokens) / took,
    requests: latencies.length,
    statuses: Object.fromEntries(statuses),
    p50: quantile(0.5),
    p99: quantile(0.99),
    memory: [0.25, 0.5, 1].map(at),
    exit: await stopped,
  };
}

const childrenOf = (pid) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const residentMiB = (pid) => {
  try {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
  } catch {
    return 0;
  }
};

for (const kind of flags.kind) {
  const one = KINDS[kind];
  const before = await one.offline(OFFLINE_SECONDS * 1000);
  const under = await load(one);
  const after = await one.offline(OFFLINE_SECONDS * 1000);
  const offline = (before + after) / 2;
  console.log(`${kind}, ${checkpoint.name}, ${clients} clients, ${seconds} s, batch ${batch}`);
  console.log(
    `  requests ${under.requests}, by status ${JSON.stringify(under.statuses)}; p50 ${under.p50} ms, p99 ${under.p99} ms`,
  );
  console.log(
    `  tokens/s ${under.rate.toFixed(0)}; offline ${before.toFixed(0)} before and ${after.toFixed(0)} after; ratio ${(under.rate / offline).toFixed(2)}`,
  );
  console.log(
    `  MiB resident, server and network, after a quarter, half and all: ${under.memory.map((m) => m?.join(' + ')).join(', ')}; it ended with ${under.exit}`,
  );
}
process.exit(0);
