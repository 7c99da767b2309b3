/**
 * The difference of two models on the same text, sequence by sequence, which removes the difficulty that both share. Sequences
 * are matched by their position in the packed stream.
 */
import type { PairedDifference, Pairing, ResultRow } from '../../records/evaluation.js';
import type { SequencesRecord } from '../../records/record.js';
import { longestBlock, pairedComparison } from '../../records/text-figures.js';
import { sum } from '../../statistics/numbers.js';
import type { PerplexityResult } from './record.js';

const recordOf = ({ record }: ResultRow) => record as PerplexityResult;

export const sequencePairing: Pairing = {
  headline: 'textNll',
  titles: { textNll: 'nats/text token' },
  metrics: ['nll', 'bitsPerByte'],
  difference(a, b, metric) {
    if (metric === 'nll' || metric === 'textNll') return natsDifference(a, b, metric);
    return metric === 'bitsPerByte' ? bitsDifference(a, b) : null;
  },
  whyNot(a, b) {
    const [first, second] = [recordOf(a), recordOf(b)];
    if (!first.sequences || !second.sequences)
      return 'a file holds no losses of sequences (ppl --by-sequence)';
    if (!isSameStream(a, b)) return 'the two are of different packed streams';
    return natsDifference(a, b, 'textNll') ? null : 'the two have too few sequences in common';
  },
};

/** Nats per token mean the same only where both score the same tokens: ar leaves out the first, as does a policy that is given BOS. */
export function scoredMetric(a: ResultRow, b: ResultRow): 'nll' | 'bitsPerByte' {
  const [first, second] = [a, b].map((row) => {
    const { estimator, from } = recordOf(row).protocol;
    return estimator === 'exact' && from !== 'all-masked';
  });
  return first === second ? 'nll' : 'bitsPerByte';
}

/**
 * Over the sequences that both rows hold.
 * @returns null unless both hold sequences of one stream, at least half of the smaller's, and for `nll` of as many scored tokens
 */
function natsDifference(a: ResultRow, b: ResultRow, metric: 'nll' | 'textNll'): PairedDifference | null {
  const [ofA, ofB] = [recordOf(a).sequences, recordOf(b).sequences];
  if (!ofA || !ofB || !isSameStream(a, b)) return null;
  const places = commonPlaces(ofA, ofB);
  const fewest = Math.min(ofA.nats.length, ofB.nats.length);
  if (places.length < 2 || 2 * places.length < fewest) return null;
  const [nats, tokens] =
    metric === 'nll' ? (['nats', 'tokens'] as const) : (['textNats', 'textTokens'] as const);
  const select = (column: readonly number[], side: 0 | 1) =>
    Float64Array.from(places, (place) => column[place[side]]);
  // Documents belong to the text, so those of either file are valid for both.
  const documents = ofA.document ? select(ofA.document, 0) : ofB.document ? select(ofB.document, 1) : null;
  const lossesOf = (columns: SequencesRecord, side: 0 | 1) => ({
    textNats: select(columns[nats], side),
    textTokens: select(columns[tokens], side),
    documents,
  });
  const [first, second] = [lossesOf(ofA, 0), lossesOf(ofB, 1)];
  if (first.textTokens.some((count, i) => count !== second.textTokens[i])) return null;
  // The block length of a row applies only where it is of exactly these sequences.
  const ofRows = [a, b]
    .filter((row) => recordOf(row).sequences?.nats.length === places.length)
    .map((row) => row.figures.get('nll')?.blockLength ?? 1);
  const {
    deltaNll,
    significant: _,
    ...error
  } = pairedComparison(first, second, Math.max(longestBlock([], [[first, second]]), ...ofRows));
  const total = sum(first.textTokens);
  return {
    metric,
    sequences: places.length,
    a: total > 0 ? sum(first.textNats) / total : null,
    b: total > 0 ? sum(second.textNats) / total : null,
    value: deltaNll,
    ...error,
  };
}

/** Bits per byte are nats per token in another unit, the same for both rows of one text. */
function bitsDifference(a: ResultRow, b: ResultRow): PairedDifference | null {
  const nats = natsDifference(a, b, 'nll');
  if (nats === null || nats.value === null) return nats;
  if (recordOf(a).sequences?.nats.length !== recordOf(b).sequences?.nats.length) return null;
  const [bits, perToken] = ['bitsPerByte', 'nll'].map((name) => a.figures.get(name)?.value ?? null);
  if (bits === null || !perToken) return null;
  const unit = bits / perToken;
  const toBits = (value: number | null) => (value === null ? null : value * unit);
  const { value, stderr, ci95 } = nats;
  return {
    ...nats,
    metric: 'bitsPerByte',
    a: toBits(nats.a),
    b: toBits(nats.b),
    value: toBits(value),
    stderr: toBits(stderr),
    ci95: ci95 && [ci95[0] * unit, ci95[1] * unit],
  };
}

/** The column indices, in either row, of the sequences that both hold. */
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

function isSameStream(a: ResultRow, b: ResultRow): boolean {
  const [first, second] = [a, b].map((row) => recordOf(row).dataset.sha256);
  return first !== null && first === second;
}
