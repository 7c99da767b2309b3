/** Lines of a data file, read on demand, with their numbers for messages. */
import { DataError } from '../errors.js';
import { BUDGET } from './budget.js';
import { decodeUtf8, utf8BytesOf, withoutByteOrderMark } from './utf8.js';

export interface Line {
  /** Without its line end. */
  text: string;
  /** Whether a line end follows: the last line may lack it. */
  ended: boolean;
  /** Counted from 1. */
  number: number;
}

export interface LineRules {
  /** Whether `\r\n` and a lone `\r` end a line too, as when Python opens a text file; otherwise only `\n` does. */
  universal: boolean;
  /** Most bytes of one line. */
  most?: number;
}

const NEWLINE = 0x0a;

/** @throws DataError (not UTF-8, an endless line), FileError */
export async function* linesOf(path: string, rules: LineRules): AsyncGenerator<Line> {
  for await (const lines of batchesOfLines(path, rules)) yield* lines;
}

/** As {@link linesOf}, in batches of what one read returned: awaiting each line takes longer than reading it. */
export async function* batchesOfLines(
  path: string,
  { universal, most = BUDGET.text }: LineRules,
): AsyncGenerator<Line[]> {
  let number = 0;
  for await (const { bytes, offset, ended } of wholeLines(path, most)) {
    const decoded = decodeUtf8(bytes, path, offset);
    const text = offset === 0 ? withoutByteOrderMark(decoded) : decoded;
    const texts = universal ? universalLines(text, ended) : text.split('\n');
    const last = texts.length - 1;
    // What follows the last line end is a line only if it is not empty.
    if (!ended && texts[last] === '') texts.length--;
    yield texts.map((line, i) => ({ text: line, ended: ended || i < last, number: ++number }));
  }
}

/** @param ended whether `\n` follows */
function universalLines(text: string, ended: boolean): string[] {
  return (ended && text.endsWith('\r') ? text.slice(0, -1) : text).split(/\r\n|[\r\n]/);
}

/** The bytes of some lines, without the last line end: `ended` says whether there is one. */
async function* wholeLines(
  path: string,
  most: number,
): AsyncGenerator<{ bytes: Buffer; offset: number; ended: boolean }> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let offset = 0;
  for await (const chunk of utf8BytesOf(path)) {
    const end = chunk.lastIndexOf(NEWLINE);
    if (pendingBytes + (end < 0 ? chunk.length : chunk.indexOf(NEWLINE)) > most) {
      throw new DataError({
        code: 'data-too-large',
        message: `${path} has a line longer than ${Math.floor(most / 2 ** 20)} MiB.`,
        hint: 'Give one text a line.',
      });
    }
    if (end >= 0) {
      const bytes = Buffer.concat([...pending, chunk.subarray(0, end)]);
      yield { bytes, offset, ended: true };
      offset += bytes.length + 1;
      pending = [];
      pendingBytes = 0;
    }
    pending.push(chunk.subarray(end + 1));
    pendingBytes += chunk.length - (end + 1);
  }
  if (pendingBytes > 0) yield { bytes: Buffer.concat(pending), offset, ended: false };
}
