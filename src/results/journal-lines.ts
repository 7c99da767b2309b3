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
  values: object[];
  /** Bytes of the lines that are good. */
  bytes: number;
  /** Checksum of them. */
  checksum: number;
  /** Number, from 1, of a line that is damaged although lines follow it; null where there is none. */
  damagedLine: number | null;
}

/** Reads whole lines; a last one that is torn is left out. */
export function readLines(content: Buffer): ReadLines {
  const read: ReadLines = { values: [], bytes: 0, checksum: 0, damagedLine: null };
  const last = content.lastIndexOf(NEWLINE);
  while (read.bytes <= last) {
    const end = content.indexOf(NEWLINE, read.bytes);
    // One character a byte, so that places in the text are places in the file.
    const line = content.toString('latin1', read.bytes, end);
    const match = CHECKSUM.exec(line);
    const body = match && content.subarray(read.bytes, read.bytes + match.index);
    const checksum = body && crc32(body, read.checksum);
    if (checksum === null || checksum !== Number.parseInt(match![1], 16)) {
      if (end < last) read.damagedLine = read.values.length + 1;
      return read;
    }
    read.values.push(JSON.parse(`${body!.toString('utf8')}}`) as object);
    read.checksum = checksum;
    read.bytes = end + 1;
  }
  return read;
}
