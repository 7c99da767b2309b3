/** About src/models/architectures/block-diffusion.ts */
import type ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import {
  emptyPast,
  float32,
  int64,
  largestDifference,
  networkGraph,
  numbers,
  oracle,
  sessionOf,
} from './networks.js';

const { vocabSize } = oracle.dimensions;
const LENGTH = 8;
const dimensions = (blockSize: number) => ({ ...oracle.dimensions, length: LENGTH, blockSize });
const MASK = vocabSize - 1;
const clean = [
  [3, 1, 4, 1, 5, 9, 2, 6],
  [2, 7, 1, 8, 2, 8, 1, 8],
];
const noisy = clean.map((row, b) => row.map((token, l) => ((3 * l + b) % 4 < 2 ? MASK : token)));
const sigma = float32([0, 0], [2]);
const counted = Array.from({ length: LENGTH }, (_, l) => l);

/** The checkpoint's logits of noisy tokens followed by clean ones: those of the noisy, [2 · LENGTH · vocab]. */
async function doubled(blockSize: number, z = noisy, x = clean): Promise<Float32Array> {
  const network = await sessionOf(await networkGraph('blocks', dimensions(blockSize)));
  const { logits } = await network.run({
    input_ids: int64(z.map((row, b) => [...row, ...x[b]])),
    position_ids: int64(z.map(() => [...counted, ...counted])),
    token_type_ids: int64(z.map(() => [...counted.map(() => 0), ...counted.map(() => 1)])),
    sigma,
    ...emptyPast(dimensions(blockSize), z.length),
  });
  return firstHalves(logits, z.length);
}

function firstHalves(logits: ort.Tensor, batch: number): Float32Array {
  const half = LENGTH * vocabSize;
  const all = numbers(logits);
  return Float32Array.from(
    Array.from({ length: batch }, (_, b) => Array.from(all.slice(2 * b * half, (2 * b + 1) * half))).flat(),
  );
}

it('one block is the plain diffusion transformer, which never reads the clean text', async () => {
  const plain = await sessionOf(await networkGraph('dit', dimensions(LENGTH)));
  const { logits } = await plain.run({ input_ids: int64(noisy), sigma });
  expect(largestDifference(await doubled(LENGTH), numbers(logits))).toBeLessThan(1e-5);
});

it.each([1, 2, 4])('a network is trained as it is exported: blocks of %i', async (blockSize) => {
  const trained = await sessionOf(await networkGraph('trainedBlocks', dimensions(blockSize)));
  const { logits } = await trained.run({ input_ids: int64(noisy), clean_ids: int64(clean), sigma });
  expect(largestDifference(firstHalves(logits, 2), await doubled(blockSize))).toBeLessThan(1e-5);
});

it.each([1, 2, 4])(
  'no block of %i knows its own clean text or later ones; all know what is before',
  async (size) => {
    const before = await doubled(size);
    for (let changed = 0; changed < LENGTH; changed++) {
      const other = clean.map((row) => row.map((token, l) => (l === changed ? (token + 1) % MASK : token)));
      const after = await doubled(size, noisy, other);
      for (let l = 0; l < LENGTH; l++) {
        const row = (logits: Float32Array) => logits.slice(l * vocabSize, (l + 1) * vocabSize);
        const moved = largestDifference(row(before), row(after));
        if (Math.floor(l / size) > Math.floor(changed / size)) expect(moved).toBeGreaterThan(1e-4);
        else expect(moved).toBe(0);
      }
    }
  },
);

it.each([1, 2, 4])('a block of %i sees the noisy tokens of its own block alone', async (size) => {
  const before = await doubled(size);
  for (let changed = 0; changed < LENGTH; changed++) {
    const other = noisy.map((row) => row.map((token, l) => (l === changed ? (token + 1) % MASK : token)));
    const after = await doubled(size, other);
    for (let l = 0; l < LENGTH; l++) {
      const row = (logits: Float32Array) => logits.slice(l * vocabSize, (l + 1) * vocabSize);
      const moved = largestDifference(row(before), row(after));
      if (Math.floor(l / size) === Math.floor(changed / size)) expect(moved).toBeGreaterThan(1e-4);
      else expect(moved).toBe(0);
    }
  }
});
