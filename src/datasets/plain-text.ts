/** A .txt file: one text, as it is. */
import { wholeFile } from './byte-stream.js';
import { decodeUtf8, withoutByteOrderMark } from './utf8.js';

export async function* plainText(path: string): AsyncGenerator<string> {
  yield withoutByteOrderMark(decodeUtf8(await wholeFile(path), path));
}
