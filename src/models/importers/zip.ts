/**
 * Zip archives as PyTorch writes them: members are not compressed, so a tensor can be read in place. Only the directory is
 * read, with zip64 for sizes past 4 GB.
 */
import { closeSync, fstatSync } from 'node:fs';
import { ModelError } from '../../errors.js';
import { fill, openOrFail } from './stored-tensor.js';

export interface Member {
  name: string;
  /** Offset of its bytes in the file, and their number. */
  offset: number;
  bytes: number;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const END_64_LOCATOR = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const EXTRA_64 = 1;
const FULL_32 = 0xffffffff;
const LONGEST_COMMENT = 0xffff;
const LARGEST_DIRECTORY = 1 << 26;

/** @throws ModelError `broken-archive` */
export function readArchive(path: string): Map<string, Member> {
  const file = openOrFail(path);
  try {
    const archive = new Archive(file, path, fstatSync(file).size);
    return archive.members();
  } finally {
    closeSync(file);
  }
}

/** The bytes of a member. @throws ModelError when it has more than `most` */
export function readMember(path: string, { name, offset, bytes }: Member, most: number): Buffer {
  if (bytes > most) throw brokenArchive(path, `its member ${name} has ${bytes} bytes, more than ${most}`);
  const file = openOrFail(path);
  try {
    const content = Buffer.alloc(bytes);
    fill(file, path, content, offset);
    return content;
  } finally {
    closeSync(file);
  }
}

class Archive {
  constructor(
    private readonly file: number,
    private readonly path: string,
    private readonly size: number,
  ) {}

  members(): Map<string, Member> {
    const { offset, bytes, count } = this.directory();
    if (bytes > LARGEST_DIRECTORY) throw this.broken(`its directory has ${bytes} bytes`);
    const directory = this.read(offset, bytes);
    const members = new Map<string, Member>();
    let at = 0;
    for (let i = 0; i < count; i++) {
      if (at + ENTRY_BYTES > bytes || directory.readUInt32LE(at) !== ENTRY) {
        throw this.broken(`its directory ends at the member ${i} of ${count}`);
      }
      const [name, extra, comment] = [28, 30, 32].map((place) => directory.readUInt16LE(at + place));
      const next = at + ENTRY_BYTES + name + extra + comment;
      if (next > bytes) throw this.broken(`its directory is cut off at the member ${i}`);
      const member = this.member(directory.subarray(at, next), name, extra);
      if (members.has(member.name)) throw this.broken(`it has two members ${member.name}`);
      members.set(member.name, member);
      at = next;
    }
    return members;
  }

  private directory(): { offset: number; bytes: number; count: number } {
    const tail = this.read(
      Math.max(0, this.size - END_BYTES - LONGEST_COMMENT - LOCATOR_BYTES),
      Math.min(this.size, END_BYTES + LONGEST_COMMENT + LOCATOR_BYTES),
    );
    let at = tail.length - END_BYTES;
    while (at >= 0 && tail.readUInt32LE(at) !== END) at--;
    if (at < 0) throw this.broken('it has no directory at its end: it is cut off');
    const short = {
      count: tail.readUInt16LE(at + 10),
      bytes: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
    const isLong = short.count === 0xffff || short.bytes === FULL_32 || short.offset === FULL_32;
    if (!isLong || at < LOCATOR_BYTES || tail.readUInt32LE(at - LOCATOR_BYTES) !== END_64_LOCATOR)
      return short;
    const place = this.number(tail, at - LOCATOR_BYTES + 8);
    const end = this.read(place, 56);
    if (end.readUInt32LE(0) !== END_64) throw this.broken('its directory is not where it should be');
    return { count: this.number(end, 32), bytes: this.number(end, 40), offset: this.number(end, 48) };
  }

  private member(entry: Buffer, nameLength: number, extraLength: number): Member {
    const name = entry.toString('utf8', ENTRY_BYTES, ENTRY_BYTES + nameLength);
    if (entry.readUInt16LE(8) & 1) throw this.broken(`its member ${name} is encrypted`);
    if (entry.readUInt16LE(10) !== 0)
      throw this.broken(`its member ${name} is compressed, which PyTorch does not do`);
    const extra = entry.subarray(ENTRY_BYTES + nameLength, ENTRY_BYTES + nameLength + extraLength);
    const long = this.longNumbers(extra);
    const wide = (value: number): number => {
      if (value !== FULL_32) return value;
      const next = long.shift();
      if (next === undefined) throw this.broken(`the size of its member ${name} is missing`);
      return next;
    };
    const size = wide(entry.readUInt32LE(24));
    const stored = wide(entry.readUInt32LE(20));
    const header = wide(entry.readUInt32LE(42));
    if (size !== stored) throw this.broken(`its member ${name} has two sizes`);
    const local = this.read(header, LOCAL_BYTES);
    if (local.readUInt32LE(0) !== LOCAL) throw this.broken(`its member ${name} is not where it should be`);
    const offset = header + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
    if (offset + size > this.size) throw this.broken(`its member ${name} ends past the end of the file`);
    return { name, offset, bytes: size };
  }

  /** The 64-bit numbers of an entry's extra field, in order: size, stored size, offset. */
  private longNumbers(extra: Buffer): number[] {
    for (let at = 0; at + 4 <= extra.length; ) {
      const length = extra.readUInt16LE(at + 2);
      const body = extra.subarray(at + 4, at + 4 + length);
      if (extra.readUInt16LE(at) === EXTRA_64) {
        return Array.from({ length: Math.floor(body.length / 8) }, (_, i) => this.number(body, 8 * i)).slice(
          0,
          3,
        );
      }
      at += 4 + length;
    }
    return [];
  }

  private number(bytes: Buffer, at: number): number {
    const value = bytes.readBigUInt64LE(at);
    if (value > BigInt(this.size)) throw this.broken(`it names the byte ${value} of ${this.size}`);
    return Number(value);
  }

  private read(offset: number, bytes: number): Buffer {
    if (offset + bytes > this.size) throw this.broken(`it names the byte ${offset + bytes} of ${this.size}`);
    const content = Buffer.alloc(bytes);
    fill(this.file, this.path, content, offset);
    return content;
  }

  private broken(why: string): ModelError {
    return brokenArchive(this.path, why);
  }
}

function brokenArchive(path: string, why: string): ModelError {
  return new ModelError({
    code: 'broken-archive',
    message: `${path} cannot be used: ${why}.`,
    hint: 'Get the file again, or save it again with a current PyTorch.',
  });
}
