// How many model calls the bound of a masked model takes to an error of 1%, beside the ways of masking that papers use: of the mean
// loss of 64 texts, and of one text alone.
//
//   npm run build && node bench/calls-to-precision.mjs [--seeds 100] [--model fixtures/mdlm.onnx] [--length 8] [--length 32] [--length 128]
//
// Texts are sequences of sotu of that length, spread evenly over it. Every way has the mean of protocol `strict`, but for masks one
// by one, whose variance is infinite there: those integrate from t = 1e-3. The variance of the mean loss is that over seeds, with
// one draw of each of the 64 texts, or 16 draws of one text (the mean variance of 8 texts), so that what is stratified counts; its error
// is about √(2/seeds). Calls are that variance times the calls made, over (1% of the loss)².
import { parseArgs } from 'node:util';
import { packDataset } from '../dist/datasets/pack-dataset.js';
import { resolveDataset } from '../dist/datasets/resolve-dataset.js';
import { selectedSequences } from '../dist/datasets/selected-sequences.js';
import { loadTokenizer } from '../dist/datasets/tokenizer.js';
import { countPower, exactCounts } from '../dist/diffusion/exact-count.js';
import { integration } from '../dist/diffusion/integration.js';
import { noiseSchedule } from '../dist/diffusion/schedule.js';
import { LossSession } from '../dist/evals/perplexity/loss-session.js';
import { batchModelOf } from '../dist/evals/perplexity/loss-source.js';
import { zeroShotPerplexity } from '../dist/evals/perplexity/zero-shot-perplexity.js';
import { openCheckpoint } from '../dist/models/checkpoint.js';
import { average, generator, variance } from './simulation.mjs';

const TEXTS = 64;
const SINGLE = { texts: 8, draws: 16 };
const BATCH = 32;

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    model: { type: 'string', multiple: true, default: ['fixtures/mdlm.onnx', 'fixtures/markov-mdlm.onnx'] },
    length: { type: 'string', multiple: true, default: ['8', '32', '128'] },
  },
});
const seeds = Number(options.seeds);
const schedule = noiseSchedule({ type: 'log-linear' });
const strict = integration('strict', schedule);
/** t uniform on [1e-3, 1], each token masked with probability t. */
const bernoulli = {
  at: (u) => {
    const t = 1e-3 + (1 - 1e-3) * u;
    return { t, alpha: 1 - t, oneMinusAlpha: t, sigma: -Math.log1p(-Math.min(t, 0.999)), weight: 1 - 1e-3 };
  },
};
const counts = exactCounts(strict, { schedule, readsTime: false, power: countPower.uniform });

const random = generator(2024);
/** u of the i-th of n draws. */
const independent = (n) => Float64Array.from({ length: n }, random);
/** One shift, and the draws of a batch equally far apart: antithetic times. */
const antithetic = (n, batch = 16) => {
  const us = new Float64Array(n);
  for (let first = 0; first < n; first += batch) {
    const size = Math.min(batch, n - first);
    const shift = random();
    for (let i = 0; i < size; i++) us[first + i] = (shift + i / size) % 1;
  }
  return us;
};

const WAYS = [
  ['masks one by one, independent times', { levels: bernoulli, us: independent }],
  ['masks one by one, antithetic times in batches of 16', { levels: bernoulli, us: antithetic }],
  ['exact counts, uniform and independent', { levels: counts, us: independent }],
  ['exact counts, uniform and antithetic in batches of 16', { levels: counts, us: antithetic }],
  ['`--estimator plain`', { estimator: 'plain' }],
  ['`--estimator control-variate`', { estimator: 'control-variate' }],
  ['`--estimator exact-count`, the default', { estimator: 'exact-count' }],
];

for (const path of options.model) {
  for (const length of options.length.map(Number)) await table(path, length);
}

async function table(path, length) {
  const checkpoint = await openCheckpoint(path);
  const { fields } = checkpoint;
  const tokenizer = await loadTokenizer(fields.tokenizer.value, {
    bosTokenId: fields.bosTokenId.value ?? undefined,
    eosTokenId: fields.eosTokenId.value ?? undefined,
  });
  const whole = await packDataset({
    source: await resolveDataset({ spec: 'sotu' }),
    ...{ tokenizer, length, protocol: 'strict', keepRemainder: false, onProgress() {} },
  });
  const stream = selectedSequences(whole, { kind: 'spread', count: TEXTS });
  const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  const counted = { calls: 0 };
  const source = {
    checkpoint,
    async losses(calls, model) {
      const losses = await session.losses(calls, model);
      counted.calls += losses.reduce((sum, loss) => sum + loss.calls, 0);
      return losses;
    },
  };

  /** Nats per token of texts, by draws of each, and the calls made. */
  async function estimate(way, texts, draws, seed) {
    const before = counted.calls;
    const some = { ...stream, sequences: texts.length, sequence: (i) => stream.sequence(texts[i]) };
    if (way.estimator) {
      const settings = {
        protocol: 'strict',
        draws,
        seed,
        estimator: way.estimator,
        until: null,
        batch: BATCH,
      };
      const { metrics, losses } = await zeroShotPerplexity(source, some, settings);
      losses.close();
      return { value: metrics.nll.value, calls: counted.calls - before };
    }
    const us = way.us(texts.length * draws);
    const model = batchModelOf(checkpoint, { seed, wrapped: stream.wrapped });
    const calls = Array.from(us, (u, i) => {
      const sequence = i % texts.length;
      return {
        sequence,
        draw: Math.floor(i / texts.length),
        x: some.sequence(sequence),
        level: way.levels.at(u, length),
      };
    });
    let nats = 0;
    for (let first = 0; first < calls.length; first += BATCH) {
      const losses = await source.losses(calls.slice(first, first + BATCH), model);
      nats += losses.reduce((sum, loss) => sum + loss.nats, 0);
    }
    return { value: nats / (us.length * length), calls: counted.calls - before };
  }

  console.log(`\n**${checkpoint.name}, ${length} tokens**, ${seeds} seeds\n`);
  console.log('| | mean, nats per token | 64 texts: calls to 1% | one text: calls to 1% |');
  console.log('| --- | --- | --- | --- |');
  const all = Array.from({ length: TEXTS }, (_, i) => i);
  for (const [name, way] of WAYS) {
    const many = await overSeeds((seed) => estimate(way, all, 1, seed));
    const single = [];
    for (let i = 0; i < SINGLE.texts; i++) {
      const text = Math.floor((i * TEXTS) / SINGLE.texts);
      single.push(await overSeeds((seed) => estimate(way, [text], SINGLE.draws, seed * 1000 + i), seeds / 4));
    }
    const calls = (spread) => (spread.variance * spread.calls) / (0.01 * spread.mean) ** 2;
    const one = average(single.map(calls));
    const error = Math.sqrt(many.variance / seeds);
    console.log(
      `| ${name} | ${many.mean.toFixed(4)} ± ${error.toFixed(4)} | ${rounded(calls(many))} | ${rounded(one)} |`,
    );
  }
  console.log(
    `| exactly, by \`--likelihood exact\` with one token per call | | ${TEXTS * length} | ${length} |`,
  );
  await session.close();
  whole.close();
}

async function overSeeds(estimateOf, count = seeds) {
  const found = [];
  for (let seed = 1; seed <= count; seed++) found.push(await estimateOf(seed));
  const values = found.map(({ value }) => value);
  return {
    mean: average(values),
    variance: variance(values),
    calls: average(found.map(({ calls }) => calls)),
  };
}

function rounded(calls) {
  return Number(calls.toPrecision(2)).toLocaleString('en');
}
