/**
 * The networks' forward passes, on checkpoints that `convert --random` writes into a temporary folder (about 0.7 GB each).
 *
 *     node bench/forward.mjs forward [other.onnx]   the diffusion transformer, interleaved with another model of its inputs
 *     node bench/forward.mjs decode                 cached generation, tokens per second, against the time of reading weights
 *     node bench/forward.mjs head                   opening a checkpoint bare and with its loss: seconds and peak memory
 *
 * Options: --size small, --length 1024, --vocab-size 50258, --rounds 10, --threads (all), --keep folder (reuse its checkpoints).
 */
import '../dist/models/no-telemetry.js';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const dist = (path) => new URL(`../dist/${path}`, import.meta.url).href;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: 'small' },
    length: { type: 'string', default: '1024' },
    'vocab-size': { type: 'string', default: '50258' },
    rounds: { type: 'string', default: '10' },
    threads: { type: 'string', default: String(availableParallelism()) },
    keep: { type: 'string' },
  },
});
const [mode = 'forward', ...others] = positionals;
const length = Number(options.length);
const vocab = Number(options['vocab-size']);
const rounds = Number(options.rounds);
const threads = Number(options.threads);

const folder = options.keep ?? mkdtempSync(join(tmpdir(), 'duo-eval-bench-'));
const seconds = (ms) => (ms / 1000).toFixed(3);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

async function checkpoint(architecture) {
  const out = join(folder, `${architecture}-${options.size}.onnx`);
  if (!existsSync(out)) {
    const { randomCheckpoint } = await import(dist('models/random-checkpoint.js'));
    await randomCheckpoint({
      out,
      seed: 1,
      architecture,
      size: options.size,
      changes: {},
      vocabSize: vocab,
      length: 1024,
    });
  }
  return out;
}

async function session(graph, modelFolder) {
  const { sessionOptions } = await import(dist('models/session-options.js'));
  const ort = (await import('onnxruntime-node')).default;
  return ort.InferenceSession.create(
    graph,
    sessionOptions({ memoryPattern: false, folder: modelFolder, provider: 'cpu', threads }),
  );
}

async function forward() {
  const { describeCheckpoint } = await import(dist('models/checkpoint.js'));
  const { networkFeeds } = await import(dist('models/feeds.js'));
  const ort = (await import('onnxruntime-node')).default;
  const models = [];
  for (const path of [await checkpoint('dit'), ...others]) {
    const { signature, graph, folder: at } = describeCheckpoint(path);
    const inputIds = BigInt64Array.from({ length }, (_, i) => BigInt((i * 7919) % vocab));
    const sigma = Float32Array.of(0.7);
    const fed = Object.entries(networkFeeds(signature, { inputIds, batch: 1, length, sigma }));
    const feeds = Object.fromEntries(
      fed.map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]),
    );
    models.push({ path, feeds, run: await session(graph().toBytes(), at), wall: [], cpu: [] });
  }
  for (let round = 0; round <= rounds; round++) {
    for (const model of round % 2 ? models : [...models].reverse()) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      await model.run.run(model.feeds);
      const wall = performance.now() - start;
      const used = process.cpuUsage(cpu);
      if (round === 0) continue; // warm-up
      model.wall.push(wall);
      model.cpu.push((used.user + used.system) / 1000);
    }
  }
  for (const { path, wall, cpu } of models) {
    console.log(
      `${path}: median of ${rounds} ${seconds(median(wall))} s (${seconds(median(cpu))} s of processor time), ` +
        `shortest ${seconds(Math.min(...wall))} s`,
    );
  }
  if (models.length > 1) {
    const ratio = (key) => (median(models[0][key]) / median(models[1][key])).toFixed(3);
    console.log(`first / second: ${ratio('wall')} of the time, ${ratio('cpu')} of the processor time`);
  }
}

/** Seconds the processor needs to read `bytes`: the best of a few sums over memory that no cache holds, all threads at once. */
async function readingTime(bytes) {
  const { Worker } = await import('node:worker_threads');
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const memory = new Float64Array(workerData.elements).fill(1);
    parentPort.on('message', () => {
      let a = 0, b = 0, c = 0, d = 0;
      for (let i = 0; i < memory.length; i += 32) { a += memory[i]; b += memory[i + 8]; c += memory[i + 16]; d += memory[i + 24]; }
      parentPort.postMessage(a + b + c + d);
    });
    parentPort.postMessage('ready');`;
  const elements = Math.floor(bytes / 8 / threads / 32) * 32;
  const workers = Array.from(
    { length: threads },
    () => new Worker(source, { eval: true, workerData: { elements } }),
  );
  const all = (send) =>
    Promise.all(
      workers.map(
        (worker) =>
          new Promise((resolve) => {
            worker.once('message', resolve);
            if (send) worker.postMessage('sum');
          }),
      ),
    );
  await all(false);
  const times = [];
  for (let i = 0; i < 7; i++) {
    const start = performance.now();
    await all(true);
    times.push(performance.now() - start);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return Math.min(...times) / 1000;
}

/** As the sampler `ar` does it: keys, values and tokens stay in the worker. Each call is awaited, to time it. */
async function decode() {
  const { openCheckpoint } = await import(dist('models/checkpoint.js'));
  const { CausalSession } = await import(dist('sampling/causal-session.js'));
  const path = await checkpoint('causal');
  const { hiddenSize } = JSON.parse(readFileSync(path.replace(/\.onnx$/, '.card.json'), 'utf8')).architecture;
  const weightBytes = statSync(path).size - 4 * vocab * hiddenSize; // the embedding is read by row
  const reading = await readingTime(weightBytes);
  console.log(
    `reading ${(weightBytes / 1e6).toFixed(0)} MB of weights: ${(reading * 1000).toFixed(1)} ms (${(weightBytes / reading / 1e9).toFixed(1)} GB/s)`,
  );
  const model = await CausalSession.start({
    checkpoint: await openCheckpoint(path),
    provider: 'cpu',
    threads,
  });
  if (!model.cached) throw new Error(`${path} takes no cached keys and values`);
  for (const batch of [1, 8]) {
    for (const tokens of [128, 1024].filter((n) => n <= length)) {
      const first = new Int32Array(batch * tokens).map((_, i) => (i % tokens === 0 ? 1 : 0));
      const given = Uint8Array.from(first);
      const label = `batch ${batch}`;
      const decoding = model.begin({ label, batch, length: tokens, tokens: first, given });
      const inside = model.runSeconds;
      const steps = [];
      const start = performance.now();
      for (let position = 1; position < tokens; position++) {
        const from = performance.now();
        await decoding.draw(position, Float64Array.from({ length: batch }, Math.random));
        steps.push(performance.now() - from);
      }
      decoding.release();
      const wall = (performance.now() - start) / 1000;
      const outside = 1 - (model.runSeconds - inside) / wall;
      const ms = (value) => value.toFixed(1);
      const share = (step) => `${((100_000 * reading) / step).toFixed(0)}%`;
      console.log(
        `batch ${batch}, ${tokens} tokens: ${((batch * steps.length) / wall).toFixed(1)} tokens/s; a step takes ` +
          `${ms((wall / steps.length) * 1000)} ms (median ${ms(median(steps))}, shortest ${ms(Math.min(...steps))}), of which ` +
          `reading weights is ${share(median(steps))} of the median and ${share(Math.min(...steps))} of the shortest; ` +
          `${ms(100 * outside)}% lies outside the runtime`,
      );
    }
  }
  await model.close();
}

/** Each measurement in a process of its own, whose peak memory is its own. */
async function head() {
  const path = await checkpoint('dit');
  const self = fileURLToPath(import.meta.url);
  const size = statSync(path).size;
  const results = { bare: [], loss: [] };
  for (let round = 0; round < Math.min(rounds, 5); round++) {
    for (const kind of ['bare', 'loss']) {
      const out = execFileSync(process.execPath, [self, `open-${kind}`, path, '--threads', String(threads)], {
        encoding: 'utf8',
      });
      results[kind].push(JSON.parse(out.trim().split('\n').at(-1)));
    }
  }
  const most = (list, key) => Math.max(...list.map((result) => result[key]));
  for (const [kind, list] of Object.entries(results)) {
    const peak = most(list, 'peak');
    console.log(
      `${kind}: ready in ${seconds(1000 * median(list.map((result) => result.seconds)))} s, ` +
        `peak ${(peak / 1e6).toFixed(0)} MB, ${(peak / size).toFixed(2)} of the file`,
    );
  }
}

async function open(kind, path) {
  const start = performance.now();
  if (kind === 'open-bare') {
    const ort = (await import('onnxruntime-node')).default;
    await ort.InferenceSession.create(path, { intraOpNumThreads: threads, logSeverityLevel: 4 });
  } else {
    const { openCheckpoint } = await import(dist('models/checkpoint.js'));
    const { LossSession } = await import(dist('evals/perplexity/loss-session.js'));
    await LossSession.start({ checkpoint: await openCheckpoint(path), provider: 'cpu', threads });
  }
  const ready = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ seconds: ready, peak: process.resourceUsage().maxRSS * 1024 }));
  process.exit(0);
}

try {
  if (mode === 'forward') await forward();
  else if (mode === 'decode') await decode();
  else if (mode === 'head') await head();
  else if (mode.startsWith('open-')) await open(mode, others[0]);
  else throw new Error(`no measurement is called "${mode}"`);
} finally {
  if (!options.keep && !mode.startsWith('open-')) rmSync(folder, { recursive: true, force: true });
}
