/** What a person reads of configurations that were timed. */
import { plainText } from '../../terminal-text.js';
import type { AgainstRecord, BenchResult } from '../throughput-record.js';
import { type ColumnSet, left, right } from './columns.js';
import { count, intervalOf, meanCount, plain, valueWithError } from './numbers.js';

const NAME = left<BenchResult>(
  'configuration',
  ({ samples, throughput }) =>
    `${throughput.pareto ? '* ' : '  '}${plainText(samples.name)}${throughput.cached === false ? ' (uncached)' : ''}`,
);

const MEBIBYTE = 2 ** 20;

const AGAINST = right<BenchResult>('× against', ({ throughput }) => ratioOf(throughput.against));

/** `1.12 [1.08, 1.16]`; `~` before it when 1 lies in the interval. */
export function ratioOf(against: AgainstRecord | undefined): string {
  if (!against) return '';
  const { value, ci95 } = against.ratio;
  if (ci95 === null) return plain(value);
  // To a tenth of the interval's width, and never more than what tells 1 from it.
  const places = Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(Math.max(1e-6, ci95[1] - ci95[0])))));
  const [shown, low, high] = [value, ...ci95].map((one) => one.toFixed(places));
  return `${ci95[0] <= 1 && 1 <= ci95[1] ? '~ ' : ''}${shown} [${low}, ${high}]`;
}

/** The ratio to another build stands first where there is one. */
export function benchColumns(results: readonly BenchResult[]): ColumnSet<BenchResult> {
  if (results.every(({ throughput }) => !throughput.against)) return BENCH_COLUMNS;
  const { essential, further, names } = BENCH_COLUMNS;
  const judged = results.some(({ metrics }) => metrics.genPpl.value !== null);
  const unjudged = judged ? essential : essential.filter(({ title }) => title !== QUALITY);
  return { essential: [...unjudged.slice(0, 2), AGAINST, ...unjudged.slice(2)], further, names };
}

const QUALITY = 'gen. perplexity';

const BENCH_COLUMNS: ColumnSet<BenchResult> = {
  essential: [
    NAME,
    right('tokens/s', ({ throughput }) => plain(throughput.tokensPerSecond.value)),
    right('NFE', ({ samples }) => meanCount(samples.nfe)),
    right(QUALITY, ({ metrics }) => valueWithError(metrics.genPpl)),
    right('entropy', ({ metrics }) => valueWithError(metrics.entropy)),
  ],
  further: [
    right('× ar', ({ throughput }) => plain(throughput.speedUpOverAr)),
    right('× masked', ({ throughput }) => plain(throughput.speedUpOverMasked)),
    right('95% interval', ({ throughput }) => intervalOf({ ...throughput.tokensPerSecond, stderr: null })),
    right('harness', ({ throughput }) => `${(100 * throughput.harnessShare).toFixed(1)}%`),
    right('MiB', ({ throughput }) =>
      throughput.peakMemoryBytes === null ? '' : String(Math.round(throughput.peakMemoryBytes / MEBIBYTE)),
    ),
    right('rep-4', ({ metrics }) => valueWithError(metrics.repetition4)),
    right('rounds', ({ throughput }) => count(throughput.rounds)),
    right('batch', ({ throughput }) => count(throughput.batch)),
    right('warm-up s', ({ throughput }) => plain(throughput.warmupSeconds)),
    left('model', ({ model }) => plainText(model.name)),
    left('family', ({ model }) => plainText(model.family)),
    left('sampler', ({ samples }) => plainText(samples.sampler?.name ?? '')),
    right('steps', ({ samples }) => count(samples.sampler?.steps ?? null)),
    right('temperature', ({ samples }) => plain(samples.temperature)),
  ],
  names: [NAME],
};
