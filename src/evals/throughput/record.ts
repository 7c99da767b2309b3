/** The record of `bench`: one model, sampler and number of steps, timed, with the quality of the timed samples. */
import { z } from 'zod';
import { count, known, medianFigureIn, part, sampledFigureIn } from '../../records/figures.js';
import { RANGES } from '../../records/plausible.js';
import { modelRecord } from '../../records/record.js';
import { generativeRecord } from '../generation/record.js';

const speed = medianFigureIn(RANGES.speed);

/** Another build of the model or of duo-eval, and the ratio to it. */
const againstRecord = part({
  kind: z.enum(['checkpoint', 'installation']),
  name: z
    .string()
    .describe("Of the checkpoint; of an installation as in `--against name=folder`, else the folder's own."),
  path: z.string().describe('As given by the user.'),
  sha256: z
    .string()
    .nullable()
    .describe('Of the ONNX file; of the names and contents of the built files of an installation.'),
  tool: z.string().describe('duo-eval/version that ran it.'),
  onnxruntime: z.string().nullable(),
  tokensPerSecond: speed.describe('Of the other build.'),
  rounds: count.describe('In each of which both were timed, one right after the other.'),
  ratio: medianFigureIn(RANGES.factor).describe(
    "This one's tokens per second over the other's. With as many tokens, its inverse is the ratio of the latencies.",
  ),
  pairs: z
    .array(part({ first: z.enum(['own', 'other']), own: z.number(), other: z.number() }))
    .describe('What the ratio is from, round by round.'),
});
export type AgainstRecord = z.infer<typeof againstRecord>;

const throughputRecord = part({
  tokensPerSecond: speed.describe('Generated tokens per second of wall time.'),
  latency: medianFigureIn(RANGES.speed)
    .optional()
    .describe('Seconds from the start of a batch to its last token. Absent from files of earlier versions.'),
  remasked: sampledFigureIn(RANGES.area)
    .optional()
    .describe(
      'Tokens of a text that were written and masked again, mean over the samples of the round that is not counted. Absent for models without masks.',
    ),
  decodeOrder: sampledFigureIn(RANGES.correlation)
    .nullish()
    .describe(
      "Kendall's τ of the step at which a position changed last with its place in the text, mean over the samples of the round that is not counted: 1 is left to right. Null where all positions change in one step. Absent from files of earlier versions.",
    ),
  rounds: count.describe('Timed rounds: one batch of samples each, all configurations in turn.'),
  batch: count.describe('Samples per round.'),
  warmupSeconds: z.number().describe('Of the round before them, which is not counted.'),
  speedUpOverAr: known.describe(
    "Median over rounds of the baseline's seconds per token over this one's; null where there is no baseline.",
  ),
  speedUpOverMasked: known.describe('The baseline is the masked configuration of most steps.'),
  harnessShare: z.number().describe('Overhead: share of the time outside the runtime.'),
  peakMemoryBytes: known.describe(
    'Largest resident memory of a process that runs one batch of this; null where it was not measured.',
  ),
  cached: z
    .boolean()
    .nullable()
    .describe('Autoregressive: whether keys and values were kept; null for others.'),
  pareto: z
    .boolean()
    .nullable()
    .describe('No other configuration is as fast and as good; null without a judge.'),
  against: againstRecord
    .optional()
    .describe(
      'The same configuration of another build, timed in turn with this one. Absent without --against.',
    ),
});
export type ThroughputRecord = z.infer<typeof throughputRecord>;

export const benchRecord = generativeRecord.extend({
  eval: z.literal('bench'),
  model: modelRecord,
  throughput: throughputRecord,
});
export type BenchResult = z.infer<typeof benchRecord>;
