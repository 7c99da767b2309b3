/**
 * The difference of two models on one task, item by item, which removes how hard the items are for both. Items are matched by their
 * place in the split; clusters stay together.
 */
import type { PairedDifference, Pairing, ResultRow } from '../../records/evaluation.js';
import { clusteredRatio } from './outcomes.js';
import type { TasksResult } from './record.js';

const SHARES = ['acc', 'accNorm', 'accBytes', 'exactMatch'] as const;
type PairedMetric = (typeof SHARES)[number] | 'answerNll';

const recordOf = ({ record }: ResultRow) => record as TasksResult;

export const itemPairing: Pairing = {
  metrics: [...SHARES, 'answerNll'],
  difference: (a, b, metric) => differenceOf(recordOf(a), recordOf(b), metric as PairedMetric),
  whyNot(a, b) {
    const [first, second] = [recordOf(a), recordOf(b)];
    if (!first.byItem || !second.byItem) return 'a file holds nothing of single items (tasks --by-item)';
    if (first.dataset.sha256 !== second.dataset.sha256) return 'the two are of different documents';
    const metric = first.byItem.acc ? 'acc' : first.byItem.exactMatch ? 'exactMatch' : 'answerNll';
    return differenceOf(first, second, metric) ? null : 'the two have too few items in common';
  },
};

function columnOf({ byItem, metrics }: TasksResult, metric: PairedMetric): readonly number[] | null {
  if (!metrics[metric]) return null;
  return (metric === 'answerNll' ? byItem?.nats : byItem?.[metric]) ?? null;
}

/** Over the items that both hold; null without at least two, or half of the smaller's. */
function differenceOf(a: TasksResult, b: TasksResult, metric: PairedMetric): PairedDifference | null {
  const [ofA, ofB] = [columnOf(a, metric), columnOf(b, metric)];
  if (!a.byItem || !b.byItem || !ofA || !ofB || a.dataset.sha256 !== b.dataset.sha256) return null;
  const placeInB = new Map(b.byItem.index.map((index, j) => [index, j]));
  const pairs = a.byItem.index.flatMap((index, i) => {
    const j = placeInB.get(index);
    return j === undefined ? [] : [[i, j] as const];
  });
  if (pairs.length < 2 || 2 * pairs.length < Math.min(ofA.length, ofB.length)) return null;
  const numbers = new Map<number, number>();
  // the columns of a record are of one length
  const units = pairs.map(([i]) => {
    const unit = a.byItem!.unit[i]; // checked above
    const number = numbers.get(unit) ?? numbers.size;
    numbers.set(unit, number);
    return number;
  });
  const ones = pairs.map(() => 1);
  const mean = (column: readonly number[], side: 0 | 1) =>
    pairs.reduce((sum, pair) => sum + column[pair[side]], 0) / pairs.length;
  const { value, stderr, ci95 } = clusteredRatio(
    pairs.map(([i, j]) => ofA[i] - ofB[j]),
    ones,
    units,
  );
  return { metric, value, stderr, ci95, sequences: pairs.length, a: mean(ofA, 0), b: mean(ofB, 1) };
}
