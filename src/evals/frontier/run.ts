/**
 * Models at one entropy: each configuration is sampled over temperatures, judged, and its perplexity interpolated at the
 * target (interpolation.ts). Resumable: finished samples and judgements are never computed again.
 */
import { UsageError } from '../../errors.js';
import { endOf, type Observer, partOf, partsOf, verbOf } from '../../observer.js';
import type { SampledFigure } from '../../records/figures.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import type { SampleRun } from '../../sampling/sample-run.js';
import { paretoFront } from '../../statistics/pareto-front.js';
import { degreesOf } from '../../statistics/text-ratio.js';
import { addBrier, type Comparison } from '../generation/comparison.js';
import type { Judge } from '../generation/judge.js';
import { COMPARED_FIGURES, type GenerativeResult } from '../generation/record.js';
import { type MeasuredTexts, measureTexts } from '../generation/run.js';
import { sampledTexts } from '../generation/sampled-texts.js';
import type { TextSet } from '../generation/texts.js';
import type { Configuration } from '../throughput/configurations.js';
import {
  type EntropyTarget,
  figureAtEntropy,
  perplexityAtEntropy,
  type SweepPoint,
} from './interpolation.js';
import type { FrontierResult, SweepPointRecord } from './record.js';

export interface FrontierOptions {
  temperatures: readonly number[];
  /** The entropy to compare at: a number, or that of real text. */
  target: number | TextSet;
  judge: Judge;
  /** By default texts are compared with the real text of the target by their n-grams alone. */
  comparison?: Comparison;
  /** Seed of the bootstrap. */
  seed: number;
}

type ControlOptions = Omit<FrontierOptions, 'temperatures'>;

export interface FrontierRun {
  results: FrontierResult[];
  /** Naive samplers with the entropy of the target, where they were asked for. */
  controls: GenerativeResult[];
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
  const [{ request }] = configurations;
  const reference = await referenceOf(request, options, observer);
  const runs: SampleRun[] = [];
  const results: FrontierResult[] = [];
  // A step of a sample is the unit of their work.
  const parts = partsOf(configurations.map(({ request }) => request.steps));
  for (const [group, configuration] of configurations.entries()) {
    const sweep = await sweepOf(
      configuration,
      { ...options, reference },
      partOf(observer, parts[group]),
      runs,
    );
    const entropy = reference
      ? targetOf(reference)
      : { value: target as number, stderr: 0, degrees: Number.POSITIVE_INFINITY };
    const at = perplexityAtEntropy(
      sweep.map(({ point }) => point),
      entropy,
      { seed, group },
    );
    results.push({
      ...factsOf(sweep),
      target: { entropy: at.entropy, dataset: reference?.result.samples.name ?? null },
      metrics: { genPpl: at.genPpl, ...measuresAt(sweep, entropy) },
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
  const controls = await controlsBeside(request, { ...options, reference }, observer);
  return {
    ...{ results, controls },
    async finish() {
      judge.finish();
      for (const run of runs) await run.finish();
    },
  };
}

/** The controls alone, for sweeps of the same settings that are measured apart, as the cells of a suite are. @throws as measureFrontier */
export async function measureControls(
  { request }: Configuration,
  options: ControlOptions,
  observer: Observer,
): Promise<GenerativeResult[]> {
  return controlsBeside(
    request,
    { ...options, reference: await referenceOf(request, options, observer) },
    observer,
  );
}

/** The real text of the target; null where that is a number. */
async function referenceOf(
  { protocol }: SampleRequest,
  { target, seed, comparison }: ControlOptions,
  observer: Observer,
): Promise<MeasuredTexts | null> {
  if (typeof target === 'number') return null;
  const features = comparison?.features ?? null;
  return measureTexts(target, { protocol, seed, judge: null, features }, observer);
}

async function controlsBeside(
  { protocol, samples }: SampleRequest,
  { target, judge, seed, comparison, reference }: ControlOptions & { reference: MeasuredTexts | null },
  observer: Observer,
): Promise<GenerativeResult[]> {
  const wanted = reference ? targetOf(reference).value : (target as number);
  const features = comparison?.features ?? null;
  const controls: GenerativeResult[] = [];
  for (const { set, brier } of comparison?.controls(wanted, samples) ?? []) {
    const measuring = { protocol, seed, judge, features, against: reference, brier };
    controls.push((await measureTexts(set, measuring, observer)).result);
  }
  return controls;
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
  { temperatures, judge, seed, comparison, reference }: FrontierOptions & { reference: MeasuredTexts | null },
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
      const features = comparison?.features ?? null;
      const measuring = { protocol: request.protocol, judge, seed, features, against: reference };
      const measured = await measureTexts(set, measuring, partOf(whole, endOf(part)));
      addBrier(measured, (await comparison?.brierOf({ ...request, temperature }, observer)) ?? null);
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
  const { model, samples, judge, protocol, environment, reference, mauve, brier } = sweep[0].measured.result;
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
    ...(reference && { reference }),
    ...(mauve && { mauve }),
    ...(brier && { brier }),
    protocol: { ...protocol, interval: 'bootstrap-stderr' },
    environment,
  };
}

type Measures = NonNullable<SweepPointRecord['measures']>;
type Compared = (typeof COMPARED_FIGURES)[number];

/** The possible values of each figure. */
const limitsOf = (name: Compared): readonly [number, number] =>
  name.startsWith('js') ? [0, Math.LN2] : /^brier\d/.test(name) ? [-1, 1] : [0, 1];

/** Figures that every temperature has, at the entropy. */
function measuresAt(sweep: readonly Swept[], entropy: EntropyTarget): Measures {
  const found: Measures = {};
  for (const name of COMPARED_FIGURES) {
    const points = sweep.flatMap(({ measured: { result } }) => {
      const { metrics, samples } = result;
      const figure = metrics[name];
      return figure ? [{ entropy: metrics.entropy, figure, samples: samples.count }] : [];
    });
    if (points.length === sweep.length) found[name] = figureAtEntropy(points, entropy, limitsOf(name));
  }
  return found;
}

const measuresOf = (metrics: Measures): Measures =>
  Object.fromEntries(COMPARED_FIGURES.flatMap((name) => (metrics[name] ? [[name, metrics[name]]] : [])));

function pointOf(temperature: number, { result }: MeasuredTexts): SweepPointRecord {
  const { samples, metrics, unscored } = result;
  const known = ({ value, stderr, ci95 }: SampledFigure) => ({ value, stderr, ci95 });
  return {
    temperature,
    genPpl: known(metrics.genPpl),
    entropy: known(metrics.entropy),
    tokensPerSecond: samples.seconds ? (samples.count * samples.length) / samples.seconds : null,
    samples: samples.count,
    ...(unscored !== undefined && { unscored }),
    measures: measuresOf(metrics),
  };
}
