/** The lines under a table of speeds: how they were measured, and what the marks mean. */
import { plainText } from '../../terminal-text.js';
import type { BenchResult } from './record.js';

export function benchNotes(results: readonly BenchResult[]): string[] {
  const [{ throughput }] = results;
  const { rounds } = throughput;
  const batches = [...new Set(results.map((result) => result.throughput.batch))].sort((a, b) => a - b);
  const warmups = results.map((result) => result.throughput.warmupSeconds);
  const notes = [
    `tokens/s: median of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, in each of which every configuration wrote a batch of ${batches.join(' or ')} samples in turn; before them a round that is not counted (${seconds(Math.min(...warmups))} to ${seconds(Math.max(...warmups))} s).`,
  ];
  if (rounds < 6)
    notes.push('Below 6 rounds a median has no 95% interval: more --samples, or a smaller --batch.');
  if (results.some((result) => result.throughput.pareto))
    notes.push('* marks the Pareto front: no other configuration is as fast and as good.');
  const baselines = baselineNote(results);
  const against = againstNote(results);
  return [...notes, ...(baselines ? [baselines] : []), ...(against ? [against] : [])];
}

function againstNote(results: readonly BenchResult[]): string | null {
  const found = results.find(({ throughput }) => throughput.against)?.throughput.against;
  if (!found) return null;
  const { kind, name, path, tool, rounds, ratio } = found;
  const what =
    kind === 'checkpoint'
      ? `${name} (${path})`
      : `${name} (${tool}${found.onnxruntime ? `, onnxruntime ${found.onnxruntime}` : ''}), each leg a process of its own`;
  const interval = ratio.ci95
    ? '95% interval by Student’s t on the logarithms of the rounds; ~ when 1 lies in it'
    : 'below 3 rounds there is no interval';
  return plainText(
    `× against: tokens/s over those of ${what}, timed in turn in ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, A B, B A; ${interval}.`,
  );
}

function baselineNote(results: readonly BenchResult[]): string | null {
  const ar = results.find(({ model }) => model.family === 'ar');
  const masked = results
    .filter(({ model }) => model.family === 'mdlm' || model.family === 'sedd')
    .sort((a, b) => stepsOf(b) - stepsOf(a))[0];
  const parts = [
    ...(ar
      ? [`× ar: times as fast as ${ar.samples.name}${ar.throughput.cached ? '' : ', which is uncached'}`]
      : []),
    ...(masked ? [`× masked: as ${masked.samples.name}`] : []),
  ];
  return parts.length === 0 ? null : plainText(`${parts.join('; ')}; medians of the ratios, round by round.`);
}

const stepsOf = ({ samples }: BenchResult) => samples.sampler?.steps ?? 0;
const seconds = (value: number) => value.toPrecision(2);
