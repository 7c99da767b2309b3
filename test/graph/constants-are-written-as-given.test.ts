import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';

const graph = Graph.create('constants');

describe('a constant', () => {
  it.each([
    ['float32', [1.5, -2], Float32Array.of(1.5, -2)],
    ['float64', [1.5, -2], Float64Array.of(1.5, -2)],
    ['int64', [1, -2], BigInt64Array.of(1n, -2n)],
    ['int32', [1, -2], Int32Array.of(1, -2)],
    ['uint8', [1, 255], Uint8Array.of(1, 255)],
    ['bool', [1, 0], Uint8Array.of(1, 0)],
  ] as const)('of %s is the bytes of its numbers', (dtype, numbers, array) => {
    graph.initializer(`${dtype} numbers`, dtype, [2], numbers);
    graph.initializer(`${dtype} array`, dtype, [2], array);
    const [listed, given] = graph.proto.initializer.slice(-2).map(({ rawData }) => Buffer.from(rawData));
    expect(listed).toEqual(Buffer.from(array.buffer));
    expect(given).toEqual(listed);
  });

  it('is made once, zero and minus zero apart', () => {
    const before = graph.proto.initializer.length;
    for (const value of [0, -0, 0, -0]) graph.constant(value, 'float32');
    expect(graph.proto.initializer.length).toBe(before + 2);
  });

  it('that its shape does not hold, or of a type that is given as bytes, is refused', () => {
    expect(() => graph.initializer('short', 'float32', [3], [1, 2])).toThrow(
      /8 bytes do not fill float32\[3\]/,
    );
    expect(() => graph.initializer('half', 'float16', [1], [1])).toThrow(/float16 are given as bytes/);
  });
});
