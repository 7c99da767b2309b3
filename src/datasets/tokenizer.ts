/**
 * A tokenizer: text to ids and back. Encoding adds no special tokens and decoding keeps them; the ids are decided by
 * tokenizer.json alone, whose SHA-256 names the tokenizer in records.
 */
import type { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { DataError } from '../errors.js';
import { sha256OfBytes } from '../storage/digest.js';
import { ByteLevelVocabulary } from './byte-level.js';
import { cleanUpTokenization } from './clean-up.js';
import {
  readTokenizerFiles,
  specialTokenIds,
  type TokenizerFiles,
  type TokenizerJson,
} from './tokenizer-files.js';
import { Vocabulary } from './vocabulary.js';
import { GPT2_PATTERN, WordEncoder } from './word-encoder.js';

export interface Tokenizer {
  /** Ids of the text, no special tokens added. @throws DataError for text it has no tokens for */
  encode(text: string): number[];
  /** As {@link encode}, in pieces: where the tokenizer allows it, a text of any length needs little memory. */
  encodePieces(text: string): Iterable<number[]>;
  /** Text of the ids, special tokens kept. @param options.cleanUp as transformers' clean_up_tokenization_spaces */
  decode(ids: ArrayLike<number>, options: { cleanUp: boolean }): string;
  /** UTF-8 bytes of the decoded text, without clean-up. */
  byteLength(ids: ArrayLike<number>): number;
  /** One more than the largest id. */
  vocabSize: number;
  bosTokenId: number | null;
  eosTokenId: number | null;
  /** Of tokenizer.json. */
  sha256: string;
}

export interface SpecialTokenOverrides {
  /** From the card or a flag. Undefined: by the configuration. Null: there is none. */
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
  const library = await import('@huggingface/tokenizers');
  const implementation = once(() => build(files, library.Tokenizer));
  const tokens = once(() => vocabulary.tokens());
  const byteLevel = isByteLevel(files.tokenizer) ? once(() => new ByteLevelVocabulary(tokens())) : null;

  const encodeWhole = (text: string): number[] => {
    const ids: (number | null | undefined)[] = implementation().encode(text, {
      add_special_tokens: false,
    }).ids;
    if (!ids.includes(undefined) && !ids.includes(null)) return ids as number[];
    throw new DataError({
      code: 'text-without-tokens',
      message: `${files.path} has no tokens for a part of the text, and no unknown token.`,
      hint: 'Use the tokenizer that the model was trained with.',
    });
  };
  const decodeRaw = (ids: ArrayLike<number>): string => {
    if (byteLevel) return byteLevel().decode(ids);
    const known = Array.from(ids).filter((id) => tokens()[id] !== undefined);
    if (known.length === 0) return '';
    const asTheyAre = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
    return implementation().decode(known, asTheyAre);
  };
  const words = WordEncoder.suits(files.tokenizer) ? new WordEncoder(files.tokenizer, encodeWhole) : null;
  return {
    encode: (text) => (words ? [...words.encode(text)].flat() : encodeWhole(text)),
    encodePieces: (text) => words?.encode(text) ?? [encodeWhole(text)],
    decode: (ids, { cleanUp }) => (cleanUp ? cleanUpTokenization(decodeRaw(ids)) : decodeRaw(ids)),
    byteLength: (ids) => (byteLevel ? byteLevel().byteLength(ids) : Buffer.byteLength(decodeRaw(ids))),
    vocabSize: vocabulary.size,
    bosTokenId: overridden(overrides.bosTokenId, configured.bosTokenId, 'BOS'),
    eosTokenId: overridden(overrides.eosTokenId, configured.eosTokenId, 'EOS'),
    sha256: sha256OfBytes(files.bytes),
  };
}

/** The value of `make`, made at the first call. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function build(
  { path, tokenizer }: TokenizerFiles,
  Implementation: typeof LibraryTokenizer,
): LibraryTokenizer {
  try {
    const whole = {
      added_tokens: [],
      decoder: null,
      normalizer: null,
      post_processor: null,
      pre_tokenizer: null,
      ...tokenizer,
    };
    // The configuration's switches are for old tokenizers without a tokenizer.json; they must not change the ids.
    const implementation = new Implementation(whole, {});
    useUnicodeWhiteSpace(implementation.pre_tokenizer);
    implementation.encode('A trial, 1 of 1.', { add_special_tokens: false });
    return implementation;
  } catch (cause) {
    throw new DataError({
      code: 'broken-tokenizer',
      message: `${path} cannot be used as a tokenizer: ${(cause as Error).message.replace(/\.$/, '')}.`,
      hint: 'Save it again with a current version of transformers, or use another tokenizer.',
      cause,
    });
  }
}

/** So that every way to encode splits at the same characters. */
function useUnicodeWhiteSpace(preTokenizer: unknown): void {
  const part = preTokenizer as {
    config?: { type?: string };
    pattern?: RegExp;
    tokenizers?: unknown[];
  } | null;
  for (const inner of part?.tokenizers ?? []) useUnicodeWhiteSpace(inner);
  if (part?.config?.type === 'ByteLevel' && part.pattern) part.pattern = GPT2_PATTERN;
}

/** Whether decoding is GPT-2's table and nothing else. */
function isByteLevel({ decoder, model }: TokenizerJson): boolean {
  return decoder?.type === 'ByteLevel' && !model.end_of_word_suffix;
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
