/**
 * Thrift's compact protocol, as far as Parquet uses it: callers read the fields whose numbers they know and skip the rest.
 * No allocation depends on a declared size, so a wrong size costs no memory.
 */
import { BUDGET } from '../budget.js';

/** The bytes end inside a value; more bytes may help. */
export class UnfinishedStruct extends Error {
  constructor() {
    super('it ends inside a header');
  }
}

const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const STRUCT = 12;

/** Reads the whole value of a field. */
export type FieldReader = (type: number) => void;

export class CompactReader {
  private depth = 0;

  constructor(
    private readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  /** Reads a struct: `fields` by number; skips the others. */
  struct(fields: Readonly<Record<number, FieldReader>>): void {
    if (++this.depth > BUDGET.headerDepth) throw new Error('its headers are nested too deep');
    let field = 0;
    for (let head = this.byte(); head !== 0; head = this.byte()) {
      field = head >> 4 ? field + (head >> 4) : this.integer();
      const type = head & 15;
      const read = fields[field];
      if (read) read(type);
      else this.skip(type);
    }
    this.depth--;
  }

  /** Reads a list, element by element. */
  list(type: number, element: FieldReader): void {
    if (type !== LIST) throw mistyped();
    const { size, elementType } = this.listHead();
    for (let i = 0; i < size; i++) element(elementType);
  }

  /** A whole number of 16, 32 or 64 bits. */
  number(type: number): number {
    if (type <= BYTE || type > I64) throw mistyped();
    return this.integer();
  }

  binary(type: number): Uint8Array {
    if (type !== BINARY) throw mistyped();
    const size = this.varint();
    const start = this.at;
    this.advance(size);
    return this.bytes.subarray(start, this.at);
  }

  text(type: number): string {
    return Buffer.from(this.binary(type)).toString('utf8');
  }

  /** A struct inside a field or list. */
  inner(type: number, fields: Readonly<Record<number, FieldReader>>): void {
    if (type !== STRUCT) throw mistyped();
    this.struct(fields);
  }

  private skip(type: number): void {
    if (type === TRUE || type === FALSE) return; // the value is the type
    if (type === BYTE) this.advance(1);
    else if (type <= I64) this.varint();
    else if (type === DOUBLE) this.advance(8);
    else if (type === BINARY) this.advance(this.varint());
    else if (type === STRUCT) this.struct({});
    else if (type === LIST || type === SET) this.skipList();
    else throw mistyped();
  }

  private skipList(): void {
    if (++this.depth > BUDGET.headerDepth) throw new Error('its headers are nested too deep');
    const { size, elementType } = this.listHead();
    // In lists, a boolean takes a byte.
    for (let i = 0; i < size; i++) this.skip(elementType <= FALSE ? BYTE : elementType);
    this.depth--;
  }

  private listHead(): { size: number; elementType: number } {
    const head = this.byte();
    const size = head >> 4 === 15 ? this.varint() : head >> 4;
    if (size > this.bytes.length - this.at) throw new UnfinishedStruct(); // each element takes at least one byte
    return { size, elementType: head & 15 };
  }

  /** ZigZag: 0, −1, 1, −2, … */
  private integer(): number {
    const folded = this.varint();
    const value = folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
    if (!Number.isSafeInteger(value)) throw new Error('a header has a number of no sensible size');
    return value;
  }

  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    throw new Error('a header has a number of more than ten bytes');
  }

  private byte(): number {
    if (this.at >= this.bytes.length) throw new UnfinishedStruct();
    return this.bytes[this.at++];
  }

  private advance(count: number): void {
    if (count > this.bytes.length - this.at) throw new UnfinishedStruct();
    this.at += count;
  }
}

function mistyped(): Error {
  return new Error('a header has a field of another type than the format says');
}
