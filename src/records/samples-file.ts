/**
 * samples.jsonl: what a model wrote, one JSON object per line. The first line describes the run; each further line is
 * one sample, in order of number. Unknown keys are kept; another `schemaVersion` is refused.
 *
 *     {"schemaVersion":1,"kind":"samples","model":{…},"sampler":{"name":"ancestral","options":{},"steps":32},…}
 *     {"sample":0,"tokens":[…],"text":"…","nfe":33,"seconds":0.41}
 */
import { z } from 'zod';
import { linesOf } from '../datasets/lines.js';
import { DataError } from '../errors.js';
import { escapedJson } from '../printing/json.js';
import { parseStrictJson } from '../strict-json.js';
import { count, part } from './figures.js';
import { environmentRecord, modelRecord } from './record.js';

export const SAMPLES_VERSION = 1;

const drawSettings = {
  temperature: z.number().positive().describe('Divides the logits.'),
  topK: count.min(1).nullable().describe('How many of the most probable tokens may be drawn; null: all.'),
  topP: z
    .number()
    .positive()
    .max(1)
    .nullable()
    .describe('Share of the probability that the most probable tokens must reach; null: all tokens.'),
};
/** How a token is drawn from x_θ, the model's distribution. */
export type DrawSettings = z.infer<z.ZodObject<typeof drawSettings>>;

const samplesHeader = part({
  schemaVersion: z.literal(SAMPLES_VERSION),
  kind: z.literal('samples'),
  model: modelRecord,
  sampler: part({
    name: z.string(),
    options: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
    steps: count,
    module: part({ path: z.string(), sha256: z.string() }).optional().describe("Path of the user's module."),
    cached: z.boolean().optional().describe('ar: whether keys and values were cached.'),
  }),
  length: count.min(1).describe('Tokens per sample.'),
  seed: count,
  ...drawSettings,
  vocabSize: count.min(1).describe('Width of the logits: token ids are below it.'),
  tokenizerSha256: z.string().nullable(),
  bosTokenId: count
    .nullish()
    .describe('From the card, a flag or the tokenizer; null: none. Absent from older files.'),
  eosTokenId: count.nullish().describe('As bosTokenId.'),
  count: count.describe('Samples in the file.'),
  prompt: z.boolean().describe('Some tokens were given (`--prompt`, `--infill`).'),
  promptSha256: z
    .string()
    .nullish()
    .describe('Of the given tokens and their positions; null: none were given. Absent from older files.'),
  given: count
    .optional()
    .describe(
      'Tokens of each sample that the model did not write: a prompt, or the first token. Absent from older files.',
    ),
  protocol: z
    .enum(['duo', 'strict'])
    .optional()
    .describe('How tokens became text: duo cleans up spaces, strict does not.'),
  environment: environmentRecord,
});
/** The first line. */
export type SamplesHeader = z.infer<typeof samplesHeader>;

const sampleRecord = part({
  sample: count.describe('From 0.'),
  tokens: z.array(count).describe('Token ids, [length].'),
  text: z.string(),
  nfe: count.describe('Model calls made for it, counted.'),
  seconds: z.number().nonnegative().describe("Its share of its batch's time."),
});
/** Any other line. */
export type SampleRecord = z.infer<typeof sampleRecord>;

/** A line of the file, its end included. */
export function samplesLine(value: SamplesHeader | SampleRecord): string {
  return `${escapedJson(JSON.stringify(value))}\n`;
}

export interface SamplesReader {
  header: SamplesHeader;
  /** One at a time, in order of number; can be iterated once. */
  samples: AsyncGenerator<SampleRecord, void, void>;
}

/** Maximum bytes per line. */
const LONGEST_LINE = 2 ** 27;

/**
 * Reads the header at once and each sample on demand, so memory does not grow with the file.
 * @throws DataError, here or later, that names the line; `samples-empty` for a file without samples
 * @throws FileError when the file cannot be read
 */
export async function openSamples(path: string): Promise<SamplesReader> {
  const lines = linesOf(path, { universal: false, most: LONGEST_LINE });
  const first = await lines.next();
  if (first.done) throw noSamples(path, 'is empty');
  const header = parseHeader(first.value.text, path);
  if (header.count === 0) throw noSamples(path, 'holds no samples');
  return { header, samples: readSamples(lines, header, path) };
}

async function* readSamples(
  lines: ReturnType<typeof linesOf>,
  header: SamplesHeader,
  path: string,
): AsyncGenerator<SampleRecord, void, void> {
  let read = 0;
  for await (const { text, number } of lines) {
    if (text.trim() === '') continue;
    const where = `${path}, line ${number}`;
    const sample = validate(sampleRecord, parsedJson(text, where), where);
    if (sample.sample !== read)
      throw invalid(where, `sample ${read} should stand here, not ${sample.sample}`);
    if (sample.tokens.length !== header.length) {
      throw invalid(where, `it has ${sample.tokens.length} tokens; the first line says ${header.length}`);
    }
    const outside = sample.tokens.find((token) => token >= header.vocabSize);
    if (outside !== undefined) {
      throw invalid(where, `the token ${outside} is outside the vocabulary of ${header.vocabSize}`);
    }
    read++;
    yield sample;
  }
  if (read === 0) throw noSamples(path, 'holds no samples');
  if (read === header.count) return;
  throw new DataError({
    code: 'samples-incomplete',
    message: `${path} holds ${read} samples; its first line says ${header.count}.`,
    hint: 'The file was cut or extended; write it anew with duo-eval sample --out.',
  });
}

function parseHeader(text: string, path: string): SamplesHeader {
  const where = `${path}, line 1`;
  const value = parsedJson(text, where);
  const { schemaVersion, kind } = (value ?? {}) as { schemaVersion?: unknown; kind?: unknown };
  if (kind !== 'samples') throw invalid(where, 'it is not the header of a samples file ("kind":"samples")');
  if (schemaVersion !== SAMPLES_VERSION) {
    throw new DataError({
      code: 'samples-version',
      message: `${path} is of schemaVersion ${JSON.stringify(schemaVersion) ?? 'unknown'}; this duo-eval reads ${SAMPLES_VERSION}.`,
      hint: HINT,
    });
  }
  return validate(samplesHeader, value, where);
}

function parsedJson(text: string, where: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (cause) {
    throw invalid(where, 'it is not JSON', cause);
  }
}

function validate<Value>(schema: z.ZodType<Value>, value: unknown, where: string): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0];
  throw invalid(where, [path.join('.'), message].filter(Boolean).join(': '));
}

const HINT = 'Give a file that duo-eval sample --out samples.jsonl wrote.';

function invalid(where: string, reason: string, cause?: unknown): DataError {
  return new DataError({
    code: 'samples-invalid',
    message: `${where}: ${reason}.`,
    hint: HINT,
    cause,
  });
}

function noSamples(path: string, what: string): DataError {
  return new DataError({ code: 'samples-empty', message: `${path} ${what}.`, hint: HINT });
}
