/**
 * The lines of a journal: JSON objects whose last member, `crc32`, is the checksum of all lines up to this point,
 * including the text of its own line before it. So altered, moved, repeated and lost lines are detected; only the last line
 * may be torn.
 */
import { crc32 } from 'node:zlib';

const NEWLINE = 0x0a;
const CHECKSUM = /,?"crc32":"([0-9a-f]{8})"\}$/;

export interface WrittenLine {
  line: string;
  /** The checksum so far, from which that of the next line continues. */
  checksum: number;
}

/** @param before checksum of the previous lines, 0 for the first */
export function writeLine(value: object, before: number): WrittenLine {
  const body = JSON.stringify(value).slice(0, -1);
  const checksum = crc32(body, before);
  const member = `"crc32":"${checksum.toString(16).padStart(8, '0')}"}`;
  return { line: `${body}${body === '{' ? '' : ','}${member}\n`, checksum };
}

export interface ReadLines {
  /** Number of intact lines. */
  lines: number;
  /** Bytes of the intact lines. */
  bytes: number;
  /** Checksum of the intact lines. */
  checksum: number;
  /** Number, from 1, of a damaged line before the last; null if there is none. */
  damagedLine: number | null;
}

/** Reads whole lines; a torn last line is skipped.
 *  @param content in pieces of any size, which may reuse the same memory
 *  @param onValue called with the object of each intact line, in order */
export function readLines(content: Iterable<Buffer>, onValue: (value: object) => void): ReadLines {
  const read: ReadLines = { lines: 0, bytes: 0, checksum: 0, damagedLine: null };
  let isDamaged = false;
  for (const line of wholeLines(content)) {
    if (isDamaged) return { ...read, damagedLine: read.lines + 1 };
    const found = readLine(line, read.checksum);
    if (found === null) {
      isDamaged = true; // harmless if this is the last line
      continue;
    }
    read.lines++;
    read.bytes += line.length + 1;
    read.checksum = found.checksum;
    onValue(found.value);
  }
  return read;
}

function readLine(bytes: Buffer, before: number): { value: object; checksum: number } | null {
  // One character per byte, so that offsets in the text are offsets in the file.
  const match = CHECKSUM.exec(bytes.toString('latin1'));
  if (!match) return null;
  const body = bytes.subarray(0, match.index);
  const checksum = crc32(body, before);
  if (checksum !== Number.parseInt(match[1], 16)) return null;
  return { value: JSON.parse(`${body.toString('utf8')}}`) as object, checksum };
}

/** Lines without line ends; text after the last line end is dropped. */
function* wholeLines(content: Iterable<Buffer>): Generator<Buffer> {
  let begun: Buffer[] = [];
  for (const piece of content) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      const rest = piece.subarray(start, end);
      yield begun.length > 0 ? Buffer.concat([...begun, rest]) : rest;
      begun = [];
      start = end + 1;
    }
    if (start < piece.length) begun.push(Buffer.from(piece.subarray(start))); // a copy
  }
}
