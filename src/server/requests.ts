/** What requests hold: one declaration that checks them, and that the OpenAPI description is made from. */
import { z } from 'zod';
import { closest } from '../errors.js';
import { RequestFailure } from './failures.js';

/** Texts in one request, and tokens that one may ask for. */
export const MOST_TEXTS = 1024;
const MOST_TOKENS = 1_000_000;
const MOST_STOPS = 16;

const id = z.number().int().nonnegative();
const text = z.string();

const prompt = z.unknown().meta({
  description: 'A text, token ids, or a list of either.',
  anyOf: [
    { type: 'string' },
    { type: 'array', items: { type: 'string' } },
    { type: 'array', items: { type: 'integer', minimum: 0 } },
    { type: 'array', items: { type: 'array', items: { type: 'integer', minimum: 0 } } },
  ],
});

/** Parameters of OpenAI's that change the answer and are not offered: any value but «off» is refused. */
const off = (...values: unknown[]) =>
  z
    .unknown()
    .refine(
      (value) => value === null || values.some((one) => JSON.stringify(one) === JSON.stringify(value)),
      {
        message: 'is not offered by this server: leave it out',
      },
    )
    .optional()
    .meta({ description: 'Not offered: only its default is accepted.' });

const drawn = {
  temperature: z
    .number()
    .min(0)
    .max(100)
    .nullish()
    .meta({ description: '0: the most probable token. Default 1.' }),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z
    .number()
    .int()
    .min(-1)
    .nullish()
    .meta({ description: 'The most probable tokens that are drawn from; 0 or −1: all.' }),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullish().meta({
    description:
      'The same seed gives the same text, whatever else runs. By default one is drawn; the answer names it.',
  }),
  steps: z.number().int().min(1).max(100_000).nullish().meta({
    description:
      'Model calls from noise to text. Masked models: by default one per token; uniform states: 32.',
  }),
  sampler: z.string().max(100).nullish().meta({ description: 'A name that `duo-eval samplers` lists.' }),
  sampler_options: z
    .record(z.string().max(100), z.union([z.number(), z.string().max(100), z.boolean()]))
    .nullish(),
};

const written = {
  ...drawn,
  n: z.number().int().min(1).max(128).nullish(),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(MOST_STOPS)])
    .nullish()
    .meta({ description: 'The text ends before the first of these.' }),
  ignore_eos: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
  user: z.unknown().optional(),
  presence_penalty: off(0),
  frequency_penalty: off(0),
  logit_bias: off({}),
};

const model = z.string().max(1000).nullish().meta({ description: 'The name that /v1/models lists.' });
const maxTokens = z.number().int().min(0).max(MOST_TOKENS).nullish();

export const completionRequest = z.strictObject({
  model,
  prompt,
  max_tokens: maxTokens.meta({ description: 'Tokens to write. Default 16.' }),
  echo: z.boolean().nullish(),
  logprobs: z.number().int().min(0).max(5).nullish().meta({
    description:
      'ln p of each token by the chain rule from left to right, and so many of the most probable ones.',
  }),
  suffix: z
    .string()
    .nullish()
    .meta({ description: 'What follows the completion; diffusion models fill the gap.' }),
  best_of: off(1),
  ...written,
});

const content = z.union([z.string(), z.array(z.looseObject({ type: z.literal('text'), text: z.string() }))]);

export const chatRequest = z.strictObject({
  model,
  messages: z
    .array(z.looseObject({ role: z.string().max(100), content: content.nullish() }))
    .min(1)
    .max(1024),
  max_tokens: maxTokens,
  max_completion_tokens: maxTokens,
  logprobs: off(false),
  top_logprobs: off(),
  tools: off([]),
  tool_choice: off('none', 'auto'),
  response_format: off({ type: 'text' }),
  modalities: off(['text']),
  store: off(false),
  metadata: z.unknown().optional(),
  ...written,
});

const textOrIds = z.union([text, z.array(id)]);

const likelihoodItem = z.strictObject({
  context: textOrIds.nullish(),
  continuation: textOrIds,
  question: z
    .number()
    .int()
    .min(0)
    .max(2 ** 47)
    .nullish()
    .meta({
      description:
        'Items of one number are the choices of one question: what is drawn for them is a function of it, and they share it. By default those of one context are.',
    }),
});

export const likelihoodRequest = z.union([
  z.array(likelihoodItem).min(1).max(MOST_TEXTS),
  z.strictObject({ model, items: z.array(likelihoodItem).min(1).max(MOST_TEXTS) }),
]);

export const denoiseRequest = z.strictObject({
  model,
  tokens: z
    .array(id.nullable())
    .min(1)
    .max(65_536)
    .optional()
    .meta({ description: 'Given tokens, and null where the model writes.' }),
  prompt: text.optional(),
  max_tokens: maxTokens,
  ...drawn,
});

export const tokenizeRequest = z.strictObject({
  model,
  prompt: text,
  add_special_tokens: z
    .boolean()
    .nullish()
    .meta({ description: 'Whether BOS is put before the text. Default false.' }),
});

export const detokenizeRequest = z.strictObject({ model, tokens: z.array(id).max(MOST_TOKENS) });

export type CompletionRequest = z.infer<typeof completionRequest>;
export type ChatRequest = z.infer<typeof chatRequest>;
export type DrawnFields = Pick<
  CompletionRequest,
  'temperature' | 'top_p' | 'top_k' | 'seed' | 'steps' | 'sampler' | 'sampler_options'
>;

/** @throws RequestFailure 400 that names the first parameter that is wrong */
export function checked<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  if (body === null || typeof body !== 'object')
    throw new RequestFailure(400, 'invalid-request', 'The body of a request is a JSON object.');
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RequestFailure(400, 'invalid-request', sentenceOf(parsed.error.issues[0], schema));
}

function sentenceOf(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest && deepest.path.length > 0)
      return sentenceOf({ ...deepest, path: [...issue.path, ...deepest.path] }, schema);
  }
  const where = issue.path.length > 0 ? `"${issue.path.map(String).join('.')}"` : 'The body';
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    const near = closest(key, known);
    const shown = JSON.stringify(key.slice(0, 100));
    const holder = issue.path.length > 0 ? where : 'The request';
    return `${holder} holds ${shown}, which is no parameter of this route.${near ? ` Did you mean "${near}"?` : ''}`;
  }
  const { message } = issue;
  return issue.code === 'custom' ? `${where} ${message}.` : `${where}: ${message.replace(/\.$/, '')}.`;
}

/** A prompt as sent: each text or its ids. */
export type SentPrompt = string | number[];

/** @throws RequestFailure 400 */
export function readPrompts(value: unknown): SentPrompt[] {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value) || value.length === 0)
    throw new RequestFailure(
      400,
      'invalid-request',
      '"prompt" is a text, a list of token ids, or a list of either, and not empty.',
    );
  const isBatch = value.some((one) => typeof one === 'string' || Array.isArray(one));
  const prompts = isBatch ? value : [value];
  if (prompts.length > MOST_TEXTS)
    throw new RequestFailure(
      400,
      'invalid-request',
      `"prompt" has ${prompts.length} texts; a request may have ${MOST_TEXTS}.`,
    );
  return prompts.map((one, i) => {
    const where = isBatch ? `"prompt.${i}"` : '"prompt"';
    if (typeof one === 'string') return one;
    if (!Array.isArray(one))
      throw new RequestFailure(400, 'invalid-request', `${where} is neither a text nor a list of token ids.`);
    if (one.length === 0) throw new RequestFailure(400, 'invalid-request', `${where} has no tokens.`);
    return one.map((id, position) => readId(id, where, position));
  });
}

function readId(id: unknown, where: string, position: number): number {
  if (Number.isSafeInteger(id) && (id as number) >= 0) return id as number;
  const what =
    id === null
      ? 'null in the place of a token id: the tokenizer of the client names neither BOS nor EOS, so it has no first token for an empty context'
      : `${JSON.stringify(id)?.slice(0, 40)} in the place of a token id`;
  throw new RequestFailure(400, 'invalid-token-id', `${where} holds ${what} (position ${position}).`);
}
