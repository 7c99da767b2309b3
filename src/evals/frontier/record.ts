/** The record of `frontier`: one model, sampler and number of steps, swept over temperatures and compared at one entropy. */
import { z } from 'zod';
import { count, known, part, sampledFigureIn } from '../../records/figures.js';
import { RANGES } from '../../records/plausible.js';
import { environmentRecord, modelRecord } from '../../records/record.js';
import {
  comparedFigures,
  comparedParts,
  generativeProtocolRecord,
  judgeRecord,
  samplerRecord,
  unscoredTexts,
} from '../generation/record.js';

/** One temperature of a sweep. */
const sweepPointRecord = part({
  temperature: z.number(),
  genPpl: sampledFigureIn(RANGES.perplexity),
  entropy: sampledFigureIn(RANGES.entropy),
  tokensPerSecond: known.describe('Tokens of the samples over the seconds that they took.'),
  samples: count,
  unscored: unscoredTexts,
  measures: part(comparedFigures)
    .optional()
    .describe('Against the real text of the target. Absent from files of earlier versions.'),
});
export type SweepPointRecord = z.infer<typeof sweepPointRecord>;

export const frontierRecord = part({
  eval: z.literal('frontier'),
  model: modelRecord,
  sampler: samplerRecord,
  length: count.describe('Tokens per sample.'),
  topK: known.optional().describe('Absent where the draws were not cut.'),
  topP: known.optional().describe('Absent where the draws were not cut.'),
  tokenizerSha256: z.string().nullable(),
  bosTokenId: count
    .nullish()
    .describe(
      'What samples begin with where they are wrapped, by card, flag or tokenizer; null: nothing. Absent: not recorded.',
    ),
  eosTokenId: count.nullish().describe('What they end with; null and absent as bosTokenId.'),
  target: part({
    entropy: z.number().describe('At which models are compared, nats.'),
    dataset: z.string().nullable().describe('Real text that has it; null: it was given as a number.'),
  }),
  metrics: part({
    genPpl: sampledFigureIn(RANGES.perplexity, { held: false }).describe(
      'Interpolated at the entropy of the target; unknown where the sweep does not reach it.',
    ),
    ...comparedFigures,
  }),
  temperature: known.describe('At which samples have that entropy, interpolated.'),
  outside: z.number().describe('Share of bootstrap replicates whose sweep does not reach that entropy.'),
  points: z.array(sweepPointRecord),
  nfe: known.describe('Model calls per sample, mean.'),
  tokensPerSecond: known.describe('Over all temperatures.'),
  pareto: z
    .boolean()
    .nullable()
    .describe('No other configuration is as fast and as good; null where they ran on different machines.'),
  ...comparedParts,
  judge: judgeRecord,
  protocol: generativeProtocolRecord,
  environment: environmentRecord,
});
export type FrontierResult = z.infer<typeof frontierRecord>;
