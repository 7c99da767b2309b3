// How many model calls the bound of 64 sequences takes to an error of 0.5%, on the seven data sets of the papers, beside the published
// way: thousands of simulated seeds from stored losses, since the tail of the published way hides from hundreds of real ones.
//
//   npm run build && node bench/seven-sets.mjs [--model duo] [--model mdlm] [--set ptb] [--seeds 4000] [--levels 32] [--draws 3]
//     [--checkpoints ../shared/checkpoints] [--data ../shared/data]
//
// Of every sequence, losses are stored at random noise levels inside each of `--levels` equal parts of the unit interval that a way maps
// to levels: `--draws` in each, eight and three times as many in the two parts near clean text. A simulated seed takes, for every
// sequence, one of the losses in the part that its u falls into. The published way (`_sample_t` of the reference's code, batches of 16)
// takes u = (i mod 16 + U)/16; ours is the default estimator: the time plan over the whole set, levels or counts towards clean text, and
// the unigram's loss as control, fitted group by group (for masked models the default also learns how hard each token is, which is left
// out here, so its figure is a little better). Both make one call per sequence, so calls to a given error are in the ratio of the
// variances. Both means have the error of what is stored, too. A quarter of an hour on two cores, a model each.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packDataset } from '../dist/datasets/pack-dataset.js';
import { resolveDataset } from '../dist/datasets/resolve-dataset.js';
import { selectedSequences } from '../dist/datasets/selected-sequences.js';
import { loadTokenizer } from '../dist/datasets/tokenizer.js';
import {
  controlVariateExpectation,
  maskedControlVariate,
  uniformControlVariate,
  unigramFromCounts,
} from '../dist/diffusion/control-variate.js';
import { FittedCoefficient } from '../dist/diffusion/fitted-coefficient.js';
import { integration } from '../dist/diffusion/integration.js';
import { noiseSchedule } from '../dist/diffusion/schedule.js';
import { timePlan } from '../dist/diffusion/times.js';
import { vocabularyCounts } from '../dist/evals/perplexity/correction.js';
import { drawnLevels, estimatorOf } from '../dist/evals/perplexity/estimator.js';
import { noisyTokens } from '../dist/evals/perplexity/loss-batch.js';
import { LossSession } from '../dist/evals/perplexity/loss-session.js';
import { batchModelOf } from '../dist/evals/perplexity/loss-source.js';
import { openCheckpoint } from '../dist/models/checkpoint.js';
import { isMasked } from '../dist/models/family.js';
import { average, generator, variance } from './simulation.mjs';

const SEQUENCES = 64;
const REFERENCE_BATCH = 16;
const BATCH = 32;
const ERROR = 0.005;
const SETS = {
  ptb: 'ptb/ptb.valid.txt',
  wikitext2: 'wikitext2/wiki.valid.raw',
  lm1b: 'lm1b/1b_benchmark.dev.tokens',
  lambada: 'lambada/lambada_test.jsonl',
  ag_news: 'ag_news/test.csv',
  pubmed: 'scientific_papers/pubmed/test.txt',
  arxiv: 'scientific_papers/arxiv/test.txt',
};

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: ['duo', 'mdlm'] },
    set: { type: 'string', multiple: true, default: Object.keys(SETS) },
    seeds: { type: 'string', default: '4000' },
    levels: { type: 'string', default: '32' },
    draws: { type: 'string', default: '3' },
    checkpoints: { type: 'string', default: '../shared/checkpoints' },
    data: { type: 'string', default: '../shared/data' },
  },
});
const [seeds, parts, draws] = [options.seeds, options.levels, options.draws].map(Number);
for (const path of [options.checkpoints, options.data]) {
  if (existsSync(path)) continue;
  console.error(`${path} is not there: give --checkpoints and --data.`);
  process.exit(2);
}

console.log(
  '| model | data set | sequences | nats per token, both ways | calls to 0.5%: published | ours | ratio |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const name of options.model) {
  const checkpoint = await openCheckpoint(join(options.checkpoints, `${name}.onnx`), {}, name);
  const session = await LossSession.start({ checkpoint, provider: 'cpu' });
  for (const set of options.set) console.log(await row(checkpoint, session, set));
  await session.close();
}
process.exit(0); // idle threads of the runtime are not waited for

async function row(checkpoint, session, set) {
  const { fields, family } = checkpoint;
  const tokenizer = await loadTokenizer(fields.tokenizer.value, {
    bosTokenId: fields.bosTokenId.value ?? undefined,
    eosTokenId: fields.eosTokenId.value ?? undefined,
  });
  const whole = await packDataset({
    source: await resolveDataset({ spec: `${set}=${join(options.data, SETS[set])}` }),
    ...{ tokenizer, length: fields.length.value, protocol: 'duo', keepRemainder: false, onProgress() {} },
  });
  const stream = selectedSequences(whole, { kind: 'spread', count: Math.min(SEQUENCES, whole.sequences) });
  const schedule = noiseSchedule(checkpoint.schedule);
  const uniform = integration('duo', schedule);
  const estimator = estimatorOf(null, family);
  const ours = drawnLevels(estimator, uniform, { schedule, family, readsTime: false });
  const model = batchModelOf(checkpoint, { seed: 1, wrapped: whole.wrapped });
  const p = unigramFromCounts(vocabularyCounts(whole, model), model.maskTokenId);
  const control = isMasked(family) ? maskedControlVariate(p, model.maskTokenId) : uniformControlVariate(p);
  const store = (levels) => stored({ session, stream, model, control, levels });
  const [plain, drawn] = [await store(uniform), await store(ours)];
  const tokens = stream.sequences * stream.length;
  const published = simulated((random) => meanOfPublished(plain, random) / tokens);
  const estimate = simulated((random, seed) => meanOfOurs(drawn, stream, random, seed) / tokens);
  whole.close();
  const calls = (values) => (variance(values) * stream.sequences) / (ERROR * average(values)) ** 2;
  const figures = [published, estimate].map(calls);
  const nats = [published, estimate].map((values) => {
    const error = Math.sqrt(variance(values) / seeds);
    return `${average(values).toFixed(3)} ± ${error.toFixed(3)}`;
  });
  const cells = [
    checkpoint.name,
    set,
    stream.sequences,
    nats.join(', '),
    ...figures.map(rounded),
    rounded(figures[0] / figures[1]),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Of each sequence and part of [0, 1): draws of its loss, nats, and of the control's less its mean. */
async function stored({ session, stream, model, control, levels }) {
  const random = generator(11);
  const cells = Array.from({ length: stream.sequences }, () => Array.from({ length: parts }, () => []));
  const expected = Array.from({ length: stream.sequences }, (_, i) =>
    controlVariateExpectation(control, stream.sequence(i), levels),
  );
  const calls = [];
  // Near clean text weights are large and losses rare: more draws there.
  const drawn = Array.from({ length: parts }, (_, part) =>
    Array(draws * (part === 0 ? 8 : part === 1 ? 3 : 1)).fill(part),
  ).flat();
  for (const [draw, part] of drawn.entries()) {
    for (let sequence = 0; sequence < stream.sequences; sequence++) {
      const level = levels.at((part + random()) / parts, stream.length);
      calls.push({ sequence, draw, part, x: stream.sequence(sequence), level });
    }
  }
  for (let first = 0; first < calls.length; first += BATCH) {
    const some = calls.slice(first, first + BATCH);
    for (const [i, { nats }] of (await session.losses(some, model)).entries()) {
      const call = some[i];
      const z = noisyTokens(new Int32Array(call.x.length), call, model);
      const f = control.losses(new Float64Array(call.x.length), call.x, z, call.level);
      const weighted = call.level.weight * f.reduce((sum, value) => sum + value, 0);
      cells[call.sequence][call.part].push([nats, weighted - expected[call.sequence]]);
    }
  }
  return cells;
}

function pick(cells, u, random) {
  const cell = cells[Math.floor(u * parts)];
  return cell[Math.floor(random() * cell.length)];
}

function meanOfPublished(cells, random) {
  let sum = 0;
  for (const [i, ofSequence] of cells.entries())
    sum += pick(ofSequence, ((i % REFERENCE_BATCH) + random()) / REFERENCE_BATCH, random)[0];
  return sum;
}

function meanOfOurs(cells, { sequences, length }, random, seed) {
  const plan = timePlan({ sequences, draws: 1, seed });
  const fit = new FittedCoefficient(plan.groups);
  const found = cells.map((ofSequence, i) => {
    const { u, group } = plan.at(i, 0);
    const [nats, centred] = pick(ofSequence, u, random);
    fit.add(group, nats, centred, length);
    return { nats, centred, group };
  });
  return found.reduce((sum, { nats, centred, group }) => sum + nats - fit.withoutGroup(group) * centred, 0);
}

function simulated(estimate) {
  const random = generator(2026);
  return Array.from({ length: seeds }, (_, seed) => estimate(random, seed + 1));
}

function rounded(value) {
  return Number(value.toPrecision(2)).toLocaleString('en');
}
