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

/** Naive samplers that stand beside models with --controls; controls.ts says what each writes. */
export const CONTROLS = ['unigram', 'periodic', 'repeat'] as const;

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
  given: count
    .optional()
    .describe(
      'Tokens of each text that the model did not write. Absent where not recorded, and for real text.',
    ),
  nfe: known.describe('Model calls per sample, mean; null for real text.'),
  seconds: known.describe('That all samples took; null for real text.'),
  control: z
    .enum(CONTROLS)
    .optional()
    .describe('Which naive sampler wrote them, without any model. Absent: a model or people did.'),
});
export type SampleSetRecord = z.infer<typeof sampleSetRecord>;

export const judgeRecord = modelRecord.extend({
  tokenizerSha256: z.string(),
  context: count.describe('Tokens of a window.'),
});
export type JudgeRecord = z.infer<typeof judgeRecord>;

/** How MAUVE was computed. */
const mauveRecord = part({
  model: judgeRecord.describe('Whose last hidden state, behind the last token, describes a text.'),
  clusters: count.describe('Of k-means: a tenth of the texts of the smaller set, at least 2.'),
  components: count.describe('Dimensions after the principal components.'),
  seed: z.number().describe('The first of k-means, and that of the bootstrap over texts.'),
  seeds: count.describe('Seeds of k-means; the figures are means over them.'),
  restarts: count.describe('Starts per seed, of which the best is taken.'),
  scaling: z.number().describe('c in exp(−c·KL).'),
  points: count.describe('Mixtures along the divergence curve.'),
  textsPerCluster: count,
  explainedVariance: z.number().describe('Share of the variance that the components explain.'),
});
export type MauveRecord = z.infer<typeof mauveRecord>;

/** The real text that divergences are measured from. */
const referenceRecord = part({
  dataset: datasetRecord,
  sha256: z.string().describe('Of the token ids, int32 little-endian.'),
  count: count.describe('Texts.'),
  length: count.describe('Tokens per text.'),
});
export type ReferenceRecord = z.infer<typeof referenceRecord>;

/** The prompts of BrierLM. */
const brierRecord = part({
  dataset: datasetRecord,
  items: count.describe('Prompts: beginnings of sequences that are spread evenly over the data set.'),
  length: count.describe('Tokens of a sequence, of which all after the prompt are written.'),
  seed: z.number().describe('Of the continuations.'),
  nfe: z.number().describe('Model calls per continuation, mean.'),
});
export type BrierRecord = z.infer<typeof brierRecord>;

const divergence = sampledFigureIn(RANGES.divergence).optional();
const share = sampledFigureIn(RANGES.share).optional();
const brier = sampledFigureIn(RANGES.brier).optional();

/** Orders of n-grams that figures are of. */
const ORDERS = [1, 2, 3, 4] as const;
type Order = (typeof ORDERS)[number];

/** A declaration for each order: `brier1` to `brier4`. */
export const byOrder = <Name extends string, Declared>(
  name: Name,
  declared: (order: Order) => Declared,
): Record<`${Name}${Order}`, Declared> =>
  Object.fromEntries(ORDERS.map((order) => [`${name}${order}`, declared(order)])) as Record<
    `${Name}${Order}`,
    Declared
  >;

/** A list of declarations, one for each order. */
export const listByOrder = <Declared>(declared: (order: Order) => Declared): Declared[] =>
  ORDERS.map(declared);

/** Figures of texts against real text, and against each other. */
export const comparedFigures = {
  selfBleu: share.describe(
    'BLEU-4 of a sample with all others as references, mean over samples; error by jackknife. Absent from files of earlier versions.',
  ),
  mauve: share.describe(
    'Area under the divergence curve between the texts and the reference, over clusters of hidden states: 1 is best. The error joins seeds of k-means and texts. Absent without --mauve, as all figures of MAUVE.',
  ),
  mauveStar: share.describe('The same of counts with ½ added (Krichevsky and Trofimov).'),
  frontierIntegral: share.describe('Mean divergence along the same curve: 0 is best.'),
  ...byOrder('jsDivergence', (order) =>
    divergence.describe(
      `Jensen–Shannon divergence of the ${order}-grams of the texts and the reference, nats: 0 where equal, ln 2 where disjoint; the error is the larger of a bootstrap's and a jackknife's over texts. Absent without a reference of the same tokenizer.`,
    ),
  ),
  brierLm: share.describe(
    'Geometric mean of brier1 to brier4, 0 where one of them is not positive: higher is better. Absent without --brier.',
  ),
  ...byOrder('brier', (order) =>
    brier.describe(
      `Mean over prompts of 1[a=y] + 1[b=y] − 1[a=b], for the first ${order === 1 ? 'token' : `${order} tokens`} of two continuations a, b and of the true one y.`,
    ),
  ),
};
export const COMPARED_FIGURES = Object.keys(comparedFigures) as (keyof typeof comparedFigures)[];

/** Texts that are left out of a perplexity. */
export const unscoredTexts = count
  .optional()
  .describe(
    'Texts too short for the judge to score a token of, which the perplexity leaves out. Absent where there are none, and from files of earlier versions.',
  );

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

/** How figures against real text came about. */
export const comparedParts = {
  reference: referenceRecord
    .optional()
    .describe(
      'What jsDivergence and MAUVE compare with. Absent without a reference, and for the reference itself.',
    ),
  mauve: mauveRecord.optional().describe('Absent without --mauve.'),
  brier: brierRecord.optional().describe('Absent without --brier, and for texts from files.'),
};

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
    ...comparedFigures,
  }).superRefine(plausiblePair('genPpl', 'genNll')),
  unscored: unscoredTexts,
  cost: costRecord.describe('Of judging: tokens are the counted ones, modelCalls windows.'),
  environment: environmentRecord,
  ...comparedParts,
  bySample: samplesRecord.optional().describe('One entry per sample. Absent without --by-sample.'),
});
/** One set of texts. */
export type GenerativeResult = z.infer<typeof generativeRecord>;
