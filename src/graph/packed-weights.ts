/**
 * All weights of a network as one vector, so that an optimiser's step changes one tensor. The graph's weights become parts of
 * it under their own names; their readers stay unchanged.
 */
import type { Graph, Value } from './graph.js';
import type { NodeProto } from './onnx.js';
import { Concat, Reshape, Split } from './operators.js';

export interface Packed {
  name: string;
  dims: readonly number[];
}

const sizeOf = ({ dims }: Packed): number => dims.reduce((product, size) => product * size, 1);

/** Offset of each weight in the vector, in elements. */
export function packedOffsets(weights: readonly Packed[]): { offsets: number[]; total: number } {
  let total = 0;
  const offsets = weights.map((weight) => {
    const offset = total;
    total += sizeOf(weight);
    return offset;
  });
  return { offsets, total };
}

/** Removes the weights from the graph's initializers and adds nodes, before all others, that cut them from the vector. */
export function readWeightsFrom(vector: Value, weights: readonly Packed[]): void {
  const { graph } = vector;
  const { proto } = graph;
  const names = new Set(weights.map(({ name }) => name));
  proto.initializer = proto.initializer.filter(({ name }) => !names.has(name));
  const before = proto.node.length;
  const parts = Split(vector, weights.map(sizeOf), { axis: 0 });
  for (const [i, { name, dims }] of weights.entries()) {
    Reshape(parts[i], dims);
    (proto.node.at(-1) as NodeProto).output = [name];
  }
  const made = proto.node.splice(before);
  proto.node.unshift(...made);
}

/** Flattens tensors and concatenates them. */
export function packWeights(graph: Graph, values: readonly Value[]): Value {
  return graph.scope('packed', () =>
    Concat(
      values.map((value) => Reshape(value, [-1])),
      { axis: 0 },
    ),
  );
}
