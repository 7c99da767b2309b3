import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projection } from '../../../src/graph/rows.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { importCheckpoint } from '../../../src/models/importers/import-checkpoint.js';
import { transposedChunks } from '../../../src/models/importers/layouts.js';
import { readSafetensors } from '../../../src/models/importers/safetensors.js';
import { storedWeights } from '../../../src/models/stored-weights.js';
import { decodeBfloat16, decodeFloat16, encodeFloat16 } from '../../../src/models/weights/half-precision.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture } from '../../support/run.js';
import {
  converted,
  fileOf,
  folderWith,
  hubConfig,
  largestDifference,
  logitsOf,
  oracle,
} from '../importers/published.js';

describe('numbers of 16 bits', () => {
  it('every float16 survives decoding and encoding', () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const values = new Float32Array(bits.length);
    decodeFloat16(bits, values);
    const again = new Uint16Array(bits.length);
    encodeFloat16(values, again);
    const changed = bits.filter((value, i) => again[i] !== value && !Number.isNaN(values[i]));
    expect([...changed]).toEqual([]);
    expect(values.filter(Number.isNaN).length).toBe(2 * 1023);
  });

  it.each([
    [1 + 2 ** -11, 0x3c00], // half way: to even, down
    [1 + 3 * 2 ** -11, 0x3c02], // half way: to even, up
    [1 + 2 ** -11 + 2 ** -20, 0x3c01],
    [65_519, 0x7bff],
    [65_520, 0x7c00],
    [2 ** -25, 0], // half of the smallest: to even
    [1.5 * 2 ** -24, 2],
    [-(2 ** -14), 0x8400],
    [-0, 0x8000],
    [Number.NEGATIVE_INFINITY, 0xfc00],
  ])('%d is rounded to the nearest float16, ties to even', (value, bits) => {
    const encoded = new Uint16Array(1);
    encodeFloat16(Float32Array.of(value), encoded);
    expect(encoded[0]).toBe(bits);
  });

  it('bfloat16 is the upper half of a float32', () => {
    const values = new Float32Array(3);
    decodeBfloat16(Uint16Array.of(0x3f80, 0xc049, 0x7f80), values);
    expect([...values]).toEqual([1, -3.140625, Number.POSITIVE_INFINITY]);
  });
});

/** A piece is used before the next is asked for. */
const elements = (pieces: Iterable<Float32Array>) => Array.from(pieces, (piece) => [...piece]).flat();

describe('a transpose', () => {
  it.each([1, 24, 50, 1 << 20])('made in bands of %d elements is the transpose', (band) => {
    const tensor = readSafetensors(fileOf('dit.safetensors')).get('backbone.blocks.0.attn_qkv.weight')!;
    const whole = elements(transposedChunks(tensor));
    const banded = elements(transposedChunks(tensor, null, band));
    expect(banded).toEqual(whole);
    expect(whole.length).toBe(24 * 8);
  });
});

describe('what flows into products', () => {
  it.each([
    ['int8', 'int8', 'IntegerProduct', 'int8, activations too'],
    ['int8', 'float32', 'DequantizeLinear', 'int8 with scales'],
    ['int4', 'int8', 'BlockProduct', 'int4 in blocks of 32 with zero points, activations as int8'],
    ['int4', 'float32', 'MatMulNBits', 'int4 in blocks of 32 with zero points'],
  ] as const)(
    'with %s, as %s, is what %s takes, and said by inspect',
    async (dtype, activations, operator, as) => {
      const { path } = await importCheckpoint({
        ...{ source: fixture('mdlm.onnx'), out: join(temporaryFolder().root, 'few.onnx'), dtype },
        rounding: { activations },
      });
      const graph = (await openCheckpoint(path)).graph();
      const { proto } = graph;
      const operators = ['IntegerProduct', 'DequantizeLinear', 'BlockProduct', 'MatMulNBits'];
      const found = new Set(
        proto.node.map(({ opType }) => opType).filter((each) => operators.includes(each)),
      );
      expect([...found]).toEqual([operator]);
      expect(storedWeights(graph)[0].as).toBe(as);
    },
  );
});

describe('a checkpoint whose matrices are kept in fewer bits', () => {
  it('is smaller, and its logits are near', async () => {
    const source = folderWith({ 'model.safetensors': 'dit.safetensors', 'config.json': hubConfig });
    const seen: Record<string, { difference: number; bytes: number }> = {};
    for (const dtype of ['float32', 'float16', 'int8'] as const) {
      const { path, card } = await converted(source, { dtype });
      expect(card.storedAs).toBe(dtype === 'float32' ? undefined : dtype);
      seen[dtype] = {
        difference: largestDifference(await logitsOf(path), oracle.dit),
        bytes: statSync(path).size,
      };
    }
    expect(seen.float16.difference).toBeGreaterThan(seen.float32.difference);
    expect(seen.float16.difference).toBeLessThan(0.05);
    expect(seen.int8.difference).toBeGreaterThan(seen.float16.difference);
    expect(seen.int8.difference).toBeLessThan(0.5);
    expect(seen.float16.bytes).toBeLessThan(seen.float32.bytes);
  });

  it.each(['float32', 'float16', 'int8'] as const)(
    'kept as %s still ends in a product that can be done for some rows alone',
    async (dtype) => {
      const dit = folderWith({ 'model.safetensors': 'dit.safetensors', 'config.json': hubConfig });
      const gpt2 = folderWith({ 'model.safetensors': 'gpt2.safetensors', 'config.json': oracle.gpt2Config });
      for (const [source, width] of [
        [dit, 8],
        [gpt2, 12],
      ] as const) {
        const { path } = await converted(source, { dtype });
        expect(projection((await openCheckpoint(path)).graph(), 'logits')?.width).toBe(width);
      }
    },
  );
});
