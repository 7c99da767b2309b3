/**
 * What the records of all evaluations share: the file that `--json` prints and `--out results.json` holds, and the parts that
 * rows have in common. The file is versioned: a reader accepts keys it does not know and refuses another `schemaVersion`.
 * Unknown is null, never 0. Paths are recorded as the user gave them; no host, user or token is recorded.
 *
 * Schemas are the declaration: types are inferred from them, descriptions say what a key means and when it is absent.
 */
import { z } from 'zod';
import { anyFigure, column, count, interval, known, part, sampling } from './figures.js';
import { COUNT, plausibleColumns, plausibleFigure, RANGES } from './plausible.js';

export const SCHEMA_VERSION = 1;

export const modelRecord = part({
  name: z.string().describe("As in `--model name=path`, else the file's name."),
  family: z.string().describe('ar, mdlm, sedd, bd3lm, d3pm or duo.'),
  sha256: z.string().nullable().describe('Of the ONNX file.'),
  path: z.string().nullable().describe('As given by the user.'),
  trainedOn: z.string().nullish().describe('What the card says it was trained on; absent: not recorded.'),
});
export type ModelRecord = z.infer<typeof modelRecord>;

export const datasetRecord = part({
  name: z.string(),
  split: z.string().nullable().describe('validation, test, evaluation …; null for a file of the user.'),
  sha256: z
    .string()
    .nullable()
    .describe('Of the packed stream, int32 little-endian: equal hashes mean equal evaluation text.'),
  sourceSha256: z.string().nullable().describe('Of the source files, before tokenizing.'),
  texts: count.nullable().describe('Documents read.'),
  tokens: count.nullable().describe('Tokens of the whole stream before cutting.'),
  sequences: count
    .nullable()
    .describe('Packed sequences of the whole stream; cost.sequences says how many were evaluated.'),
  droppedTokens: count.nullish().describe('Tokens left over by packing.'),
  droppedCharacters: count
    .nullish()
    .describe('Characters that the tokenizer has no token for: the figures are of the text without them.'),
  skippedRows: count
    .nullish()
    .describe('Rows without text that were passed over (--skip-null). Absent in older versions.'),
  limit: count.nullish().describe('Only this many sequences were evaluated; null or absent: all.'),
  selection: z
    .enum(['spread', 'first'])
    .nullish()
    .describe(
      'Which: spread evenly over the data set, or the first, which are no random sample; null: all. Absent (protocol version 1): the first.',
    ),
});
export type DatasetRecord = z.infer<typeof datasetRecord>;

export const costRecord = part({
  sequences: count.describe('Sequences evaluated.'),
  tokens: count.describe('Scored tokens.'),
  readTokens: count
    .nullish()
    .describe(
      'Tokens that went through the network, those that calls share once; null or absent: not counted.',
    ),
  modelCalls: count.describe('One sequence through the network once is one call.'),
  wallSeconds: known.describe('Of the evaluation, start-up excluded.'),
  tokensPerSecond: known.describe('Scored tokens per second of wall time.'),
});

export const environmentRecord = part({
  tool: z.string().describe('duo-eval/version.'),
  node: z.string(),
  onnxruntime: z.string().nullable(),
  provider: z.string().nullable().describe('The execution provider that really ran.'),
  threads: count.nullable(),
  cpu: z.string().nullable().describe('Processor model.'),
  batch: count.nullish().describe('Sequences per model call; changes no figure.'),
});
export type EnvironmentRecord = z.infer<typeof environmentRecord>;

/** One entry per sequence, in the order of the packed stream, so that another run can be compared sequence by sequence. */
export const sequencesRecord = part({
  nats: column.describe('Total nats of the scored tokens, the mean over draws.'),
  tokens: column.describe('Scored tokens.'),
  textNats: column.describe('Nats of the text without BOS and EOS.'),
  textTokens: column.describe('Tokens of the text: the same for every model of the tokenizer.'),
  textBytes: column
    .optional()
    .describe('UTF-8 bytes of the decoded text without BOS and EOS. Absent in protocol version 1.'),
  index: column.optional().describe('Place in the packed stream; absent: the place in the column.'),
  document: column
    .optional()
    .describe('Document that holds most of its tokens; absent where documents are no units.'),
})
  .superRefine(
    plausibleColumns({
      ...{ nats: RANGES.loss, textNats: RANGES.loss },
      ...{ tokens: COUNT, textTokens: COUNT, textBytes: COUNT, index: COUNT, document: COUNT },
    }),
  )
  .refine(({ index, document }) => isRising(index, 1) && isRising(document, 0), {
    error: 'its sequences are not in the order of the text',
  });
export type SequencesRecord = z.infer<typeof sequencesRecord>;

function isRising(values: readonly number[] | undefined, least: 0 | 1): boolean {
  return !(Array.isArray(values) && values.some((value, i) => i > 0 && value - values[i - 1] < least));
}

/** Two models on the same packed stream, sequence by sequence. */
export const comparisonRecord = part({
  a: z.string().describe('Name of the first model.'),
  b: z.string(),
  dataset: z.string(),
  deltaNll: known.describe('Nats per text token, a minus b: negative when a predicts better.'),
  stderr: known,
  ci95: interval.nullable(),
  significant: z
    .boolean()
    .nullable()
    .describe('The 95% interval excludes 0; null where there is no interval.'),
  ...sampling,
  seed: z.number().optional().describe('Of both, in a suite of several seeds.'),
}).superRefine(({ deltaNll, stderr, ci95 }, context) =>
  plausibleFigure(RANGES.difference)({ value: deltaNll, stderr, ci95 }, context),
);
export type Comparison = z.infer<typeof comparisonRecord>;

const named = part({ name: z.string() });
const anySampler = part({ name: z.string(), steps: z.number().nullish() });

/** The keys that rows of every evaluation and version have. */
export const anyResult = part({
  eval: z.string(),
  model: named.nullish(),
  dataset: named.nullish(),
  samples: part({ name: z.string(), sampler: anySampler.nullish() }).nullish(),
  sampler: anySampler.nullish(),
  protocol: z.looseObject({}).optional(),
  metrics: z.record(z.string(), anyFigure.nullable()),
  environment: environmentRecord.partial().nullish(),
});
export type AnyResult = z.infer<typeof anyResult>;

export interface ResultsFile<R extends AnyResult = AnyResult> {
  schemaVersion: typeof SCHEMA_VERSION;
  results: R[];
  comparisons: Comparison[];
}

export function resultsFile<R extends AnyResult>(
  results: R[],
  comparisons: Comparison[] = [],
): ResultsFile<R> {
  return { schemaVersion: SCHEMA_VERSION, results, comparisons };
}
