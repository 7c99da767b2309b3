import { describe, expect, it } from 'vitest';
import { CompactReader, UnfinishedStruct } from '../../src/datasets/parquet/compact-protocol.js';

const reader = (...bytes: number[]) => new CompactReader(Uint8Array.from(bytes));

describe('a header in the compact protocol', () => {
  it('gives the fields that are asked for and steps over every other', () => {
    const found: unknown[] = [];
    const header = reader(
      ...[0x11, 0x12], // 1: true, 2: false
      ...[0x13, 7], // 3: a byte
      ...[0x15, 0x03], // 4: −2
      ...[0x17, 0, 0, 0, 0, 0, 0, 0, 0], // 5: a double
      ...[0x18, 2, 0x68, 0x69], // 6: "hi"
      ...[0x19, 0x21, 1, 2], // 7: a list of two truths
      ...[0x1a, 0x15, 4], // 8: a set of one number
      ...[0x1c, 0x15, 2, 0], // 9: a struct
      ...[0x06, 0x28, 0x80, 0x80, 0x04], // 20, in full: 32768
      ...[0x19, 0xf5, 15, ...new Array(15).fill(2)], // 21: a list of 15 ones
      0,
    );
    const list: number[] = [];
    header.struct({
      1: (type) => found.push(type),
      4: (type) => found.push(header.number(type)),
      6: (type) => found.push(header.text(type)),
      20: (type) => found.push(header.number(type)),
      21: (type) => header.list(type, (inner) => list.push(header.number(inner))),
    });
    expect(found).toEqual([1, -2, 'hi', 32768]);
    expect(list).toEqual(new Array(15).fill(1));
    expect(() => header.struct({})).toThrow(UnfinishedStruct);
  });

  it.each([
    ['a field', [0x15]],
    ['a number', [0x15, 0x80]],
    ['a text', [0x18, 9, 1]],
    ['a list', [0x19, 0xf5, 99]],
    ['a struct in it', [0x1c, 0x15, 2]],
  ])('that ends inside %s says so', (_what, bytes) => {
    expect(() => reader(...bytes).struct({})).toThrow(UnfinishedStruct);
  });

  it('of other types than the format says is refused', () => {
    const asked = (bytes: number[], take: (header: CompactReader, type: number) => void) => () => {
      const header = reader(...bytes);
      header.struct({ 1: (type) => take(header, type) });
    };
    const wrong = /another type than the format says/;
    expect(asked([0x18, 0, 0], (header, type) => header.number(type))).toThrow(wrong);
    expect(asked([0x15, 0, 0], (header, type) => header.binary(type))).toThrow(wrong);
    expect(asked([0x15, 0, 0], (header, type) => header.list(type, () => {}))).toThrow(wrong);
    expect(asked([0x15, 0, 0], (header, type) => header.inner(type, {}))).toThrow(wrong);
    expect(() => reader(0x1b, 0, 0).struct({})).toThrow(wrong); // a map
  });

  it('without end or sense is refused', () => {
    expect(() => reader(...new Array(99).fill(0x1c)).struct({})).toThrow(/nested too deep/);
    expect(() => reader(0x19, ...new Array(99).fill(0x19)).struct({})).toThrow(/nested too deep/);
    expect(() => reader(0x15, ...new Array(11).fill(0xff)).struct({})).toThrow(/more than ten bytes/);
    const large = reader(0x16, ...new Array(9).fill(0xff), 0x01);
    expect(() => large.struct({ 1: (type) => large.number(type) })).toThrow(/no sensible size/);
  });
});
