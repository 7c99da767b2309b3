/**
 * A tokenizer: text to ids and back. Encoding adds no special tokens and decoding keeps them. Only tokenizer.json
 * determines the ids, and its SHA-256 identifies the tokenizer in records.
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
  /** Ids of the text, without special tokens. @throws DataError for text it has no tokens for */
  encode(text: string): number[];
  /** As {@link encode}, in pieces: if the tokenizer allows it, a text of any length needs little memory. */
  encodePieces(text: string): Iterable<number[]>;
  /** Characters of all texts so far that no token represents; the ids omit them, as the tokenizer has no unknown token. */
  droppedCharacters(): number;
  /** Text of the ids, special tokens kept. @param options.cleanUp as transformers' clean_up_tokenization_spaces */
  decode(ids: ArrayLike<number>, options: { cleanUp: boolean }): string;
  /** UTF-8 bytes of the decoded text, without clean-up. */
  byteLength(ids: ArrayLike<number>): number;
  /** One more than the largest id. */
  vocabSize: number;
  bosTokenId: number | null;
  eosTokenId: number | null;
  /** Whether the EOS serves as BOS, because nothing names a BOS. */
  bosIsEos: boolean;
  /** SHA-256 of tokenizer.json. */
  sha256: string;
}

export interface SpecialTokenOverrides {
  /** From the card or a flag. Undefined: the configuration decides, and without a BOS the EOS serves as one. Null: none. */
  bosTokenId?: number | null;
  eosTokenId?: number | null;
}

/**
 * The ids of special tokens and the vocabulary size are known at once. The encoder and decoder are built on first use,
 * because a run on a cached stream never needs them.
 *
 * @param path a folder or a tokenizer.json   @throws DataError for files that are not a tokenizer, FileError
 */
export async function loadTokenizer(path: string, overrides: SpecialTokenOverrides = {}): Promise<Tokenizer> {
  const files = await readTokenizerFiles(path);
  const vocabulary = new Vocabulary(files.tokenizer, files.path);
  const configured = specialTokenIds(files.config, (token) => vocabulary.idOf(token));
  const tokens = once(() => vocabulary.tokens());
  const byteLevel = isByteLevel(files.tokenizer) ? once(() => new ByteLevelVocabulary(tokens())) : null;
  const made = once(() =>
    withNamedFile(files, () => ({
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
      const { done, value } = withDeadline(files, clock, wellFormed.length, encoder.linear, () =>
        pieces.next(),
      );
      if (done) return;
      yield value;
    }
  }
  const decodeRaw = (ids: ArrayLike<number>): string => {
    if (byteLevel) return withNamedFile(files, () => byteLevel().decode(ids));
    const { encoder, decoder } = made();
    clock.allow(ids.length);
    return withDeadline(files, clock, ids.length, decoder.linear && encoder.linear, () => {
      const { spelt } = encoder.addedTokens();
      const known = Array.from(ids, (id) => spelt.get(id) ?? tokens()[id]);
      return decoder.decode(known.filter((token) => token !== undefined));
    });
  };
  const eosTokenId = specialTokenId(overrides.eosTokenId, configured.eosTokenId, 'EOS');
  const named = specialTokenId(overrides.bosTokenId, configured.bosTokenId, 'BOS');
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
      byteLevel ? withNamedFile(files, () => byteLevel().byteLength(ids)) : Buffer.byteLength(decodeRaw(ids)),
    vocabSize: vocabulary.size,
    bosTokenId: bosIsEos ? eosTokenId : named,
    eosTokenId,
    bosIsEos,
    sha256: sha256OfBytes(files.bytes),
  };
}

/** Half of a character: text read as UTF-8 never has one. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** Calls `make` at the first call, and returns the same value ever after. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** @throws DataError, naming the file, for a tokenizer that is broken or of an unknown kind */
function withNamedFile<T>({ path }: TokenizerFiles, make: () => T): T {
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

/** Deadline for a short text, ms, and its extension per million characters. */
const DEADLINE_MS = 3_000;
const DEADLINE_MS_A_MILLION = 1_000;
/** Deadline for all texts together, ms: many texts just below their own deadline would take days. About ten times the need. */
const ALL_MS = 10_000;
const ALL_MS_A_TEXT = 2;
const ALL_MS_A_MILLION = 20_000;

/** Time left for regular expressions, over all texts. */
class Clock {
  left = ALL_MS;

  /** @param size characters or tokens of the next text */
  allow(size: number): void {
    this.left += ALL_MS_A_TEXT + (size / 1e6) * ALL_MS_A_MILLION;
  }
}

/**
 * Runs work that uses the tokenizer's regular expressions. Unless they are known to take linear time, it has a deadline.
 * @param size characters or tokens   @throws DataError
 */
function withDeadline<T>(
  files: TokenizerFiles,
  clock: Clock,
  size: number,
  linear: boolean,
  work: () => T,
): T {
  return withNamedFile(files, () => {
    if (linear) return work();
    const deadline = DEADLINE_MS + Math.ceil((size / 1e6) * DEADLINE_MS_A_MILLION);
    const began = performance.now();
    const done = withwithDeadline(work, deadline);
    clock.left -= Math.min(deadline, performance.now() - began);
    if (!done) throw outOfTime(`did not come to an end within ${deadline / 1_000} s`);
    if (clock.left < 0) throw outOfTime('take far too long over its texts, all together');
    return done.value;
  });
}

/**
 * Runs code that cannot check the clock, such as a regular expression, with a deadline. The runtime stops it from another
 * thread, as it does for scripts; nothing is copied, and the overhead is a fraction of a millisecond.
 * @returns undefined when it was stopped
 */
function withwithDeadline<T>(work: () => T, milliseconds: number): { value: T } | undefined {
  sandbox ??= { context: createContext({}), script: new Script('work()') };
  const { context, script } = sandbox;
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

let sandbox: { context: Record<string, unknown>; script: Script } | undefined;

function outOfTime(what: string): TokenizationFailure {
  return new TokenizationFailure('tokenizer-too-costly', `its regular expressions ${what}`);
}

/** Turns tokens into text. Without a decoder, spaces separate them. */
function textDecoderOf({ decoder: part }: TokenizerJson): {
  linear: boolean;
  decode: (tokens: readonly string[]) => string;
} {
  const budget = new TokenizerBudget();
  const decoder = part ? decoderOf(part, budget) : null;
  const join = (texts: readonly string[], between: string) => {
    checkDecodedLength(lengthOf(texts) + between.length * texts.length);
    return texts.join(between);
  };
  if (!decoder) return { linear: true, decode: (tokens) => join(tokens, ' ') };
  return {
    linear: decoder.linear,
    decode(tokens) {
      const length = lengthOf(tokens);
      checkDecodedLength(length);
      budget.allow(length + tokens.length);
      return join(decoder.decode(tokens), '');
    },
  };
}

/** Whether decoding uses only GPT-2's byte table. */
function isByteLevel({ decoder, normalizer, added_tokens: added }: TokenizerJson): boolean {
  const spelt = !normalizer || (added ?? []).every(({ normalized, special }) => !(normalized ?? !special));
  return decoder?.type === 'ByteLevel' && spelt;
}

function specialTokenId(
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
