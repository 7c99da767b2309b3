/**
 * Bytes to text, strictly: text that is not UTF-8 is an error that names the byte, because a silent replacement
 * character would be scored as if it had been written.
 */
import { isUtf8 } from 'node:buffer';
import { DataError } from '../errors.js';

/** @param offset position of `bytes` in the file, for the message   @throws DataError */
export function decodeUtf8(bytes: Buffer, path: string, offset = 0): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  const at = offset + validPrefixLength(bytes);
  throw new DataError({
    code: 'invalid-utf8',
    message: `${path} is not UTF-8 text: the byte at offset ${at} cannot stand there.`,
    hint: 'Convert it first, for example: iconv -f latin1 -t utf-8.',
  });
}

/** Drops a byte order mark, which is no part of the text. */
export function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** Bytes before the first character that is not UTF-8. */
function validPrefixLength(bytes: Buffer): number {
  for (let i = 0; i < bytes.length; ) {
    const length = bytes[i] < 0x80 ? 1 : bytes[i] < 0xe0 ? 2 : bytes[i] < 0xf0 ? 3 : 4;
    if (i + length > bytes.length || !isUtf8(bytes.subarray(i, i + length))) return i;
    i += length;
  }
  return bytes.length;
}
