/**
 * Sets of texts to be measured, such as those of a samples file with its tokens decoded. A set is read once, sample by
 * sample.
 */
import { basename } from 'node:path';
import { cleanUpTokenization } from '../../datasets/clean-up.js';
import type { ProtocolName } from '../../datasets/cutting.js';
import type { Tokenizer } from '../../datasets/tokenizer.js';
import type { Observer } from '../../observer.js';
import type { DatasetRecord, ModelRecord } from '../../records/record.js';
import { openSamples, type SampleRecord, type SamplesHeader } from '../../records/samples-file.js';
import type { DocumentsOf } from '../../statistics/text-ratio.js';
import type { SampleSetRecord } from './record.js';

/** One text: its token ids as generated, and their text. */
export interface GeneratedText {
  tokens: ArrayLike<number>;
  text: string;
  /** Model calls and seconds; null for real text. */
  nfe: number | null;
  seconds: number | null;
}

export interface TextSet {
  name: string;
  model: ModelRecord | null;
  dataset: DatasetRecord | null;
  /** Real text: the document of each; null where documents are unknown or short. Absent from samples of a model. */
  documents?: DocumentsOf;
  /** Number of texts. */
  count: number;
  /** The tokenizer of their tokens, where available. */
  tokenizer: Tokenizer | null;
  /** What the record says about them. */
  facts: Omit<SampleSetRecord, 'name' | 'sha256' | 'count' | 'nfe' | 'seconds'>;
  texts: AsyncIterable<GeneratedText>;
}

/** How tokens of samples become texts. */
export interface TextOptions {
  protocol: ProtocolName;
  /** The tokenizer that the user names; null: none. */
  tokenizer: Tokenizer | null;
  /** The judge's, which may also be the samples'; null without a judge. */
  judgeTokenizer: Tokenizer | null;
}

/** The tokenizer of the samples, where available. */
function tokenizerOfSamples(
  tokenizerSha256: string | null,
  { tokenizer, judgeTokenizer }: Pick<TextOptions, 'tokenizer' | 'judgeTokenizer'>,
): Tokenizer | null {
  if (tokenizerSha256 === null) return tokenizer;
  return [tokenizer, judgeTokenizer].find((one) => one?.sha256 === tokenizerSha256) ?? null;
}

/**
 * A samples file. Where a tokenizer with the SHA-256 in its header is available, its tokens are decoded by the protocol;
 * else the text in the file is used, with a note.
 * @param path of the file   @throws DataError, here or while it is read, that names the line; FileError
 */
export async function samplesFile(
  path: string,
  name: string | undefined,
  options: TextOptions,
  notices: Observer,
): Promise<TextSet> {
  const { header, samples } = await openSamples(path);
  const called = name ?? basename(path).replace(/\.jsonl$/i, '');
  return {
    name: called,
    model: header.model,
    dataset: null,
    count: header.count,
    tokenizer: tokenizerOfSamples(header.tokenizerSha256, options),
    facts: factsOfSamples(header, path),
    texts: decoded(samples, textOf(called, header, options, notices)),
  };
}

/** The `samples` part of a record, from a header. @param path of the samples file; null where they are sampled in this run */
export function factsOfSamples(header: SamplesHeader, path: string | null): TextSet['facts'] {
  const { length, tokenizerSha256, sampler, seed, temperature, topK, topP, prompt, promptSha256 } = header;
  const { bosTokenId, eosTokenId } = header;
  const ids = bosTokenId === undefined ? {} : { bosTokenId, eosTokenId };
  const facts = { path, length, tokenizerSha256, ...ids, sampler, seed, temperature, topK, topP };
  return { ...facts, prompt, promptSha256, ...(header.given !== undefined && { given: header.given }) };
}

/** Tokens of each text that a model wrote. */
export const writtenTokens = ({ length, given = 0 }: Pick<SampleSetRecord, 'length' | 'given'>): number =>
  length - given;

/** Tokens that a model wrote per second; null where the time is not recorded. */
export const samplingSpeed = ({ count, seconds, ...texts }: SampleSetRecord): number | null =>
  seconds ? (count * writtenTokens(texts)) / seconds : null;

/** The record of the tokenizer of the texts. */
export function tokenizerFacts({ sha256, bosTokenId, eosTokenId }: Tokenizer) {
  return { tokenizerSha256: sha256, bosTokenId, eosTokenId };
}

async function* decoded(
  samples: AsyncIterable<SampleRecord>,
  text: (sample: SampleRecord) => string,
): AsyncGenerator<GeneratedText> {
  for await (const sample of samples) {
    const { tokens, nfe, seconds } = sample;
    yield { tokens, text: text(sample), nfe, seconds };
  }
}

/** The text of a sample. */
function textOf(
  name: string,
  header: SamplesHeader,
  options: TextOptions,
  notices: Observer,
): (sample: SampleRecord) => string {
  const own = tokenizerOfSamples(header.tokenizerSha256, options);
  const cleanUp = options.protocol === 'duo';
  if (own) return ({ tokens }) => own.decode(tokens, { cleanUp });
  if (options.tokenizer) {
    notices.warn?.(
      `${name} was not written with --tokenizer (its SHA-256 differs); the text in the file is taken.`,
    );
  } else if (header.tokenizerSha256 !== null && options.judgeTokenizer) {
    notices.note?.(
      `${name}: written with another tokenizer than the judge's; judged by the text in the file.`,
    );
  }
  if (header.protocol === 'duo' && !cleanUp) {
    notices.warn?.(
      `${name}: the text in the file had its spaces cleaned up when it was written; protocol strict would not. Give --tokenizer.`,
    );
  }
  if (cleanUp && header.protocol !== 'duo') return ({ text }) => cleanUpTokenization(text);
  return ({ text }) => text;
}
