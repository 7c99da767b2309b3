/** Lines of a data file, read as they are needed, with their place for messages. */
import { DataError } from '../errors.js';
import { bytesOf, MOST_BYTES_AT_ONCE } from './byte-stream.js';
import { decodeUtf8, withoutByteOrderMark } from './utf8.js';

export interface Line {
  /** Without its end. */
  text: string;
  /** Whether a line end followed: the last line may lack it. */
  ended: boolean;
  /** Counted from 1. */
  number: number;
}

const NEWLINE = 0x0a;

/**
 * @param universal whether `\r\n` and a lone `\r` end a line too, as when Python opens a text file; otherwise only
 * `\n` does   @param most bytes of one line   @throws DataError (not UTF-8, an endless line), FileError
 */
export async function* linesOf(
  path: string,
  { universal, most = MOST_BYTES_AT_ONCE }: { universal: boolean; most?: number },
): AsyncGenerator<Line> {
  let number = 0;
  for await (const { bytes, ended, offset } of byteLines(path, most)) {
    const whole = decodeUtf8(bytes, path, offset);
    const text = number === 0 ? withoutByteOrderMark(whole) : whole;
    if (!universal || !text.includes('\r')) {
      yield { text, ended, number: ++number };
      continue;
    }
    const parts = (ended && text.endsWith('\r') ? text.slice(0, -1) : text).split('\r');
    const last = parts.length - 1;
    for (const [i, part] of parts.entries()) {
      if (i < last || ended || part !== '') yield { text: part, ended: i < last || ended, number: ++number };
    }
  }
}

async function* byteLines(
  path: string,
  most: number,
): AsyncGenerator<{ bytes: Buffer; ended: boolean; offset: number }> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let offset = 0;
  for await (const chunk of bytesOf(path)) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, end);
      const bytes = pendingBytes === 0 ? rest : Buffer.concat([...pending, rest]);
      yield { bytes, ended: true, offset };
      offset += bytes.length + 1;
      pending = [];
      pendingBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) {
      pending.push(chunk.subarray(from));
      pendingBytes += chunk.length - from;
    }
    if (pendingBytes > most) {
      throw new DataError({
        code: 'data-too-large',
        message: `${path} has a line longer than ${Math.floor(most / 2 ** 20)} MiB.`,
        hint: 'Give one text a line.',
      });
    }
  }
  if (pendingBytes > 0) yield { bytes: Buffer.concat(pending), ended: false, offset };
}
