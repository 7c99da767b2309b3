// How much less the default estimator varies than the reference's way, and what each part of it contributes: the variance,
// over seeds, of the mean loss of the same 64 sequences, protocol `duo`, one draw of each.
//
//   npm run build && node bench/estimator-variance.mjs [--seeds 200] [--model duo] [--model mdlm]
//     [--checkpoints ../shared/checkpoints] [--dataset ../shared/data/ptb/ptb.valid.txt]
//
// The reference's way (`_sample_t` of its code): in every batch of 16, t = (1−ε)·(i + U_i)/16 + ε, the i-th sequence in the
// i-th sixteenth. Every ratio stands with the lower end of its 95% interval, by bootstrap over seeds. A quarter of an hour or so.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packDataset } from '../dist/datasets/pack-dataset.js';
import { resolveDataset } from '../dist/datasets/resolve-dataset.js';
import { loadTokenizer } from '../dist/datasets/tokenizer.js';
import { maskedControlVariate, unigramFromCounts } from '../dist/diffusion/control-variate.js';
import { FittedCoefficient } from '../dist/diffusion/fitted-coefficient.js';
import { integration } from '../dist/diffusion/integration.js';
import { noiseSchedule } from '../dist/diffusion/schedule.js';
import { timePlan } from '../dist/diffusion/times.js';
import { vocabularyCounts } from '../dist/evals/perplexity/correction.js';
import { correctionOf, drawnLevels } from '../dist/evals/perplexity/estimator.js';
import { noisyTokens } from '../dist/evals/perplexity/loss-batch.js';
import { LossSession } from '../dist/evals/perplexity/loss-session.js';
import { openCheckpoint } from '../dist/models/checkpoint.js';
import { isMasked } from '../dist/models/family.js';
import { average, generator, variance } from './simulation.mjs';

const SEQUENCES = 64;
const REFERENCE_BATCH = 16;
const RESAMPLES = 4000;
const REFERENCE = "the reference's way";

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    model: { type: 'string', multiple: true, default: ['duo', 'mdlm'] },
    checkpoints: { type: 'string', default: '../shared/checkpoints' },
    dataset: { type: 'string', default: '../shared/data/ptb/ptb.valid.txt' },
  },
});
const seeds = Number(options.seeds);
for (const path of [options.checkpoints, options.dataset]) {
  if (existsSync(path)) continue;
  console.error(`${path} is not there: give --checkpoints and --dataset.`);
  process.exit(2);
}

for (const name of options.model) {
  printTable(name, await study(name));
}

/** @returns for each way of estimating, its mean loss by seed, nats per token */
async function study(name) {
  const checkpoint = await openCheckpoint(join(options.checkpoints, `${name}.onnx`), {}, name);
  const { fields, family, vocabSize, signature } = checkpoint;
  const tokenizer = await loadTokenizer(fields.tokenizer.value, {
    bosTokenId: fields.bosTokenId.value ?? undefined,
    eosTokenId: fields.eosTokenId.value ?? undefined,
  });
  const stream = await packDataset({
    source: await resolveDataset({ spec: `ptb=${options.dataset}` }),
    tokenizer,
    length: fields.length.value,
    protocol: 'duo',
    keepRemainder: false,
    onProgress() {},
  });
  const schedule = noiseSchedule(checkpoint.schedule);
  const uniform = integration('duo', schedule);
  const drawn = drawnLevels('control-variate', uniform, { schedule, family, readsTime: false });
  const tokens = SEQUENCES * stream.length;
  const session = await LossSession.start({ checkpoint, provider: 'cpu' });
  const modelOf = (seed) => ({
    name,
    family,
    vocabSize,
    maskTokenId: checkpoint.maskTokenId,
    seed,
    wrapped: stream.wrapped,
    fixedLength: signature.fixedLength,
  });

  /** One draw of every sequence: the calls and their losses. */
  async function draw(seed, levels, uOf) {
    const model = modelOf(seed);
    const calls = Array.from({ length: SEQUENCES }, (_, sequence) => ({
      sequence,
      draw: 0,
      x: stream.sequence(sequence),
      level: levels.at(uOf(sequence), stream.length),
      byToken: isMasked(family),
    }));
    const batches = Array.from({ length: SEQUENCES / 32 }, (_, b) => calls.slice(32 * b, 32 * b + 32));
    const losses = (await Promise.all(batches.map((batch) => session.losses(batch, model)))).flat();
    return { model, calls, losses, nats: Float64Array.from(losses, (loss) => loss.nats) };
  }
  const mean = (nats) => nats.reduce((sum, value) => sum + value, 0) / tokens;

  async function corrected({ model, calls, losses, nats }, plan, levels) {
    const correction = correctionOf('control-variate', {
      stream,
      sequences: SEQUENCES,
      plan,
      integration: levels,
      model,
    });
    for (const [i, call] of calls.entries()) correction.observe(call, losses[i]);
    const after = nats.slice();
    await correction.correct(0, after, new Float64Array(SEQUENCES));
    return mean(after);
  }

  /** Masked families: the unigram's loss and one fitted coefficient, nothing learned of single tokens. */
  function withUnigram({ model, calls, nats }, plan, levels) {
    const { maskTokenId } = model;
    const p = unigramFromCounts(vocabularyCounts(stream, model), maskTokenId);
    const control = maskedControlVariate(p, maskTokenId);
    const fit = new FittedCoefficient(plan.groups);
    const share = levels.measure * (levels.alphaRange[1] - levels.alphaRange[0]);
    const centred = calls.map((call) => {
      const z = noisyTokens(new Int32Array(call.x.length), call, model);
      const f = control.losses(new Float64Array(call.x.length), call.x, z, call.level);
      return f.reduce((sum, v, l) => sum + call.level.weight * v + share * Math.log(p[call.x[l]]), 0);
    });
    const groupOf = (i) => plan.at(i, 0).group;
    for (const [i, c] of centred.entries()) fit.add(groupOf(i), nats[i], c, stream.length);
    return mean(nats.map((value, i) => value - fit.withoutGroup(groupOf(i)) * centred[i]));
  }

  const rows = new Map();
  const record = (row, value) => rows.set(row, [...(rows.get(row) ?? []), value]);
  const random = generator(2024);
  for (let s = 1; s <= seeds; s++) {
    if (s % 20 === 0) console.error(`${name}: ${s} of ${seeds} seeds`);
    const sixteenths = Array.from(
      { length: SEQUENCES },
      (_, i) => ((i % REFERENCE_BATCH) + random()) / REFERENCE_BATCH,
    );
    record(REFERENCE, mean((await draw(s, uniform, (i) => sixteenths[i])).nats));

    const second = timePlan({ sequences: SEQUENCES, draws: 1, seed: s + 1e6 });
    const stratified = await draw(s + 1e6, uniform, (i) => second.at(i, 0).u);
    record('times stratified over the data set (`plain`)', mean(stratified.nats));
    record('`plain` and the control variate', await corrected(stratified, second, uniform));

    const third = timePlan({ sequences: SEQUENCES, draws: 1, seed: s + 2e6 });
    const towardsText = await draw(s + 2e6, drawn, (i) => third.at(i, 0).u);
    record('levels drawn towards text, no control variate', mean(towardsText.nats));
    if (isMasked(family)) record('both, the unigram as control', withUnigram(towardsText, third, drawn));
    record('both (`control-variate`, the default)', await corrected(towardsText, third, drawn));
  }
  await session.close();
  stream.close();
  return rows;
}

function printTable(name, rows) {
  const reference = rows.get(REFERENCE);
  console.log(`\n**${name}**, ${seeds} seeds\n`);
  console.log('| | mean, nats per token | standard deviation | variance ratio | at least |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const [row, values] of rows) {
    const error = Math.sqrt(variance(values) / values.length);
    const [ratio, least] =
      row === REFERENCE ? ['1', ''] : ratioOf(reference, values).map((r) => r.toFixed(1));
    console.log(
      `| ${row} | ${average(values).toFixed(4)} ± ${error.toFixed(4)} | ${Math.sqrt(variance(values)).toFixed(4)} | ${ratio} | ${least} |`,
    );
  }
}

/** Var(reference) / Var(values), and the 2.5% quantile of its bootstrap distribution. */
function ratioOf(reference, values) {
  const random = generator(7);
  const resampled = (from) => from.map(() => from[Math.floor(random() * from.length)]);
  const ratios = Array.from(
    { length: RESAMPLES },
    () => variance(resampled(reference)) / variance(resampled(values)),
  ).sort((a, b) => a - b);
  return [variance(reference) / variance(values), ratios[Math.floor(0.025 * RESAMPLES)]];
}
