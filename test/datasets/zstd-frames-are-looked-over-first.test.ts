import { describe, expect, it } from 'vitest';
import { checkZstdFrame } from '../../src/datasets/parquet/decompress.js';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const block = (type: number, size: number, last: boolean) => {
  const head = size * 8 + type * 2 + (last ? 1 : 0);
  return [head & 255, (head >> 8) & 255, head >> 16];
};
/** One segment that says it unpacks to `size` < 256 bytes, in one raw block. */
const raw = (size: number, held = size) => [
  ...MAGIC,
  0x20,
  size,
  ...block(0, held, true),
  ...new Array(held).fill(7),
];
const check = (bytes: number[], size: number) => () => checkZstdFrame(Buffer.from(bytes), size);

describe('a Zstandard frame', () => {
  it('passes when it is what the page says', () => {
    expect(check(raw(9), 9)).not.toThrow();
    // A window of 8 MiB, no content size, a checksum.
    const streamed = [...MAGIC, 0x04, 13 << 3, ...block(1, 9, true), 7, 1, 2, 3, 4];
    expect(check(streamed, 9)).not.toThrow();
    // Content sizes of two and four bytes.
    const long = (flag: number, size: number[]) => [
      ...MAGIC,
      0x20 | flag,
      ...size,
      ...block(1, 300, true),
      7,
    ];
    expect(check(long(0x40, [44, 0]), 300)).not.toThrow();
    expect(check(long(0x80, [44, 1, 0, 0]), 300)).not.toThrow();
  });

  it.each([
    ['another format', [...new Array(9).fill(1)], 9, /not compressed by ZSTD/],
    ['another content size', raw(9), 10, /unpacks to 9 bytes, not to 10/],
    ['a frame cut short', raw(9).slice(0, 7), 9, /cut short/],
    ['a block cut short', raw(9).slice(0, 12), 9, /another length than it says/],
    ['bytes behind its end', [...raw(9), 0], 9, /another length than it says/],
    ['a window of a GiB', [...MAGIC, 0, 20 << 3, ...block(1, 9, true), 7], 9, /too much memory/],
    ['a block of a reserved type', [...MAGIC, 0x20, 9, ...block(3, 1, true)], 9, /broken block/],
    ['a block of 1 MiB', [...MAGIC, 0x20, 9, ...block(1, 2 ** 20, true), 7], 9, /broken block/],
    [
      'ten thousand blocks of nothing',
      [...MAGIC, 0x20, 9, ...new Array(10_000).fill(block(0, 0, false)).flat()],
      9,
      /more blocks/,
    ],
  ] as [string, number[], number, RegExp][])('%s is refused', (_what, bytes, size, says) => {
    expect(check(bytes, size)).toThrow(says);
  });
});
