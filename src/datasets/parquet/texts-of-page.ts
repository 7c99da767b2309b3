/** The texts in the bytes of a page, by encoding. */
import { readDeltas, readRuns } from './runs.js';

export const PLAIN = 0;
export const PLAIN_DICTIONARY = 2;
export const DELTA_LENGTH_BYTE_ARRAY = 6;
export const DELTA_BYTE_ARRAY = 7;
export const RLE_DICTIONARY = 8;

/** Texts that share their beginnings may unfold to more than their page; this much is no page's. */
const MOST_UNFOLDED = 2 ** 29;

export type Decode = (bytes: Buffer) => string;

/**
 * @param count texts there are, absent ones not counted   @param dictionary of the chunk, where it has one
 * @throws Error when the page does not hold them
 */
export function* textsOfPage(
  bytes: Buffer,
  encoding: number,
  count: number,
  dictionary: readonly string[] | null,
  decode: Decode,
): Generator<string> {
  switch (encoding) {
    case PLAIN:
      yield* plainTexts(bytes, count, decode);
      return;
    case PLAIN_DICTIONARY:
    case RLE_DICTIONARY:
      yield* dictionaryTexts(bytes, count, dictionary);
      return;
    case DELTA_LENGTH_BYTE_ARRAY:
      for (const text of deltaLength(bytes, count)) yield decode(text);
      return;
    case DELTA_BYTE_ARRAY:
      yield* sharedPrefixes(bytes, count, decode);
      return;
    default:
      throw new Error(`a page has the encoding ${encoding}, which this program cannot read as text`);
  }
}

/** Length, bytes; length, bytes … */
export function* plainTexts(bytes: Buffer, count: number, decode: Decode): Generator<string> {
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw beyond();
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) throw beyond();
    yield decode(bytes.subarray(at + 4, end));
    at = end;
  }
}

function* dictionaryTexts(
  bytes: Buffer,
  count: number,
  dictionary: readonly string[] | null,
): Generator<string> {
  if (count === 0) return;
  if (!dictionary) throw new Error('a page refers to a dictionary that is not there');
  if (bytes.length === 0) throw beyond();
  for (const index of readRuns(bytes.subarray(1), bytes[0], count)) {
    if (index >= dictionary.length) throw new Error('a page refers beyond the end of its dictionary');
    yield dictionary[index];
  }
}

function* deltaLength(bytes: Buffer, count: number): Generator<Buffer> {
  const { numbers: lengths, end } = readDeltas(bytes, count);
  let at = end;
  for (const length of lengths) {
    if (length < 0 || at + length > bytes.length) throw beyond();
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** Each text begins with so many bytes of the one before. */
function* sharedPrefixes(bytes: Buffer, count: number, decode: Decode): Generator<string> {
  const { numbers: prefixes, end } = readDeltas(bytes, count);
  let previous: Buffer = Buffer.alloc(0);
  let unfolded = 0;
  let i = 0;
  for (const suffix of deltaLength(bytes.subarray(end), count)) {
    const shared = prefixes[i++];
    if (shared < 0 || shared > previous.length) throw beyond();
    unfolded += shared + suffix.length;
    if (unfolded > MOST_UNFOLDED) throw new Error('a page is larger than can be read at once');
    previous = shared === 0 ? suffix : Buffer.concat([previous.subarray(0, shared), suffix]);
    yield decode(previous);
  }
}

function beyond(): Error {
  return new Error('a text reaches beyond its page');
}
