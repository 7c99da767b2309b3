import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../src/graph/read.js';
import { temporaryFolder } from '../support/folder.js';

const MiB = 2 ** 20;

/** Lengths in the wire format: field 7 (the graph) of that many bytes, after an ir_version. */
const header = (length: bigint) => {
  const bytes = [0x08, 0x0a, 0x3a];
  for (let rest = length; ; rest >>= 7n) {
    const last = rest < 0x80n;
    bytes.push(Number(rest & 0x7fn) | (last ? 0 : 0x80));
    if (last) return Buffer.from(bytes);
  }
};

function sparseFile(start: Buffer, size: number): string {
  const path = join(temporaryFolder().root, 'large.onnx');
  const file = openSync(path, 'w');
  writeSync(file, start);
  ftruncateSync(file, size);
  closeSync(file);
  return path;
}

function memoryWhileRefusing(path: string, code: string): number {
  const before = process.memoryUsage();
  let seen = '';
  try {
    readModelFile(path);
  } catch (error) {
    seen = (error as { code: string }).code;
  }
  expect(seen).toBe(code);
  const after = process.memoryUsage();
  return after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
}

describe('a length that a file declares', () => {
  it.each([2n ** 31n, 2n ** 40n, 2n ** 62n])('of %d bytes, which are not there, is refused', (length) => {
    const path = sparseFile(header(length), 4096);
    expect(memoryWhileRefusing(path, 'truncated-model')).toBeLessThan(16 * MiB);
  });

  it('of 3 GB, which are there as zeros, is refused without reading them', () => {
    const size = 3 * 2 ** 30;
    const start = header(BigInt(size - 16));
    const path = sparseFile(start, size);
    expect(memoryWhileRefusing(path, 'truncated-model')).toBeLessThan(16 * MiB);
  });

  it('of a graph that is not made of weights is refused before it is read', () => {
    // ir_version, then field 2 (the producer) of 1 GB.
    const size = 2 ** 30;
    const path = sparseFile(
      Buffer.concat([Buffer.from([0x08, 0x0a, 0x12]), header(BigInt(size)).subarray(3)]),
      size + 64,
    );
    expect(memoryWhileRefusing(path, 'graph-too-large')).toBeLessThan(16 * MiB);
  });
});
