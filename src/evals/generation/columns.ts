/** What a person reads of generated texts, one column an entry, shared by the table and the markdown printer. */

import { type ColumnSet, left, right, toldApart } from '../../printing/columns.js';
import { count, intervalOf, meanCount, plain, valueWithError } from '../../printing/numbers.js';
import { plainText } from '../../terminal-text.js';
import type { GenerativeResult } from './record.js';

const TEXTS = left<GenerativeResult>('texts', ({ samples }) => plainText(samples.name));

export function generativeColumns(results: readonly GenerativeResult[]): ColumnSet<GenerativeResult> {
  return toldApart(results, GENERATIVE_COLUMNS, ({ samples }) => samples.name);
}

const GENERATIVE_COLUMNS: ColumnSet<GenerativeResult> = {
  essential: [
    TEXTS,
    right('gen. perplexity', ({ metrics }) => valueWithError(metrics.genPpl)),
    right('95% interval', ({ metrics }) => intervalOf(metrics.genPpl)),
    right('entropy', ({ metrics }) => valueWithError(metrics.entropy)),
    right('rep-4', ({ metrics }) => valueWithError(metrics.repetition4)),
  ],
  further: [
    right('NFE', ({ samples }) => meanCount(samples.nfe)),
    right('distinct-1', ({ metrics }) => plain(metrics.distinct1.value)),
    right('distinct-2', ({ metrics }) => plain(metrics.distinct2.value)),
    right('distinct-3', ({ metrics }) => plain(metrics.distinct3.value)),
    right('compression', ({ metrics }) => plain(metrics.compressionRatio.value)),
    right('samples', ({ samples }) => count(samples.count)),
    left('sampler', ({ samples }) => plainText(samples.sampler?.name ?? '')),
    right('steps', ({ samples }) => count(samples.sampler?.steps ?? null)),
    right('temperature', ({ samples }) => plain(samples.temperature)),
    left('model', ({ model }) => plainText(model?.name ?? '')),
    left('family', ({ model }) => plainText(model?.family ?? '')),
    left('judge', ({ judge }) => plainText(judge?.name ?? '')),
    right('nats/token', ({ metrics }) => valueWithError(metrics.genNll)),
    right('tokens judged', ({ judge, cost }) => count(judge && cost.tokens)),
    right('seconds', ({ samples }) => plain(samples.seconds)),
  ],
  names: [TEXTS],
};
