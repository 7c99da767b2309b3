/** About src/graph/read.ts */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MatMulNBits } from '../../src/graph/fused-operators.js';
import { Graph } from '../../src/graph/graph.js';
import { BlockProduct } from '../../src/graph/integer-product.js';
import { create, StringStringEntryProtoSchema, TensorProto_DataLocation } from '../../src/graph/onnx.js';
import { Add } from '../../src/graph/operators.js';
import { readModelFile } from '../../src/graph/read.js';
import { writeModel } from './small-network.js';

/** Two vectors of 100 numbers outside, each at its offset. */
function twoOutside(offsets: readonly [number, number], size = 4000): string {
  const graph = Graph.create('two');
  const x = graph.input('x', 'float32', [100]);
  const [a, b] = ['a', 'b'].map((name) => graph.weight(name, 'float32', [100]));
  graph.output(Add(Add(x, a), b), 'y', [100]);
  for (const [i, tensor] of graph.proto.initializer.entries()) {
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    const entries = { location: 'w.bin', offset: String(offsets[i]), length: '400' };
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
  }
  const path = writeModel(graph);
  writeFileSync(join(dirname(path), 'w.bin'), Buffer.alloc(size));
  return path;
}
const readingOf = (path: string) => () => readModelFile(path);

describe('weights in one file', () => {
  it('may follow one another, leave room between them, or be the same', () => {
    for (const offsets of [
      [0, 400],
      [400, 0],
      [0, 3600],
      [800, 800],
    ] as const)
      expect(readingOf(twoOutside(offsets))).not.toThrow();
  });

  it.each([
    [[0, 396], 'shares some of its bytes with "a"'],
    [[200, 0], 'shares some of its bytes with "b"'],
    [[0, 3604], 'lies at bytes 3604 to 4004 of "w.bin", which has 4000'],
  ] as const)('at %j are refused', (offsets, says) => {
    expect(readingOf(twoOutside(offsets))).toThrow(
      expect.objectContaining({ code: 'tensor-size', message: expect.stringContaining(says) }),
    );
  });
});

/** A product of 64 inputs by 10 outputs in blocks of 32, with changed sizes. */
function inBlocks(
  change: Partial<Record<'codes' | 'scales' | 'zeros', readonly number[]>>,
  product: typeof MatMulNBits,
): string {
  const graph = Graph.create('blocks');
  const x = graph.input('x', 'float32', [1, 64]);
  const weight = (
    name: 'codes' | 'scales' | 'zeros',
    type: 'uint8' | 'float32',
    usual: readonly number[],
  ) => {
    const dims = change[name] ?? usual;
    const count = dims.reduce((a, b) => a * b, 1) * (type === 'uint8' ? 1 : 4);
    return graph.initializer(name, type, dims, new Uint8Array(count));
  };
  const codes = weight('codes', 'uint8', [10, 2, 16]);
  const scales = weight('scales', 'float32', [10, 2]);
  const zeros = weight('zeros', 'uint8', [10, 1]);
  const sizes = { outputs: 10, inputs: 64, block: 32 };
  graph.output(product(x, { codes, scales, zeros, ...sizes }), 'y', [1, 10]);
  return writeModel(graph);
}

describe.each([
  ['that takes its inputs as they are', MatMulNBits],
  ['that rounds its inputs', BlockProduct],
])('a product in blocks of 4 bits %s', (_, product) => {
  it('is read where its parts fit, in one axis or several', () => {
    expect(readingOf(inBlocks({}, product))).not.toThrow();
    expect(readingOf(inBlocks({ scales: [20], zeros: [10] }, product))).not.toThrow();
  });

  it.each([
    [{ codes: [10, 2, 8] }, 'codes', '160 elements', 'needs 320'],
    [{ scales: [10] }, 'scales', '10 elements', 'needs 20'],
    [{ zeros: [5] }, 'zeros', '5 elements', 'needs 10'],
  ] as const)('with %j is refused', (change, name, has, needs) => {
    const error = expect.objectContaining({
      code: 'tensor-size',
      message: expect.stringMatching(new RegExp(`"${name}.*" has ${has}, where .* ${needs}`)),
    });
    expect(readingOf(inBlocks(change, product))).toThrow(error);
  });
});
