/**
 * The lines of a journal: JSON objects whose last member, `crc32`, is the checksum of all lines up to this point,
 * including the text of its own line before it. So altered, moved, repeated and lost lines are detected.
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

/** Reads whole lines up to the first that is damaged, torn or out of place; nothing after it can be trusted.
 *  @param content in pieces of any size, which may reuse the same memory
 *  @param onValue called with the object of each intact line, in order */
export function readLines(content: Iterable<Buffer>, onValue: (value: object) => void): void {
  let checksum = 0;
  for (const line of wholeLines(content)) {
    const found = readLine(line, checksum);
    if (found === null) return;
    checksum = found.checksum;
    onValue(found.value);
  }
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
