/** A .txt file: one text, as it is. */
import { statSync } from 'node:fs';
import { BUDGET } from './budget.js';
import { dataTooLarge, isCompressed, whole } from './byte-stream.js';
import type { TextBatches } from './text-source.js';
import { decodeUtf8, utf8BytesOf, withoutByteOrderMark } from './utf8.js';

export async function* plainText(path: string): TextBatches {
  yield [withoutByteOrderMark(decodeUtf8(await whole(utf8BytesOf(path), path), path))];
}

/** Reads the beginning only. @throws DataError for a file that {@link plainText} would refuse for its beginning or its size */
export async function lookAtPlainText(path: string): Promise<void> {
  // UTF-16 may have two bytes where UTF-8 has one.
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (!isCompressed(path) && size > 2 * BUDGET.text) throw dataTooLarge(path, BUDGET.text);
  for await (const _ of utf8BytesOf(path)) return;
}
