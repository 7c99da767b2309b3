/**
 * The lines of a journal: JSON objects whose last member, `crc32`, is the checksum of all lines up to there, this one's
 * text before it included. So a line that was altered, moved, doubled or lost is told from one that was written, and the
 * last line alone may be torn.
 */
import { crc32 } from 'node:zlib';

const NEWLINE = 0x0a;
const CHECKSUM = /,?"crc32":"([0-9a-f]{8})"\}$/;

export interface WrittenLine {
  line: string;
  /** What the next line's checksum begins with. */
  checksum: number;
}

/** @param before checksum of the lines before, 0 for the first */
export function writeLine(value: object, before: number): WrittenLine {
  const body = JSON.stringify(value).slice(0, -1);
  const checksum = crc32(body, before);
  const member = `"crc32":"${checksum.toString(16).padStart(8, '0')}"}`;
  return { line: `${body}${body === '{' ? '' : ','}${member}\n`, checksum };
}

export interface ReadLines {
  /** How many are good. */
  lines: number;
  /** Bytes of them. */
  bytes: number;
  /** Checksum of them. */
  checksum: number;
  /** Number, from 1, of a line that is damaged although lines follow it; null where there is none. */
  damagedLine: number | null;
}

/** Reads whole lines; a last one that is torn is left out.
 *  @param content in pieces of any size, whose memory may be used again for the next   @param onValue told each good line's object, in order */
export function readLines(content: Iterable<Buffer>, onValue: (value: object) => void): ReadLines {
  const read: ReadLines = { lines: 0, bytes: 0, checksum: 0, damagedLine: null };
  let isDamaged = false;
  for (const line of wholeLines(content)) {
    if (isDamaged) return { ...read, damagedLine: read.lines + 1 };
    const found = readLine(line, read.checksum);
    if (found === null) {
      isDamaged = true; // which is no harm when it was the last
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
  // One character a byte, so that places in the text are places in the file.
  const match = CHECKSUM.exec(bytes.toString('latin1'));
  if (!match) return null;
  const body = bytes.subarray(0, match.index);
  const checksum = crc32(body, before);
  if (checksum !== Number.parseInt(match[1], 16)) return null;
  return { value: JSON.parse(`${body.toString('utf8')}}`) as object, checksum };
}

/** Without their ends; what follows the last end is left out. */
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
