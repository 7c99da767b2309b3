/**
 * The checkpoint card: the facts about a model that its tensors do not state. It lies beside the model (`x.card.json` for
 * `x.onnx`), or in the model's ONNX metadata as `duo-eval.<key>` with JSON text. This file reads and checks both;
 * checkpoint.ts decides which of them wins.
 */
import { lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { closest, FileError, ModelError } from '../errors.js';
import { reasonOf } from '../storage/file-failure.js';
import { MOST_BYTES, readSmallFile, UnfitFile } from '../storage/small-file.js';
import { parseStrictJson } from '../strict-json.js';
import { FAMILIES, type Family } from './family.js';

export type { Family } from './family.js';

export const METADATA_PREFIX = 'duo-eval.';

const wholeNumber = (least: number, what: string) => z.int({ error: what }).min(least, { error: what });
const tokenId = wholeNumber(0, 'takes a token id, a whole number from 0 on');
const SCHEDULE_TYPES = ['log-linear', 'cosine', 'mixed'] as const;
const TIMESTEP_INPUTS = ['none', 'sigma', 't'] as const;

const scheduleSchema = z
  .looseObject(
    {
      type: z.enum(SCHEDULE_TYPES, { error: `takes one of: ${SCHEDULE_TYPES.join(', ')}` }),
      eps: z
        .number({ error: 'takes a number between 0 and 1' })
        .min(0, { error: 'takes a number of at least 0' })
        .lt(1, { error: 'takes a number below 1' })
        .optional(),
      steps: z
        .int({ error: 'takes the T of discrete time, a whole number from 1 to 1,000,000' })
        .min(1, { error: 'takes a whole number of at least 1' })
        .max(1_000_000, { error: 'takes at most 1,000,000' })
        .optional(),
      uniformShare: z
        .number({ error: 'takes a number between 0 and 1' })
        .gt(0, { error: 'takes a number above 0' })
        .lt(1, { error: 'takes a number below 1' })
        .optional(),
    },
    { error: 'takes an object such as {"type": "log-linear", "eps": 0.001}' },
  )
  .transform((schedule) => ({ ...schedule, eps: schedule.eps ?? (schedule.type === 'mixed' ? 1e-4 : 1e-3) }));

/** The keys of a card and the values each accepts. Other keys are kept as they are; `null` is the same as a missing key. */
const shape = {
  family: z.enum(FAMILIES, { error: `takes one of: ${FAMILIES.join(', ')}` }),
  vocabSize: wholeNumber(2, 'takes the width of the logits, a whole number of at least 2'),
  length: wholeNumber(2, 'takes the tokens of a sequence, a whole number of at least 2'),
  tokenizer: z
    .string({ error: 'takes a path to a folder or a tokenizer.json' })
    .min(1, { error: 'takes a path to a folder or a tokenizer.json' }),
  bosTokenId: tokenId,
  eosTokenId: tokenId,
  maskTokenId: tokenId,
  schedule: scheduleSchema,
  timeConditioning: z.boolean({ error: 'takes true or false' }),
  timestepInput: z.enum(TIMESTEP_INPUTS, { error: `takes one of: ${TIMESTEP_INPUTS.join(', ')}` }),
  blockSize: wholeNumber(1, 'takes the tokens of a block, a whole number of at least 1'),
  attention: z.union([z.enum(['causal', 'full']), z.strictObject({ blockCausal: z.int().min(1) })], {
    error: 'takes "causal", "full" or {"blockCausal": n}',
  }),
  shiftLogits: z.boolean({ error: 'takes true or false' }),
  neverMasked: z.array(z.int().min(0), { error: 'takes a list of positions, such as [0]' }),
  textVocabSize: wholeNumber(2, 'takes the tokens of the tokenizer, a whole number of at least 2'),
  trainedOn: z.string({ error: 'takes a text' }),
  distilled: z.unknown(),
  note: z.string({ error: 'takes a text' }),
  sha256: z.string({ error: 'takes 64 hexadecimal digits' }).regex(/^[0-9a-fA-F]{64}$/, {
    error: 'takes 64 hexadecimal digits',
  }),
};

const cardSchema = z.looseObject(shape).partial();

export interface Schedule {
  type: (typeof SCHEDULE_TYPES)[number];
  /** The schedule ends at α = eps; 0 only where no network reads the noise level, which is infinite there. */
  eps: number;
  /** T of discrete time: of the family d3pm, and of no other. */
  steps?: number;
  /** Of the type mixed: the share of uniform noise, between 0 and 1. */
  uniformShare?: number;
}

/** What the input `sigma` of a network is told: 0, the noise level σ = −ln α, or the time t. */
export type TimestepInput = (typeof TIMESTEP_INPUTS)[number];

export type Attention = 'causal' | 'full' | { blockCausal: number };

export interface Card {
  family?: Family;
  vocabSize?: number;
  length?: number;
  tokenizer?: string;
  bosTokenId?: number;
  eosTokenId?: number;
  maskTokenId?: number;
  schedule?: Schedule;
  /** Whether the network is told the noise level: `timestepInput` says as what. */
  timeConditioning?: boolean;
  timestepInput?: TimestepInput;
  /** L′ of block diffusion. */
  blockSize?: number;
  /** What a token sees: those up to itself, all, or those of its block of n tokens and of earlier blocks. */
  attention?: Attention;
  /**
   * Row i − 1 of the logits belongs to token i, and row 0 to token 0 too: of a graph that another program exported. A converted
   * network has the shift inside.
   */
  shiftLogits?: boolean;
  /** Positions that never become the mask: [0] where the first token of a text is given, as a BOS. */
  neverMasked?: number[];
  /** Tokens that the tokenizer has; rows of the logits from here on are padding, and never count. */
  textVocabSize?: number;
  trainedOn?: string;
  distilled?: unknown;
  note?: string;
  sha256?: string;
  [unknownKey: string]: unknown;
}

export const CARD_KEYS = Object.keys(shape) as (keyof typeof shape)[];

export interface CardFile {
  path: string;
  card: Card;
}

/** `duo.card.json` for `duo.onnx`. */
export function cardPath(modelPath: string): string {
  return join(dirname(modelPath), `${basename(modelPath).replace(/\.onnx$/i, '')}.card.json`);
}

/** The card beside a model, or null when there is none. @throws ModelError `malformed-card`, naming the key */
export function readCard(modelPath: string): CardFile | null {
  const path = cardPath(modelPath);
  let bytes: Buffer;
  try {
    bytes = readSmallFile(path, MOST_BYTES.card);
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause;
    if (cause.code === 'no-such-file') return null;
    throw malformedCard(
      path,
      cause instanceof UnfitFile ? cause.why : `it cannot be read: ${reasonOf(cause.cause)}`,
    );
  }
  const linked = lstatSync(path).isSymbolicLink();
  return { path, card: parseCard(parseJson(path, bytes), path, { linked }) };
}

/**
 * @param where names the card in errors
 * @param linked the card is a symbolic link, which may lead to a file outside the model: errors quote none of its values
 * @throws ModelError `malformed-card`, naming the key
 */
export function parseCard(value: unknown, where: string, { linked = false } = {}): Card {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw malformedCard(where, 'it is not a JSON object');
  }
  const given = Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== null));
  const parsed = cardSchema.safeParse(given);
  if (parsed.success) return parsed.data as Card;
  const { path, message } = parsed.error.issues[0];
  throw wrongKey(where, path.map(String), message, given, linked);
}

/** The card in a model's ONNX metadata. @throws ModelError `malformed-card`, naming the key */
export function cardOfMetadata(metadata: ReadonlyMap<string, string>, modelPath: string): Card {
  const entries = [...metadata].filter(([key]) => key.startsWith(METADATA_PREFIX));
  const values = entries.map(([key, text]) => [
    key.slice(METADATA_PREFIX.length),
    parseJson(`${modelPath}, metadata ${key}`, text),
  ]);
  return parseCard(Object.fromEntries(values), `${modelPath}, metadata`);
}

/** A card as metadata entries, for writing it into a model. */
export function metadataOfCard(card: Card): [key: string, json: string][] {
  return Object.entries(card)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [METADATA_PREFIX + key, JSON.stringify(value)]);
}

function parseJson(where: string, content: Buffer | string): unknown {
  try {
    return parseStrictJson(content);
  } catch (cause) {
    throw malformedCard(where, `it is not valid JSON (${(cause as Error).message})`);
  }
}

function malformedCard(where: string, why: string): ModelError {
  return new ModelError({
    code: 'malformed-card',
    message: `The card ${where} cannot be used: ${why}.`,
    hint: 'Correct it, or take it away and give flags instead (--family, --tokenizer).',
  });
}

function wrongKey(
  where: string,
  path: string[],
  takes: string,
  card: Record<string, unknown>,
  linked: boolean,
): ModelError {
  const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], card);
  const shown = linked ? `what the file holds that ${where} links to` : shorten(JSON.stringify(value) ?? '');
  const got = value === undefined ? 'and is missing' : `not ${shown}`;
  const near =
    path[0] === 'family' && typeof value === 'string'
      ? closest(value, FAMILIES)
      : path[1] === 'type' && typeof value === 'string'
        ? closest(value, SCHEDULE_TYPES)
        : null;
  return new ModelError({
    code: 'malformed-card',
    message: `The card ${where} is wrong at "${path.join('.')}": it ${takes}, ${got}.`,
    hint: near ? `Did you mean "${near}"?` : `Correct "${path.join('.')}" in the card.`,
  });
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
