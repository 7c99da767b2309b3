/** A .txt file: one text, as it is. */
import { whole } from './byte-stream.js';
import type { TextBatches } from './text-source.js';
import { decodeUtf8, utf8BytesOf, withoutByteOrderMark } from './utf8.js';

export async function* plainText(path: string): TextBatches {
  yield [withoutByteOrderMark(decodeUtf8(await whole(utf8BytesOf(path), path), path))];
}
