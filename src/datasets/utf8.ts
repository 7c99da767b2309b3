/**
 * Strict decoding: invalid bytes are an error that names their position, because a silent replacement character would be
 * scored as if it were text. Text is UTF-8, or UTF-16 if a byte order mark says so.
 */
import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { DataError } from '../errors.js';
import { bytesOf, HEAD_BYTES } from './byte-stream.js';

/**
 * The bytes of a text file, converted to UTF-8 if necessary. @see bytesOf
 * @throws DataError for UTF-16 that is invalid or unmarked, and for UTF-32
 */
export async function* utf8BytesOf(path: string): AsyncGenerator<Buffer> {
  let decoder: TextDecoder | null | undefined;
  for await (const chunk of bytesOf(path)) {
    if (decoder === undefined) decoder = decoderFor(chunk, path);
    yield decoder ? fromUtf16(decoder, chunk, path) : chunk;
  }
  if (decoder) fromUtf16(decoder, null, path);
}

/** @param offset position of `bytes` in the file, for the message   @throws DataError */
export function decodeUtf8(bytes: Buffer, path: string, offset = 0): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  const at = offset + validPrefixLength(bytes);
  throw new DataError({
    code: 'invalid-utf8',
    message: `${path} is not UTF-8 text: the byte at offset ${at} cannot stand there.`,
    hint: 'Find out which encoding it has (the command file guesses), then convert it: iconv -f ENCODING -t utf-8.',
  });
}

/** Drops a byte order mark, which is not part of the text. */
export function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** @param head the first bytes of a file   @returns null for UTF-8   @throws DataError */
function decoderFor(head: Buffer, path: string): TextDecoder | null {
  const marks = head.toString('hex', 0, 4);
  if (marks === 'fffe0000' || marks === '0000feff') throw otherEncoding(path, 'utf-32');
  if (marks.startsWith('fffe')) return new TextDecoder('utf-16le', { fatal: true });
  if (marks.startsWith('feff')) return new TextDecoder('utf-16be', { fatal: true });
  const [even, odd] = nulsIn(head.subarray(0, HEAD_BYTES));
  const many = Math.max(4, Math.min(head.length, HEAD_BYTES) / 4);
  if (even === 0 && odd >= many) throw otherEncoding(path, 'utf-16le');
  if (odd === 0 && even >= many) throw otherEncoding(path, 'utf-16be');
  return null;
}

/** NULs at even and at odd positions. Each Latin letter in UTF-16 has one, and would pass for UTF-8 without a mark. */
function nulsIn(bytes: Buffer): [even: number, odd: number] {
  const nuls: [number, number] = [0, 0];
  for (const [i, byte] of bytes.entries()) if (byte === 0) nuls[i % 2]++;
  return nuls;
}

/** @param chunk null at the end of the file */
function fromUtf16(decoder: TextDecoder, chunk: Buffer | null, path: string): Buffer {
  try {
    return Buffer.from(chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode());
  } catch (cause) {
    throw new DataError({
      code: 'invalid-utf16',
      message: `${path} begins with the mark of UTF-16 and is not sound UTF-16 text.`,
      hint: 'Download it again, or save it again as UTF-8.',
      cause,
    });
  }
}

function otherEncoding(path: string, encoding: string): DataError {
  return new DataError({
    code: 'unread-encoding',
    message: `${path} is ${encoding.toUpperCase()} text${encoding === 'utf-32' ? '' : ' without a byte order mark'}, which is not read.`,
    hint: `Convert it first: iconv -f ${encoding} -t utf-8.`,
  });
}

/** Number of bytes before the first invalid character. */
function validPrefixLength(bytes: Buffer): number {
  for (let i = 0; i < bytes.length; ) {
    const length = bytes[i] < 0x80 ? 1 : bytes[i] < 0xe0 ? 2 : bytes[i] < 0xf0 ? 3 : 4;
    if (i + length > bytes.length || !isUtf8(bytes.subarray(i, i + length))) return i;
    i += length;
  }
  return bytes.length;
}
