/** What a person reads of models compared at one entropy. */

import { type ColumnSet, left, right, toldApart } from '../../printing/columns.js';
import { count, intervalOf, meanCount, plain, valueWithError } from '../../printing/numbers.js';
import { plainText } from '../../terminal-text.js';
import type { FrontierResult } from '../throughput/record.js';

const MODEL = left<FrontierResult>(
  'model',
  ({ model, pareto }) => `${pareto ? '* ' : '  '}${plainText(model.name)}`,
);

/** What a row of the table is called by. */
export const labelOf = ({ model, sampler }: FrontierResult) =>
  `${model.name}, ${sampler.name}, ${sampler.steps} step${sampler.steps === 1 ? '' : 's'}`;

export function frontierColumns(results: readonly FrontierResult[]): ColumnSet<FrontierResult> {
  return toldApart(results, FRONTIER_COLUMNS, labelOf);
}

const FRONTIER_COLUMNS: ColumnSet<FrontierResult> = {
  essential: [
    MODEL,
    left('sampler', ({ sampler }) => plainText(sampler.name)),
    right('steps', ({ sampler }) => count(sampler.steps)),
    right('gen. perplexity', ({ metrics }) => valueWithError(metrics.genPpl)),
    right('95% interval', ({ metrics }) => intervalOf(metrics.genPpl)),
  ],
  further: [
    right('tokens/s', ({ tokensPerSecond }) => plain(tokensPerSecond)),
    right('temperature', ({ temperature }) => plain(temperature)),
    right('NFE', ({ nfe }) => meanCount(nfe)),
    right('entropies', ({ points }) => rangeOf(points.map(({ entropy }) => entropy.value))),
    left('family', ({ model }) => plainText(model.family)),
  ],
  names: [MODEL],
};

function rangeOf(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return '';
  return `${Math.min(...known).toFixed(2)} to ${Math.max(...known).toFixed(2)}`;
}
