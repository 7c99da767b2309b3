/**
 * The difference of two rows pair by pair, which removes what is hard, or lucky, for both: over the sequences of text that
 * both evaluated, or over the samples that both drew.
 *
 * Sample i of one run and sample i of another belong together when they were drawn from one seed, after the same prompt,
 * with one tokenizer: all random numbers are functions of (seed, purpose, sample, step, position), so the two used the same
 * ones, and luck that is common to both drops out of the difference. Models, samplers, steps and temperatures may differ:
 * they are what is compared. With other seeds or prompts, number i means nothing beyond its own run, and the two count as
 * independent. Texts that are equal to the last token are pairs however they came about.
 *
 * Pairs are the sampling unit: the interval holds for further samples of the kind, whether or not the common numbers made
 * them alike. Where they did not, it is about as wide as that of independent sets.
 */
import type { TextSampling } from '../records/record.js';
import { fieldOf, type ResultRow } from '../records/rows.js';
import type { SequencesRecord } from '../records/sequences-record.js';
import { longestBlock, pairedComparison } from '../records/text-figures.js';
import { bootstrapT, type Linearised } from '../statistics/bootstrap.js';
import { sum } from '../statistics/numbers.js';
import { ratio } from '../statistics/ratio.js';

export interface Estimate {
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
}

export interface Difference extends Estimate, TextSampling {
  /** A figure's name, or `textNll`: nats per token of text, which compares families that score different tokens. */
  metric: string;
  method: 'paired' | 'intervals';
  /** Sequences, or samples, that were paired. */
  sequences: number | null;
  /** The figures of both rows, where they are of this metric. */
  a: number | null;
  b: number | null;
}

/**
 * The difference over the sequences that both rows hold, matched by their place in the stream.
 * @returns null unless both hold sequences of one stream, at least half of the smaller's, and for `nll` of as many scored tokens
 */
export function pairedSequences(a: ResultRow, b: ResultRow, metric: 'nll' | 'textNll'): Difference | null {
  if (!a.sequences || !b.sequences || !sameStream(a, b)) return null;
  const places = commonPlaces(a.sequences, b.sequences);
  const fewest = Math.min(a.sequences.nats.length, b.sequences.nats.length);
  if (places.length < 2 || 2 * places.length < fewest) return null;
  const [nats, tokens] =
    metric === 'nll' ? (['nats', 'tokens'] as const) : (['textNats', 'textTokens'] as const);
  const taken = (column: readonly number[], side: 0 | 1) =>
    Float64Array.from(places, (place) => column[place[side]]);
  // Of the text, so what either file says of documents holds for both.
  const [ofA, ofB] = [a.sequences.document, b.sequences.document];
  const documents = ofA ? taken(ofA, 0) : ofB ? taken(ofB, 1) : null;
  const lossesOf = (columns: SequencesRecord, side: 0 | 1) => ({
    textNats: taken(columns[nats], side),
    textTokens: taken(columns[tokens], side),
    documents,
  });
  const [first, second] = [lossesOf(a.sequences, 0), lossesOf(b.sequences, 1)];
  if (first.textTokens.some((count, i) => count !== second.textTokens[i])) return null;
  // A row's own length counts where it is of these sequences: elsewhere they lie at other distances.
  const whole = (row: ResultRow) => row.sequences?.nats.length === places.length;
  const ofRows = [a, b].filter(whole).map((row) => row.figures.get('nll')?.blockLength ?? 1);
  const {
    deltaNll,
    significant: _,
    ...error
  } = pairedComparison(first, second, Math.max(longestBlock([], [[first, second]]), ...ofRows));
  const total = sum(first.textTokens);
  return {
    metric,
    method: 'paired',
    sequences: places.length,
    a: total > 0 ? sum(first.textNats) / total : null,
    b: total > 0 ? sum(second.textNats) / total : null,
    value: deltaNll,
    ...error,
  };
}

/** Where each sequence that both have stands in the columns of either. */
function commonPlaces(a: SequencesRecord, b: SequencesRecord): [number, number][] {
  const places: [number, number][] = [];
  const indexOf = ({ index }: SequencesRecord, i: number) => index?.[i] ?? i;
  for (let [i, j] = [0, 0]; i < a.nats.length && j < b.nats.length; ) {
    const ahead = indexOf(a, i) - indexOf(b, j);
    if (ahead === 0) places.push([i, j]);
    if (ahead <= 0) i++;
    if (ahead >= 0) j++;
  }
  return places;
}

function sameStream(a: ResultRow, b: ResultRow): boolean {
  const [first, second] = [a, b].map((row) => row.record.dataset?.sha256);
  return typeof first === 'string' && first === second;
}

/** Of these a row holds a column; distinct-n and compression are of a whole set, and have no error at all. */
const MEANS = ['entropy', 'repetition4'] as const;
export const OF_EACH_SAMPLE: ReadonlySet<string> = new Set(['genNll', ...MEANS]);

/** One seed gives one interval, whichever of the two stands first. */
const RESAMPLING_SEED = 1;

/**
 * Over the samples that both hold: of `genNll`, Σ nats / Σ tokens of each, bootstrap-t of pairs drawn with replacement; of means,
 * Student's t of the differences.
 * @returns null where the rows do not hold the same samples, or no such column
 */
export function pairedSamples(a: ResultRow, b: ResultRow, metric: string): Difference | null {
  const [first, second] = [a.record.bySample, b.record.bySample];
  if (!first || !second || whyNotPaired(a, b) !== null) return null;
  const pairs = commonSamples(a, b);
  const base = { metric, method: 'paired' as const, sequences: pairs };
  const common = (column: readonly number[]) => Float64Array.from(column.slice(0, pairs));
  if (metric === 'genNll') {
    if (!first.nats || !first.tokens || !second.nats || !second.tokens) return null;
    return {
      ...base,
      ...ratioDifference(
        { nats: common(first.nats), tokens: common(first.tokens) },
        { nats: common(second.nats), tokens: common(second.tokens) },
      ),
    };
  }
  const name = MEANS.find((one) => one === metric);
  const [left, right] = [name && first[name], name && second[name]];
  if (!left || !right) return null;
  const [x, y] = [common(left), common(right)];
  const difference = ratio(
    x.map((value, i) => value - y[i]),
    new Float64Array(pairs).fill(1),
  );
  return { ...base, a: sum(x) / pairs, b: sum(y) / pairs, ...difference };
}

/** Why two rows of `gen` are not compared sample by sample, as the end of a sentence; null where they are. */
export function whyNotPaired(a: ResultRow, b: ResultRow): string | null {
  const same = (path: string) => fieldOf(a, path) === fieldOf(b, path);
  const both = (path: string, value: unknown) => same(path) && fieldOf(a, path) === value;
  if (!a.record.bySample || !b.record.bySample)
    return 'a file holds no figures of single samples (gen --by-sample)';
  if (commonSamples(a, b) < 2) return 'there are fewer than two samples to pair';
  if (fieldOf(a, 'samples.sha256') && same('samples.sha256')) return null;
  if (typeof fieldOf(a, 'samples.seed') !== 'number' || typeof fieldOf(b, 'samples.seed') !== 'number')
    return 'real text is no sample of a seed';
  if (!same('samples.seed')) return 'the samples were drawn from different seeds';
  if (!same('samples.tokenizerSha256')) return 'the samples are of different tokenizers';
  if (both('samples.prompt', false)) return null;
  if (!same('samples.prompt') || !same('samples.promptSha256'))
    return 'the samples go on from different prompts';
  return fieldOf(a, 'samples.promptSha256')
    ? null
    : 'a file does not say from which prompt the samples go on';
}

/** Samples are numbered from 0, so the shorter run holds the first of the longer one. */
function commonSamples(a: ResultRow, b: ResultRow): number {
  return Math.min(...[a, b].map((row) => row.record.bySample?.entropy.length ?? 0));
}

interface Judged {
  nats: Float64Array;
  tokens: Float64Array;
}

function ratioDifference(a: Judged, b: Judged): Pick<Difference, 'a' | 'b' | 'value' | 'stderr' | 'ci95'> {
  const [first, second] = [a, b].map(({ nats, tokens }) => sum(nats) / sum(tokens));
  const value = first - second;
  if (!Number.isFinite(value))
    return { a: known(first), b: known(second), value: null, stderr: null, ci95: null };
  const error = bootstrapT(a.nats.length, (indices) => linearisedDifference(a, b, indices), {
    seed: RESAMPLING_SEED,
  });
  return { a: first, b: second, value, stderr: error.stderr, ci95: error.ci95 };
}

/** Of pairs given by index: Σ nats/Σ tokens of one minus that of the other, with the delta method's standard error. */
function linearisedDifference(a: Judged, b: Judged, indices: Uint32Array): Linearised {
  const ratios = [a, b].map(({ nats, tokens }) => {
    let [total, counted] = [0, 0];
    for (const index of indices) {
      total += nats[index];
      counted += tokens[index];
    }
    return { value: total / counted, counted, nats, tokens };
  });
  let squares = 0;
  for (const index of indices) {
    const [x, y] = ratios.map(
      ({ value, counted, nats, tokens }) => (nats[index] - value * tokens[index]) / counted,
    );
    squares += (x - y) ** 2;
  }
  const n = indices.length;
  return { value: ratios[0].value - ratios[1].value, stderr: Math.sqrt((n / (n - 1)) * squares) };
}

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);
