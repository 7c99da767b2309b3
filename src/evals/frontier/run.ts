/**
 * Models at one entropy: each configuration is sampled over temperatures, judged, and its perplexity interpolated at the
 * target (interpolation.ts). Resumable: finished samples and judgements are never computed again.
 */
import { UsageError } from '../../errors.js';
import { type Observer, partOf, partsOf, verbOf } from '../../observer.js';
import type { SampledFigure } from '../../records/figures.js';
import type { SampleRun } from '../../sampling/sample-run.js';
import { paretoFront } from '../../statistics/pareto-front.js';
import { degreesOf } from '../../statistics/text-ratio.js';
import type { Judge } from '../generation/judge.js';
import { type MeasuredTexts, measureTexts } from '../generation/run.js';
import { sampledTexts } from '../generation/sampled-texts.js';
import type { TextSet } from '../generation/texts.js';
import type { Configuration } from '../throughput/configurations.js';
import { type EntropyTarget, perplexityAtEntropy, type SweepPoint } from './interpolation.js';
import type { FrontierResult, SweepPointRecord } from './record.js';

export interface FrontierOptions {
  temperatures: readonly number[];
  /** The entropy to compare at: a number, or that of real text. */
  target: number | TextSet;
  judge: Judge;
  /** Seed of the bootstrap. */
  seed: number;
}

export interface FrontierRun {
  results: FrontierResult[];
  /** Removes what was kept to continue the run, once the results are written. */
  finish(): Promise<void>;
}

/** One row per configuration, in their order. @throws ModelError, UsageError, DataError, NumericalError */
export async function measureFrontier(
  configurations: readonly Configuration[],
  options: FrontierOptions,
  observer: Observer,
): Promise<FrontierRun> {
  checkComparable(configurations);
  const { target, judge, seed } = options;
  const protocol = configurations[0].request.protocol;
  const reference =
    typeof target === 'number' ? null : await measureTexts(target, { protocol, seed, judge: null }, observer);
  const runs: SampleRun[] = [];
  const results: FrontierResult[] = [];
  // A step of a sample is the unit of their work.
  const parts = partsOf(configurations.map(({ request }) => request.steps));
  for (const [group, configuration] of configurations.entries()) {
    const sweep = await sweepOf(configuration, options, partOf(observer, parts[group]), runs);
    const at = perplexityAtEntropy(
      sweep.map(({ point }) => point),
      reference ? targetOf(reference) : (target as number),
      { seed, group },
    );
    results.push({
      ...factsOf(sweep),
      target: { entropy: at.entropy, dataset: reference?.result.samples.name ?? null },
      metrics: { genPpl: at.genPpl },
      temperature: at.temperature,
      outside: at.outside,
    });
  }
  const marks = paretoFront(
    results.map(({ tokensPerSecond, metrics }) => ({
      speed: tokensPerSecond,
      perplexity: metrics.genPpl.value,
    })),
  );
  for (const [i, result] of results.entries()) result.pareto = marks[i];
  return {
    results,
    async finish() {
      judge.finish();
      for (const run of runs) await run.finish();
    },
  };
}

/** Mean entropy of real text, with its error over units of text. */
function targetOf({ result }: MeasuredTexts): EntropyTarget {
  const { value, stderr, effectiveUnits = 0 } = result.metrics.entropy;
  // real text always has an entropy
  return { value: value!, stderr, degrees: degreesOf(effectiveUnits) };
}

/** Entropies compare only between texts of one tokenizer and length. @throws UsageError */
export function checkComparable(configurations: readonly Configuration[]): void {
  const [first] = configurations;
  for (const { name, request } of configurations) {
    const { tokenizer, length } = first.request;
    const sameTokens = request.tokenizer.sha256 === tokenizer.sha256;
    if (sameTokens && request.length === length) continue;
    throw new UsageError({
      code: 'entropies-not-comparable',
      message: sameTokens
        ? `Samples of ${first.name} have ${length} tokens, those of ${name} ${request.length}: entropies of different lengths do not compare.`
        : `${first.name} and ${name} have different tokenizers, so their entropies do not compare.`,
      hint: sameTokens
        ? 'Give --length.'
        : 'Compare models of one tokenizer; gen and bench show others side by side.',
    });
  }
}

interface Swept {
  point: SweepPoint;
  measured: MeasuredTexts;
}

/** Every temperature, in rising order. */
async function sweepOf(
  { name, request }: Configuration,
  { temperatures, judge, seed }: FrontierOptions,
  whole: Observer,
  runs: SampleRun[],
): Promise<Swept[]> {
  const swept: Swept[] = [];
  const rising = [...temperatures].sort((a, b) => a - b);
  const parts = partsOf(rising.map(() => 1));
  for (const [i, temperature] of rising.entries()) {
    const part = {
      ...parts[i],
      named: (work: string) => `${name} at temperature ${temperature}: ${verbOf(work) ?? work}`,
    };
    const observer = partOf(whole, part);
    const { set, run } = await sampledTexts(
      { ...request, temperature },
      `${name} at ${temperature}`,
      observer,
    );
    runs.push(run);
    try {
      const measured = await measureTexts(set, { protocol: request.protocol, judge, seed }, observer);
      // null only without a judge
      const { nats, tokens } = measured.judgement!;
      swept.push({ point: { temperature, nats, tokens, entropies: measured.entropies }, measured });
    } finally {
      await run.close();
    }
  }
  return swept;
}

/** The row of a sweep. */
function factsOf(
  sweep: readonly Swept[],
): Omit<FrontierResult, 'target' | 'metrics' | 'temperature' | 'outside'> {
  const { model, samples, judge, protocol, environment } = sweep[0].measured.result;
  const points = sweep.map(({ point, measured }) => pointOf(point.temperature, measured));
  const sets = sweep.map(({ measured }) => measured.result.samples);
  const seconds = sets.reduce((sum, set) => sum + (set.seconds ?? 0), 0);
  const tokens = sets.reduce((sum, { count, length }) => sum + count * length, 0);
  return {
    eval: 'frontier',
    // texts sampled from a model name it, its sampler and its judge
    model: model!,
    // as above
    sampler: samples.sampler!,
    length: samples.length,
    ...(samples.topK !== null && { topK: samples.topK }),
    ...(samples.topP !== null && { topP: samples.topP }),
    tokenizerSha256: samples.tokenizerSha256,
    bosTokenId: samples.bosTokenId,
    eosTokenId: samples.eosTokenId,
    points,
    nfe: samples.nfe,
    tokensPerSecond: seconds > 0 ? tokens / seconds : null,
    pareto: false,
    // a sweep is always judged
    judge: judge!,
    protocol: { ...protocol, interval: 'bootstrap-stderr' },
    environment,
  };
}

function pointOf(temperature: number, { result }: MeasuredTexts): SweepPointRecord {
  const { samples, metrics } = result;
  const known = ({ value, stderr, ci95 }: SampledFigure) => ({ value, stderr, ci95 });
  return {
    temperature,
    genPpl: known(metrics.genPpl),
    entropy: known(metrics.entropy),
    tokensPerSecond: samples.seconds ? (samples.count * samples.length) / samples.seconds : null,
    samples: samples.count,
  };
}
