import { describe, expect, it } from 'vitest';
import type { TensorProto } from '../../src/graph/onnx.js';
import { readModelFile } from '../../src/graph/read.js';
import { smallNetwork, writeModel } from './small-network.js';

function readWith(change: (tensor: TensorProto) => void): string {
  const graph = smallNetwork({ vocabSize: 8, width: 4 });
  change(graph.proto.initializer[0]);
  try {
    readModelFile(writeModel(graph));
    return 'accepted';
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    expect(message).toContain('"embedding_0"');
    return code;
  }
}

describe('a tensor', () => {
  it('whose bytes fill its shape is accepted', () => {
    expect(readWith(() => {})).toBe('accepted');
  });

  it('whose shape needs more bytes than it has is refused by name', () => {
    expect(
      readWith((tensor) => {
        tensor.dims = [9n, 4n];
      }),
    ).toBe('tensor-size');
    expect(
      readWith((tensor) => {
        tensor.dims = [2n ** 40n, 2n ** 40n];
      }),
    ).toBe('tensor-size');
  });

  it('of a negative size is refused by name', () => {
    expect(
      readWith((tensor) => {
        tensor.dims = [-8n, -4n];
      }),
    ).toBe('tensor-size');
  });

  it('kept as numbers is counted, too', () => {
    const asNumbers = (count: number) => (tensor: TensorProto) => {
      tensor.rawData = new Uint8Array();
      tensor.floatData = Array.from({ length: count }, () => 0.5);
    };
    expect(readWith(asNumbers(32))).toBe('accepted');
    expect(readWith(asNumbers(31))).toBe('tensor-size');
  });

  it('of a sparse initializer is held against its shape, too', () => {
    const graph = smallNetwork();
    const tensor = {
      ...graph.proto.initializer[0],
      name: 'embedding_0',
      dims: [3n],
      rawData: new Uint8Array(8),
    };
    graph.proto.sparseInitializer = [
      { $typeName: 'onnx.SparseTensorProto', values: tensor, indices: tensor, dims: [9n] },
    ];
    expect(() => readModelFile(writeModel(graph))).toThrow(/"embedding_0" has 8 bytes where its shape \[3\]/);
  });
});
