/**
 * The difference of two sets of generated texts, sample by sample.
 *
 * Sample i of one run and sample i of another are a pair when both runs used the same seed, prompt and tokenizer: all random
 * numbers are functions of (seed, purpose, sample, step, position), so both samples used the same ones, and the luck common to
 * both drops out of the difference. Models, samplers, steps and temperatures may differ: they are what is compared. Runs with
 * other seeds or prompts count as independent. Texts with identical tokens are always pairs.
 *
 * Pairs are the sampling unit: the interval is valid whether or not the common random numbers made paired samples similar. Where
 * they did not, it is about as wide as that of independent sets.
 */
import { fieldOf, type PairedDifference, type Pairing, type ResultRow } from '../../records/evaluation.js';
import { bootstrapT, type Linearised } from '../../statistics/bootstrap.js';
import { sum } from '../../statistics/numbers.js';
import { ratio } from '../../statistics/ratio.js';
import type { GenerativeResult } from './record.js';

/** The figures with one value per sample. Distinct-n and compression are figures of a whole set, without an error. */
const MEANS = ['entropy', 'repetition4'] as const;

export const samplePairing: Pairing = {
  metrics: ['genNll', ...MEANS],
  difference: pairedSamples,
  whyNot: whyNotPaired,
};

const columnsOf = ({ record }: ResultRow) => (record as GenerativeResult).bySample;

/** A fixed seed: the interval is the same in either order of the rows. */
const RESAMPLING_SEED = 1;

/**
 * The difference over the samples that both hold: for `genNll` of Σ nats / Σ tokens, with bootstrap-t over pairs; for means,
 * with Student's t of the differences.
 * @returns null where the rows do not hold the same samples, or lack the column
 */
function pairedSamples(a: ResultRow, b: ResultRow, metric: string): PairedDifference | null {
  const [first, second] = [columnsOf(a), columnsOf(b)];
  if (!first || !second || whyNotPaired(a, b) !== null) return null;
  const pairs = commonSamples(a, b);
  const base = { metric, sequences: pairs };
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
  if (!columnsOf(a) || !columnsOf(b)) return 'a file holds no figures of single samples (gen --by-sample)';
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
  return Math.min(...[a, b].map((row) => columnsOf(row)?.entropy.length ?? 0));
}

interface Judged {
  nats: Float64Array;
  tokens: Float64Array;
}

function ratioDifference(
  a: Judged,
  b: Judged,
): Pick<PairedDifference, 'a' | 'b' | 'value' | 'stderr' | 'ci95'> {
  const [first, second] = [a, b].map(({ nats, tokens }) => sum(nats) / sum(tokens));
  const value = first - second;
  if (!Number.isFinite(value))
    return { a: known(first), b: known(second), value: null, stderr: null, ci95: null };
  const error = bootstrapT(a.nats.length, (indices) => linearisedDifference(a, b, indices), {
    seed: RESAMPLING_SEED,
  });
  return { a: first, b: second, value, stderr: error.stderr, ci95: error.ci95 };
}

/** Σ nats/Σ tokens of one minus that of the other, over the pairs with these indices, with the delta method's standard error. */
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
