/**
 * Reads a results file back. Keys it does not know are kept; another `schemaVersion` is refused, because its numbers
 * may mean something else. `schema/results-1.schema.json` is this schema as JSON Schema (a test holds them equal).
 */
import { z } from 'zod';
import { count, figure, interval, known, sampling } from './figure-schema.js';
import { plausibleColumns, plausibleFigure, plausiblePair, RANGES } from './plausible.js';
import { type ResultsFile, SCHEMA_VERSION } from './record.js';
import { invalidResults, parseResultsJson, readResultsJson } from './results-json.js';

const model = z.looseObject({
  name: z.string(),
  family: z.string(),
  sha256: z.string().nullable(),
  path: z.string().nullable().describe('As given by the user.'),
  trainedOn: z.string().nullish().describe('What the card says it was trained on.'),
});

const dataset = z.looseObject({
  name: z.string(),
  split: z.string().nullable(),
  sha256: z.string().nullable().describe('Of the packed stream, int32 little-endian.'),
  sourceSha256: z.string().nullable().describe('Of the source files.'),
  texts: count.nullable(),
  tokens: count.nullable().describe('Tokens of the whole stream before cutting.'),
  sequences: count.nullable().describe('Packed sequences of the whole stream.'),
  droppedTokens: count.nullish(),
  droppedCharacters: count.nullish().describe('Characters that the tokenizer has no token for.'),
  skippedRows: count.nullish().describe('Rows without text that were passed over (--skip-null).'),
  limit: count.nullish().describe('Only so many sequences were evaluated.'),
  selection: z
    .enum(['spread', 'first'])
    .nullish()
    .describe('Which: spread evenly over the data set, or the first. Absent: the first.'),
});

const protocol = z.looseObject({
  name: z.string(),
  version: z.int(),
  length: count,
  tokenizerSha256: z.string().nullable(),
  bosTokenId: count.nullish().describe('What sequences begin with.'),
  eosTokenId: count.nullish().describe('What sequences end with.'),
  timeRange: interval.nullable(),
  draws: count.nullable().describe('Draws of (t, z) a sequence.'),
  estimator: z.string(),
  seed: known,
  integration: z.string().nullish().describe('What the integral leaves out.'),
  randomizations: count.nullish(),
  mcDegreesOfFreedom: count.nullish().describe('Of mcStderr.'),
  until: known.optional(),
});

const cost = z.looseObject({
  sequences: count.describe('Sequences evaluated.'),
  tokens: count.describe('Scored tokens.'),
  modelCalls: count.describe('One sequence through the network once is one call.'),
  wallSeconds: known,
  tokensPerSecond: known,
});

const environment = z.looseObject({
  tool: z.string(),
  node: z.string(),
  onnxruntime: z.string().nullable(),
  provider: z.string().nullable(),
  threads: count.nullable(),
  cpu: z.string().nullable(),
  batch: count.nullish(),
});

const column = z.array(z.number());

const perplexityResult = z.looseObject({
  eval: z.literal('ppl'),
  model,
  dataset,
  protocol,
  metrics: z
    .looseObject({
      ppl: figure.superRefine(plausibleFigure(RANGES.perplexity)).describe('exp(nll).'),
      nll: figure.superRefine(plausibleFigure(RANGES.loss)).describe('Nats a scored token.'),
      bitsPerByte: figure
        .superRefine(plausibleFigure(RANGES.loss))
        .describe('Total nats / ln 2 / UTF-8 bytes of the decoded text.'),
    })
    .superRefine(plausiblePair('ppl', 'nll')),
  cost,
  environment,
  sequences: z
    .looseObject({
      nats: column.describe('Total nats of the scored tokens, the mean over draws.'),
      tokens: column.describe('Scored tokens.'),
      textNats: column.describe('Nats of the text without BOS and EOS.'),
      textTokens: column,
      textBytes: column.optional().describe('UTF-8 bytes of the decoded text.'),
      index: column.optional().describe('Place in the packed stream; absent: the place in the column.'),
      document: column
        .optional()
        .describe('Document that holds most of its tokens; absent where documents are no units.'),
    })
    .superRefine(plausibleColumns)
    .optional()
    .describe('One entry a sequence, in the order of the packed stream (--by-sequence).'),
});

const sampledFigure = z.looseObject({
  value: known,
  stderr: known.describe('Over samples; null where the figure is of the whole set.'),
  ci95: interval.nullable().describe('95% interval over samples; of real text over units.'),
  ...sampling,
});

const generativeResult = z.looseObject({
  eval: z.literal('gen'),
  model: model.nullable().describe('What wrote the texts; null for real text.'),
  samples: z.looseObject({
    name: z.string(),
    path: z.string().nullable(),
    sha256: z.string().describe('Of the token ids of all samples, int32 little-endian.'),
    count: count.describe('Texts.'),
    length: count.describe('Tokens a text.'),
    tokenizerSha256: z.string().nullable(),
    bosTokenId: count.nullish().describe('Of the tokenizer, or what a card or a flag names.'),
    eosTokenId: count.nullish(),
    sampler: z
      .looseObject({
        name: z.string(),
        options: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
        steps: count,
      })
      .nullable(),
    seed: known,
    temperature: known,
    topK: known,
    topP: known,
    prompt: z.boolean().nullable().describe('Some tokens were given.'),
    promptSha256: z.string().nullish().describe('Of the tokens that were given, and where.'),
    nfe: known.describe('Model calls a sample, mean.'),
    seconds: known.describe('That all samples took.'),
  }),
  dataset: dataset.nullable().describe('Where real text comes from.'),
  judge: model
    .extend({ tokenizerSha256: z.string(), context: count.describe('Tokens of a window.') })
    .nullable(),
  protocol: z.looseObject({
    name: z.string(),
    version: z.int(),
    seed: z.number().describe('Of the bootstrap.'),
    resamples: count,
    interval: z
      .enum(['bootstrap-t', 'student-t', 'bootstrap-stderr', 'percentile'])
      .describe('How intervals of the perplexity are made.'),
    compressionLevel: z.int(),
  }),
  metrics: z
    .looseObject({
      genPpl: sampledFigure.superRefine(plausibleFigure(RANGES.perplexity)).describe('exp(genNll).'),
      genNll: sampledFigure
        .superRefine(plausibleFigure(RANGES.loss))
        .describe('Nats a counted token under the judge.'),
      entropy: sampledFigure
        .superRefine(plausibleFigure(RANGES.entropy))
        .describe('Unigram entropy of a sample, nats, mean over samples.'),
      distinct1: sampledFigure
        .superRefine(plausibleFigure(RANGES.share))
        .describe('Different n-grams over n-grams, all samples together.'),
      distinct2: sampledFigure.superRefine(plausibleFigure(RANGES.share)),
      distinct3: sampledFigure.superRefine(plausibleFigure(RANGES.share)),
      repetition4: sampledFigure
        .superRefine(plausibleFigure(RANGES.share))
        .describe("Share of a sample's 4-grams that are not new, mean over samples."),
      compressionRatio: sampledFigure
        .superRefine(plausibleFigure(RANGES.factor))
        .describe('Bytes of all texts over their bytes deflated.'),
    })
    .superRefine(plausiblePair('genPpl', 'genNll')),
  cost,
  environment,
  bySample: z
    .looseObject({
      nats: column.nullable().describe('Of the counted tokens under the judge.'),
      tokens: column.nullable().describe('Counted tokens.'),
      entropy: column,
      repetition4: column.nullable(),
    })
    .superRefine(plausibleColumns)
    .optional()
    .describe('One entry a sample (--by-sample).'),
});

const medianFigure = z.looseObject({ value: z.number(), ci95: interval.nullable() });
const speed = medianFigure.superRefine(plausibleFigure(RANGES.speed));

const against = z.looseObject({
  kind: z.enum(['checkpoint', 'installation']),
  name: z.string(),
  path: z.string().describe('As given by the user.'),
  sha256: z.string().nullable(),
  tool: z.string(),
  onnxruntime: z.string().nullable(),
  tokensPerSecond: speed.describe('Of the other.'),
  rounds: count.describe('In each of which both were timed, one right after the other.'),
  ratio: medianFigure
    .superRefine(plausibleFigure(RANGES.factor))
    .describe("This one's tokens a second over the other's."),
  pairs: z.array(z.looseObject({ first: z.enum(['own', 'other']), own: z.number(), other: z.number() })),
});

const benchResult = generativeResult.extend({
  eval: z.literal('bench'),
  model,
  throughput: z.looseObject({
    tokensPerSecond: speed,
    rounds: count,
    batch: count,
    warmupSeconds: z.number(),
    speedUpOverAr: known,
    speedUpOverMasked: known,
    harnessShare: z.number().describe('Share of the time outside the runtime.'),
    peakMemoryBytes: known,
    cached: z.boolean().nullable(),
    pareto: z.boolean().nullable(),
    against: against.optional().describe('--against: the same configuration of another build.'),
  }),
});

const { samples: sampleSet, judge, protocol: generativeProtocol } = generativeResult.shape;

const frontierResult = z.looseObject({
  eval: z.literal('frontier'),
  model,
  sampler: sampleSet.shape.sampler.unwrap(),
  length: count,
  topK: known.optional(),
  topP: known.optional(),
  tokenizerSha256: z.string().nullable(),
  bosTokenId: count.nullish(),
  eosTokenId: count.nullish(),
  target: z.looseObject({ entropy: z.number(), dataset: z.string().nullable() }),
  metrics: z.looseObject({
    genPpl: sampledFigure
      .superRefine(plausibleFigure(RANGES.perplexity, { held: false }))
      .describe('Interpolated at the entropy of the target.'),
  }),
  temperature: known,
  outside: z.number().describe('Share of bootstrap replicates whose sweep does not reach that entropy.'),
  points: z.array(
    z.looseObject({
      temperature: z.number(),
      genPpl: sampledFigure.superRefine(plausibleFigure(RANGES.perplexity)),
      entropy: sampledFigure.superRefine(plausibleFigure(RANGES.entropy)),
      tokensPerSecond: known,
      samples: count,
    }),
  ),
  nfe: known,
  tokensPerSecond: known,
  pareto: z.boolean().nullable(),
  judge: judge.unwrap(),
  protocol: generativeProtocol,
  environment,
});

const result = z.discriminatedUnion('eval', [
  perplexityResult,
  generativeResult,
  benchResult,
  frontierResult,
]);

const comparison = z
  .looseObject({
    a: z.string(),
    b: z.string(),
    dataset: z.string(),
    deltaNll: known.describe('Nats a text token, a minus b.'),
    stderr: known,
    ci95: interval.nullable(),
    significant: z.boolean().nullable().describe('The 95% interval excludes 0.'),
    ...sampling,
  })
  .superRefine(({ deltaNll, stderr, ci95 }, context) =>
    plausibleFigure(RANGES.difference)({ value: deltaNll, stderr, ci95 }, context),
  );

const resultsSchema = z
  .looseObject({
    schemaVersion: z.literal(SCHEMA_VERSION),
    results: z.array(result),
    comparisons: z.array(comparison),
  })
  .describe('A results file of duo-eval. Unknown is null, never 0.') satisfies z.ZodType<ResultsFile>;

/** The schema in JSON Schema (draft 2020-12), as shipped in schema/. */
export function resultsJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(resultsSchema, { io: 'input' });
  return { $schema, title: 'duo-eval results, version 1', ...rest };
}

/** By evaluation: what a row of it must be. */
export const ROW_SCHEMAS: ReadonlyMap<string, z.ZodType> = new Map(
  result.options.map((schema) => [schema.shape.eval.value, schema]),
);

/** @throws FileError when the file cannot be read, or is no results file of this version */
export function readResults(path: string): ResultsFile {
  return checkedResults(readResultsJson(path), path);
}

/** @param name what errors call the content   @throws FileError when it is no results file of this version */
export function parseResults(content: Uint8Array | string, name: string): ResultsFile {
  return checkedResults(parseResultsJson(content, name), name);
}

/** @param value as results-json.ts read it   @throws FileError that names the place of what is wrong */
export function checkedResults(value: unknown, name: string): ResultsFile {
  const parsed = resultsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidResults(name, parsed.error.issues);
}
