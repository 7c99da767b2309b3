/** What a person reads of configurations that were timed. */

import { type ColumnSet, left, right, toldApart } from '../../printing/columns.js';
import { count, intervalOf, meanCount, plain, ratioText, valueWithError } from '../../printing/numbers.js';
import { plainText } from '../../terminal-text.js';
import type { BenchResult, ThroughputRecord } from './record.js';

const NAME = left<BenchResult>(
  'configuration',
  ({ samples, throughput }) =>
    `${throughput.pareto ? '* ' : '  '}${plainText(samples.name)}${throughput.cached === false ? ' (uncached)' : ''}`,
);

const MEBIBYTE = 2 ** 20;

const AGAINST = right<BenchResult>('× against', ({ throughput }) => againstText(throughput));

export function againstText({ against }: ThroughputRecord): string {
  return against ? ratioText(against.ratio) : '';
}

/** The ratio to another build stands first where there is one; then calls are the first to give way. */
export function benchColumns(results: readonly BenchResult[]): ColumnSet<BenchResult> {
  return toldApart(results, withAgainst(results), NAME.cell);
}

function withAgainst(results: readonly BenchResult[]): ColumnSet<BenchResult> {
  if (results.every(({ throughput }) => !throughput.against)) return BENCH_COLUMNS;
  const [name, speed, calls, ...quality] = BENCH_COLUMNS.essential;
  const judged = results.some(({ metrics }) => metrics.genPpl.value !== null);
  const told = judged ? quality : quality.filter(({ title }) => title !== QUALITY);
  return { ...BENCH_COLUMNS, essential: [name, speed, AGAINST, ...told, calls] };
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
