/**
 * A tokenizer: text to ids and back. Encoding adds no special tokens and decoding keeps them; the ids are decided by
 * tokenizer.json alone, whose SHA-256 names the tokenizer in records.
 */
import { createContext, Script } from 'node:vm';
import { DataError } from '../errors.js';
import { sha256OfBytes } from '../storage/digest.js';
import { ByteLevelVocabulary } from './byte-level.js';
import { cleanUpTokenization } from './clean-up.js';
import { decoderOf, lengthOf } from './tokenization/decoders.js';
import {
  checkDecodedLength,
  TokenizationFailure,
  TokenizerBudget,
  UnusableTokenizer,
} from './tokenization/part.js';
import {
  readTokenizerFiles,
  specialTokenIds,
  type TokenizerFiles,
  type TokenizerJson,
} from './tokenizer-files.js';
import { Vocabulary } from './vocabulary.js';
import { WordEncoder } from './word-encoder.js';

export interface Tokenizer {
  /** Ids of the text, no special tokens added. @throws DataError for text it has no tokens for */
  encode(text: string): number[];
  /** As {@link encode}, in pieces: where the tokenizer allows it, a text of any length needs little memory. */
  encodePieces(text: string): Iterable<number[]>;
  /** Characters of all texts so far that no token stands for: they are in no ids, and the tokenizer has no unknown token. */
  droppedCharacters(): number;
  /** Text of the ids, special tokens kept. @param options.cleanUp as transformers' clean_up_tokenization_spaces */
  decode(ids: ArrayLike<number>, options: { cleanUp: boolean }): string;
  /** UTF-8 bytes of the decoded text, without clean-up. */
  byteLength(ids: ArrayLike<number>): number;
  /** One more than the largest id. */
  vocabSize: number;
  bosTokenId: number | null;
  eosTokenId: number | null;
  /** Whether nothing names a BOS, and the EOS serves as one. */
  bosIsEos: boolean;
  /** Of tokenizer.json. */
  sha256: string;
}

export interface SpecialTokenOverrides {
  /** From the card or a flag. Undefined: by the configuration, and without a BOS the EOS serves as one. Null: there is none. */
  bosTokenId?: number | null;
  eosTokenId?: number | null;
}

/**
 * The ids of the special tokens and the vocabulary's size are known at once; what encodes and decodes is built when
 * it is first asked to, since a run on a cached stream never asks.
 *
 * @param path a folder or a tokenizer.json   @throws DataError for files that are no tokenizer, FileError
 */
export async function loadTokenizer(path: string, overrides: SpecialTokenOverrides = {}): Promise<Tokenizer> {
  const files = await readTokenizerFiles(path);
  const vocabulary = new Vocabulary(files.tokenizer, files.path);
  const configured = specialTokenIds(files.config, (token) => vocabulary.idOf(token));
  const tokens = once(() => vocabulary.tokens());
  const byteLevel = isByteLevel(files.tokenizer) ? once(() => new ByteLevelVocabulary(tokens())) : null;
  const made = once(() =>
    usable(files, () => ({
      encoder: new WordEncoder(files.tokenizer),
      decoder: textDecoderOf(files.tokenizer),
    })),
  );

  const clock = new Clock();

  function* encodePieces(text: string): Generator<number[]> {
    const wellFormed = text.replace(LONE_SURROGATE, '\ufffd');
    const { encoder } = made();
    const pieces = encoder.encode(wellFormed);
    clock.allow(wellFormed.length);
    for (;;) {
      const { done, value } = inTime(files, clock, wellFormed.length, encoder.linear, () => pieces.next());
      if (done) return;
      yield value;
    }
  }
  const decodeRaw = (ids: ArrayLike<number>): string => {
    if (byteLevel) return usable(files, () => byteLevel().decode(ids));
    const { encoder, decoder } = made();
    clock.allow(ids.length);
    return inTime(files, clock, ids.length, decoder.linear && encoder.linear, () => {
      const { spelt } = encoder.addedTokens();
      const known = Array.from(ids, (id) => spelt.get(id) ?? tokens()[id]);
      return decoder.decode(known.filter((token) => token !== undefined));
    });
  };
  const eosTokenId = overridden(overrides.eosTokenId, configured.eosTokenId, 'EOS');
  const named = overridden(overrides.bosTokenId, configured.bosTokenId, 'BOS');
  const bosIsEos = named === null && overrides.bosTokenId === undefined && eosTokenId !== null;
  return {
    encode(text) {
      const ids: number[] = [];
      for (const piece of encodePieces(text)) for (const id of piece) ids.push(id);
      return ids;
    },
    encodePieces,
    droppedCharacters: () => made().encoder.dropped,
    decode: (ids, { cleanUp }) => (cleanUp ? cleanUpTokenization(decodeRaw(ids)) : decodeRaw(ids)),
    byteLength: (ids) =>
      byteLevel ? usable(files, () => byteLevel().byteLength(ids)) : Buffer.byteLength(decodeRaw(ids)),
    vocabSize: vocabulary.size,
    bosTokenId: bosIsEos ? eosTokenId : named,
    eosTokenId,
    bosIsEos,
    sha256: sha256OfBytes(files.bytes),
  };
}

/** Half of a character: no text that was read as UTF-8 has one. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** The value of `make`, made at the first call. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** @throws DataError for a tokenizer that is not as it should be, or of a kind that is not known here */
function usable<T>({ path }: TokenizerFiles, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw sentenceOf(cause, path);
  }
}

function sentenceOf(cause: unknown, path: string): unknown {
  if (cause instanceof UnusableTokenizer) {
    return new DataError({
      code: 'broken-tokenizer',
      message: `${path} cannot be used as a tokenizer: ${cause.message}.`,
      hint: 'Save it again with a current version of transformers, or use another tokenizer.',
      cause,
    });
  }
  if (!(cause instanceof TokenizationFailure)) return cause;
  return new DataError({
    code: cause.code,
    message: `${path} cannot be used for this text: ${cause.message}.`,
    hint:
      cause.code === 'text-without-tokens'
        ? 'Use the tokenizer that the model was trained with.'
        : 'Use another tokenizer, or text that has spaces and line breaks.',
    cause,
  });
}

/** For a short text, ms; and for each million characters. */
const DEADLINE_MS = 3_000;
const DEADLINE_MS_A_MILLION = 1_000;
/** For all texts so far, ms: many that take nearly as long as one may would take days. Some ten times what they need. */
const ALL_MS = 10_000;
const ALL_MS_A_TEXT = 2;
const ALL_MS_A_MILLION = 20_000;

/** What is left of the time for regular expressions, of all texts. */
class Clock {
  left = ALL_MS;

  /** @param size characters or tokens of a text that comes */
  allow(size: number): void {
    this.left += ALL_MS_A_TEXT + (size / 1e6) * ALL_MS_A_MILLION;
  }
}

/**
 * Work with regular expressions of the tokenizer's: where they are not known to be quick, it is stopped at a deadline.
 * @param size characters or tokens   @throws DataError
 */
function inTime<T>(files: TokenizerFiles, clock: Clock, size: number, linear: boolean, work: () => T): T {
  return usable(files, () => {
    if (linear) return work();
    const deadline = DEADLINE_MS + Math.ceil((size / 1e6) * DEADLINE_MS_A_MILLION);
    const began = performance.now();
    const done = withinTime(work, deadline);
    clock.left -= Math.min(deadline, performance.now() - began);
    if (!done) throw outOfTime(`did not come to an end within ${deadline / 1_000} s`);
    if (clock.left < 0) throw outOfTime('take far too long over its texts, all together');
    return done.value;
  });
}

/**
 * A deadline for code that does not look at the clock: the tokenizer's regular expressions. The runtime stops it from
 * another thread, as it does for scripts; nothing is copied, and a call takes a fraction of a millisecond.
 * @returns undefined when it was stopped
 */
function withinTime<T>(work: () => T, milliseconds: number): { value: T } | undefined {
  room ??= { context: createContext({}), script: new Script('work()') };
  const { context, script } = room;
  context.work = work;
  try {
    return { value: script.runInContext(context, { timeout: milliseconds }) as T };
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw cause;
  } finally {
    context.work = undefined;
  }
}

let room: { context: Record<string, unknown>; script: Script } | undefined;

function outOfTime(what: string): TokenizationFailure {
  return new TokenizationFailure('tokenizer-too-costly', `its regular expressions ${what}`);
}

/** Tokens to text. Without a decoder they stand with a space between. */
function textDecoderOf({ decoder: part }: TokenizerJson): {
  linear: boolean;
  decode: (tokens: readonly string[]) => string;
} {
  const budget = new TokenizerBudget();
  const decoder = part ? decoderOf(part, budget) : null;
  const joined = (texts: readonly string[], between: string) => {
    checkDecodedLength(lengthOf(texts) + between.length * texts.length);
    return texts.join(between);
  };
  if (!decoder) return { linear: true, decode: (tokens) => joined(tokens, ' ') };
  return {
    linear: decoder.linear,
    decode(tokens) {
      const length = lengthOf(tokens);
      checkDecodedLength(length);
      budget.allow(length + tokens.length);
      return joined(decoder.decode(tokens), '');
    },
  };
}

/** Whether decoding is GPT-2's table and nothing else. */
function isByteLevel({ decoder, normalizer, added_tokens: added }: TokenizerJson): boolean {
  const spelt = !normalizer || (added ?? []).every(({ normalized, special }) => !(normalized ?? !special));
  return decoder?.type === 'ByteLevel' && spelt;
}

function overridden(
  override: number | null | undefined,
  configured: number | null,
  name: string,
): number | null {
  if (override === undefined) return configured;
  if (override === null || (Number.isInteger(override) && override >= 0)) return override;
  throw new DataError({
    code: 'invalid-special-token',
    message: `The ${name} token's id is ${override}, which is not an id.`,
    hint: 'Correct bosTokenId and eosTokenId in the card.',
  });
}
