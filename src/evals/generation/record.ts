/** The record of `gen`: a set of texts, their judge, and how good and how varied they are. */
import { z } from 'zod';
import { column, count, known, part, sampledFigureIn } from '../../records/figures.js';
import { COUNT, plausibleColumns, plausiblePair, RANGES } from '../../records/plausible.js';
import { costRecord, datasetRecord, environmentRecord, modelRecord } from '../../records/record.js';

export const samplerRecord = part({
  name: z.string(),
  options: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  steps: count,
});

/** The texts of a row, and how they came about. */
const sampleSetRecord = part({
  name: z.string().describe("As in `name=path`, else the file's or the data set's name."),
  path: z.string().nullable().describe('As given; null for text that was not read from a samples file.'),
  sha256: z.string().describe('Of the token ids of all samples, int32 little-endian.'),
  count: count.describe('Texts.'),
  length: count.describe('Tokens per text.'),
  tokenizerSha256: z.string().nullable(),
  bosTokenId: count
    .nullish()
    .describe(
      'What texts begin with where they are wrapped, by card, flag or tokenizer; null: nothing. Absent: not recorded.',
    ),
  eosTokenId: count.nullish().describe('What they end with; null and absent as bosTokenId.'),
  sampler: samplerRecord.nullable().describe('What drew them; null for real text.'),
  seed: known,
  temperature: known,
  topK: known,
  topP: known,
  prompt: z.boolean().nullable().describe('Some tokens were given.'),
  promptSha256: z
    .string()
    .nullish()
    .describe('Of the tokens that were given, and where; null: none. Absent: not recorded.'),
  nfe: known.describe('Model calls per sample, mean; null for real text.'),
  seconds: known.describe('That all samples took; null for real text.'),
});
export type SampleSetRecord = z.infer<typeof sampleSetRecord>;

export const judgeRecord = modelRecord.extend({
  tokenizerSha256: z.string(),
  context: count.describe('Tokens of a window.'),
});
export type JudgeRecord = z.infer<typeof judgeRecord>;

export const generativeProtocolRecord = part({
  name: z
    .string()
    .describe('duo: spaces cleaned up when decoding, as the reference does; strict: texts as they are.'),
  version: z.int().describe('Raised when the same name would give another figure.'),
  seed: z.number().describe('Of the bootstrap.'),
  resamples: count.describe('Replicates of the bootstrap over samples.'),
  interval: z
    .enum(['bootstrap-t', 'student-t', 'bootstrap-stderr', 'percentile'])
    .describe(
      "How intervals of the perplexity are made: bootstrap-t over samples; Student's t of the logarithm over fewer than 8 samples, and over units of real text; of frontier Student's t with the standard error of the bootstrap; percentiles of the bootstrap in version 1.",
    ),
  compressionLevel: z.int().describe('Level of deflate in the compression ratio.'),
});

/** One entry per sample, in order of number, so that another run can be compared sample by sample. */
const samplesRecord = part({
  nats: column.nullable().describe('Of the counted tokens under the judge; null without a judge.'),
  tokens: column.nullable().describe('Counted tokens; null without a judge.'),
  entropy: column.describe('Unigram entropy of its token ids, nats.'),
  repetition4: column
    .nullable()
    .describe('Share of its 4-grams that are not new; null where samples have fewer than 4 tokens.'),
}).superRefine(
  plausibleColumns({
    nats: RANGES.loss,
    tokens: COUNT,
    entropy: RANGES.entropy,
    repetition4: RANGES.share,
  }),
);
/** Columns, one entry per sample. */
export type SampleColumns = z.infer<typeof samplesRecord>;

export const generativeRecord = part({
  eval: z.literal('gen'),
  model: modelRecord.nullable().describe('What wrote the texts; null for real text.'),
  samples: sampleSetRecord,
  dataset: datasetRecord.nullable().describe("Where real text comes from; null for a model's."),
  judge: judgeRecord.nullable().describe('Null without a judge.'),
  protocol: generativeProtocolRecord,
  metrics: part({
    genPpl: sampledFigureIn(RANGES.perplexity).describe('exp(genNll).'),
    genNll: sampledFigureIn(RANGES.loss).describe('Nats per counted token under the judge.'),
    entropy: sampledFigureIn(RANGES.entropy).describe(
      'Unigram entropy of the token ids of a sample, nats, mean over samples.',
    ),
    distinct1: sampledFigureIn(RANGES.share).describe('Unique n-grams over n-grams, all samples together.'),
    distinct2: sampledFigureIn(RANGES.share),
    distinct3: sampledFigureIn(RANGES.share),
    repetition4: sampledFigureIn(RANGES.share).describe(
      "Share of a sample's 4-grams that are not new, mean over samples.",
    ),
    compressionRatio: sampledFigureIn(RANGES.factor).describe(
      'Bytes of all texts over their bytes deflated.',
    ),
  }).superRefine(plausiblePair('genPpl', 'genNll')),
  cost: costRecord.describe('Of judging: tokens are the counted ones, modelCalls windows.'),
  environment: environmentRecord,
  bySample: samplesRecord.optional().describe('One entry per sample. Absent without --by-sample.'),
});
/** One set of texts. */
export type GenerativeResult = z.infer<typeof generativeRecord>;
