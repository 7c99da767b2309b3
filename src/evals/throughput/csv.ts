/** The columns of a CSV row of a configuration that was timed: those of its samples, then its speed. */

import type { CsvColumn } from '../../printing/csv.js';
import { MEASURED_CSV } from '../generation/csv.js';
import type { BenchResult } from './record.js';

export const BENCH_CSV: readonly CsvColumn<BenchResult>[] = [
  ['eval', (result) => result.eval],
  ...MEASURED_CSV,
  ['throughput', ({ throughput }) => throughput.tokensPerSecond.value],
  ['throughput_ci95_low', ({ throughput }) => throughput.tokensPerSecond.ci95?.[0]],
  ['throughput_ci95_high', ({ throughput }) => throughput.tokensPerSecond.ci95?.[1]],
  ['rounds', ({ throughput }) => throughput.rounds],
  ['batch', ({ throughput }) => throughput.batch],
  ['warmup_seconds', ({ throughput }) => throughput.warmupSeconds],
  ['speed_up_over_ar', ({ throughput }) => throughput.speedUpOverAr],
  ['speed_up_over_masked', ({ throughput }) => throughput.speedUpOverMasked],
  ['harness_share', ({ throughput }) => throughput.harnessShare],
  ['peak_memory_bytes', ({ throughput }) => throughput.peakMemoryBytes],
  ['cached', ({ throughput }) => yesOrNo(throughput.cached)],
  ['pareto', ({ throughput }) => yesOrNo(throughput.pareto)],
  ['against', ({ throughput }) => throughput.against?.name],
  ['against_path', ({ throughput }) => throughput.against?.path],
  ['against_sha256', ({ throughput }) => throughput.against?.sha256],
  ['against_tool', ({ throughput }) => throughput.against?.tool],
  ['against_onnxruntime', ({ throughput }) => throughput.against?.onnxruntime],
  ['against_throughput', ({ throughput }) => throughput.against?.tokensPerSecond.value],
  ['against_rounds', ({ throughput }) => throughput.against?.rounds],
  ['throughput_ratio', ({ throughput }) => throughput.against?.ratio.value],
  ['throughput_ratio_ci95_low', ({ throughput }) => throughput.against?.ratio.ci95?.[0]],
  ['throughput_ratio_ci95_high', ({ throughput }) => throughput.against?.ratio.ci95?.[1]],
];

function yesOrNo(value: boolean | null): string | null {
  return value === null ? null : String(value);
}
