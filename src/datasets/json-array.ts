/**
 * Reads a file that is one JSON array, item by item, so memory is that of one item. This code examines only brackets,
 * quotes and commas; the parser decides whether an item is JSON.
 */
import { DataError } from '../errors.js';
import { BUDGET } from './budget.js';
import { decodeUtf8, utf8BytesOf } from './utf8.js';

export interface JsonItem {
  /** Raw text, with surrounding white space. */
  text: string;
  /** Counted from 1. */
  number: number;
}

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\,[]{}');

/** Whether the first character opens an array. */
export async function isJsonArray(path: string): Promise<boolean> {
  for await (const bytes of utf8BytesOf(path)) {
    const at = firstOf(bytes);
    if (at >= 0) return bytes[at] === OPEN_LIST;
  }
  return false;
}

/** @throws DataError for a file that is not an array, an item that is too large or too deep, or text after the array */
export async function* itemsOf(path: string): AsyncGenerator<JsonItem[]> {
  let number = 0;
  /** Open brackets, including the array's own. */
  let depth = 0;
  let isOver = false;
  let inText = false;
  let isEscaped = false;
  /** State of the current item. */
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let offset = 0;
  const fail = (why: string): never => {
    const hint = 'Download or write it again.';
    throw new DataError({ code: 'malformed-json', message: `${path}${why}.`, hint });
  };
  for await (const bytes of utf8BytesOf(path)) {
    const items: JsonItem[] = [];
    let from = depth === 0 ? firstOf(bytes) : 0;
    if (from < 0) from = bytes.length;
    else if (isOver) fail(' has something after the end of its array');
    const endItem = (end: number, isLast: boolean): void => {
      const item = Buffer.concat([...pending, bytes.subarray(from, end)]);
      // An array may be empty, but an item between two commas may not.
      if (!isLast || number > 0 || firstOf(item) >= 0) {
        items.push({ text: decodeUtf8(item, path, offset + end - item.length), number: ++number });
      }
      pending = [];
      pendingBytes = 0;
    };
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i];
      if (inText) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) inText = false;
      } else if (byte === QUOTE) {
        inText = true;
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (++depth > BUDGET.jsonDepth) fail(`, item ${number + 1}, is nested too deep`);
        if (depth === 1) from = i + 1;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        if (--depth > 0) continue;
        if (byte !== CLOSE_LIST) fail(`, item ${number + 1}, has a bracket too many`);
        endItem(i, true);
        isOver = true;
        from = bytes.length;
        if (firstOf(bytes.subarray(i + 1)) >= 0) fail(' has something after the end of its array');
        break;
      } else if (byte === COMMA && depth === 1) {
        endItem(i, false);
        from = i + 1;
      }
    }
    yield items;
    pending.push(bytes.subarray(from));
    pendingBytes += bytes.length - from;
    offset += bytes.length;
    if (pendingBytes > BUDGET.line) {
      throw new DataError({
        code: 'data-too-large',
        message: `${path}, item ${number + 1}, is longer than ${BUDGET.line / 2 ** 20} MiB.`,
        hint: 'Give one text an object.',
      });
    }
  }
  if (!isOver) fail(' ends before its array does');
}

/** Index of the first byte that is neither white space nor part of a byte order mark, or −1. */
function firstOf(bytes: Uint8Array): number {
  const isMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  for (let i = isMark ? 3 : 0; i < bytes.length; i++) {
    if (bytes[i] !== 0x20 && (bytes[i] < 9 || bytes[i] > 13)) return i;
  }
  return -1;
}
