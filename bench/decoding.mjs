/**
 * Cached generation of an autoregressive checkpoint, batch 1, against the same network as PyTorch exports it, run bare.
 *
 *     node bench/decoding.mjs ours.onnx theirs.onnx
 *
 * A leg makes `--tokens` tokens one by one. Ours is what `sample` does: uniform numbers, the way to the worker and back, a token drawn in the graph,
 * the cache kept outside it. Theirs is session.run alone: logits out, every `present` the next `past`; no token is drawn. What
 * is compared first: both give the same logits. bench/export-decoder.py makes both models.
 *
 * With --bare, ours is run bare, too: graph against graph.
 *
 * Options: --tokens 64, --pairs 12, --threads (all), --json.
 */
import '../dist/models/no-telemetry.js';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import ort from 'onnxruntime-node';
import { sessionOptions } from '../dist/models/session-options.js';
import { generate } from '../dist/sampling/generate.js';
import { interleavedRatios, median } from './cost/interleaved.mjs';
import { startSampling } from './cost/sampling.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tokens: { type: 'string', default: '64' },
    pairs: { type: 'string', default: '12' },
    threads: { type: 'string', default: String(availableParallelism()) },
    bare: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [ourPath, theirPath] = positionals;
if (theirPath === undefined) {
  console.error('Give two models: node bench/decoding.mjs ours.onnx theirs.onnx');
  process.exit(2);
}
const [tokens, pairs, threads] = [options.tokens, options.pairs, options.threads].map(Number);
const int64 = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
const bareOptions = sessionOptions({ folder: '', provider: 'cpu', threads, memoryPattern: false });

/** Reads tokens one by one; each run's outputs are the next one's past. @returns the last logits */
async function readOneByOne(session, ids) {
  const shapes = new Map(session.inputMetadata.map(({ name, shape }) => [name, shape]));
  const pasts = session.inputNames.filter((name) => name.startsWith('past_key_values.'));
  let past = Object.fromEntries(
    pasts.map((name) => {
      const [, heads, , width] = shapes.get(name);
      return [name, new ort.Tensor('float32', new Float32Array(0), [1, heads, 0, width])];
    }),
  );
  let last;
  for (const [i, id] of ids.entries()) {
    const { logits, ...presents } = await session.run({
      input_ids: int64([id]),
      position_ids: int64([i]),
      attention_mask: int64(Array(i + 1).fill(1)),
      ...past,
    });
    last = logits;
    past = Object.fromEntries(
      Object.entries(presents).map(([name, value]) => [name.replace('present', 'past_key_values'), value]),
    );
  }
  return last.data;
}

const { checkpoint, session, plan } = await startSampling(ourPath, {
  ...{ samplerName: 'ar', steps: tokens, threads },
  length: tokens + 1, // with the BOS, which is given
});
const ids = Array.from({ length: tokens }, (_, i) => (7919 * i + 1) % checkpoint.vocabSize);
const theirs = await ort.InferenceSession.create(theirPath, bareOptions);
const ourBare = await ort.InferenceSession.create(ourPath, bareOptions);
const [a, b] = [await readOneByOne(ourBare, ids.slice(0, 8)), await readOneByOne(theirs, ids.slice(0, 8))];
const difference = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
if (!options.bare) await ourBare.release();

const times = { ours: [], theirs: [] };
const processor = { ours: [], theirs: [] };
const noted = (name, work) => ({
  async run() {
    const [start, used] = [performance.now(), process.cpuUsage()];
    await work();
    times[name].push((performance.now() - start) / tokens);
    const { user, system } = process.cpuUsage(used);
    processor[name].push((user + system) / 1000 / tokens);
  },
});
const ratios = await interleavedRatios(
  noted('ours', async () => {
    if (options.bare) await readOneByOne(ourBare, ids);
    else for await (const _ of generate({ ...plan, source: session.source }));
  }),
  noted('theirs', () => readOneByOne(theirs, ids)),
  pairs,
);
await session.close();
await theirs.release();
const result = {
  tokens,
  threads,
  difference,
  ratio: median(ratios),
  ratios,
  processorRatio: median(processor.ours) / median(processor.theirs),
  ours: { median: median(times.ours), least: Math.min(...times.ours), processor: median(processor.ours) },
  theirs: {
    median: median(times.theirs),
    least: Math.min(...times.theirs),
    processor: median(processor.theirs),
  },
};
if (options.json) console.log(JSON.stringify(result));
else {
  console.log(
    `${tokens} tokens, ${threads} threads; largest difference of logits ${difference.toExponential(1)}`,
  );
  for (const side of ['ours', 'theirs']) {
    const { median: middle, least, processor } = result[side];
    console.log(
      `${side.padEnd(7)} ${middle.toFixed(1)} ms per token (shortest leg ${least.toFixed(1)}), ${processor.toFixed(1)} ms of processor time`,
    );
  }
  console.log(
    `ratio   ${result.ratio.toFixed(3)}, median of ${pairs} pairs; of processor time ${result.processorRatio.toFixed(3)}`,
  );
}
