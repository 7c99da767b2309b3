/** Decodes the texts of a page, by encoding. */
import { BUDGET, type Unfolding } from '../budget.js';
import { readDeltas, readRuns } from './runs.js';

export const PLAIN = 0;
export const PLAIN_DICTIONARY = 2;
const DELTA_LENGTH_BYTE_ARRAY = 6;
const DELTA_BYTE_ARRAY = 7;
const RLE_DICTIONARY = 8;

export type Decode = (bytes: Buffer) => string;

/** Texts that are stored once, and their lengths in bytes. */
export interface Dictionary {
  texts: string[];
  bytes: number[];
}

export interface PageOfTexts {
  encoding: number;
  /** Number of texts, without absent ones. */
  count: number;
  /** The chunk's dictionary, if it has one. */
  dictionary: Dictionary | null;
  decode: Decode;
  /** Receives the size of repetitions before they are made. */
  unfolding: Unfolding;
}

/** @throws Error when the page does not hold them all */
export function* textsOfPage(bytes: Buffer, page: PageOfTexts): Generator<string> {
  const { encoding, count, decode } = page;
  switch (encoding) {
    case PLAIN:
      for (const text of plainTexts(bytes, count)) yield decode(text);
      return;
    case PLAIN_DICTIONARY:
    case RLE_DICTIONARY:
      yield* dictionaryTexts(bytes, page);
      return;
    case DELTA_LENGTH_BYTE_ARRAY:
      for (const text of deltaLength(bytes, count)) yield decode(text);
      return;
    case DELTA_BYTE_ARRAY:
      yield* sharedPrefixes(bytes, page);
      return;
    default:
      throw new Error(`a page has the encoding ${encoding}, which this program cannot read as text`);
  }
}

export function plainDictionary(
  page: Buffer,
  count: number,
  decode: Decode,
  unfolding: Unfolding,
): Dictionary {
  unfolding.add(count * BUDGET.leastText);
  const dictionary: Dictionary = { texts: [], bytes: [] };
  for (const text of plainTexts(page, count)) {
    dictionary.texts.push(decode(text));
    dictionary.bytes.push(text.length);
  }
  return dictionary;
}

/** Length, bytes; length, bytes … */
function* plainTexts(bytes: Buffer, count: number): Generator<Buffer> {
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw beyond();
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) throw beyond();
    yield bytes.subarray(at + 4, end);
    at = end;
  }
}

function* dictionaryTexts(bytes: Buffer, { count, dictionary, unfolding }: PageOfTexts): Generator<string> {
  if (count === 0) return;
  if (!dictionary) throw new Error('a page refers to a dictionary that is not there');
  if (bytes.length === 0) throw beyond();
  const indices = readRuns(bytes.subarray(1), bytes[0], count);
  let unfolded = 0;
  for (const index of indices) {
    if (index >= dictionary.texts.length) throw new Error('a page refers beyond the end of its dictionary');
    unfolded += dictionary.bytes[index];
  }
  unfolding.add(unfolded);
  for (const index of indices) yield dictionary.texts[index];
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

/** Each text shares a prefix with the previous one. */
function* sharedPrefixes(bytes: Buffer, { count, decode, unfolding }: PageOfTexts): Generator<string> {
  const { numbers: prefixes, end } = readDeltas(bytes, count);
  unfolding.add(prefixes.reduce((sum, shared) => sum + Math.max(0, shared), 0));
  let previous: Buffer = Buffer.alloc(0);
  let i = 0;
  for (const suffix of deltaLength(bytes.subarray(end), count)) {
    const shared = prefixes[i++];
    if (shared < 0 || shared > previous.length) throw beyond();
    previous = shared === 0 ? suffix : Buffer.concat([previous.subarray(0, shared), suffix]);
    yield decode(previous);
  }
}

function beyond(): Error {
  return new Error('a text reaches beyond its page');
}
