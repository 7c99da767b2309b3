/**
 * What is known about every tensor of a graph before it runs: element type, shape, and the values of the small integer
 * tensors from which shapes are computed. fact-rules.ts has the rules per operator.
 */
import { dtypeName } from '../dtype.js';
import type { Graph } from '../graph.js';
import { readValueInfo } from '../messages.js';
import { TensorProto_DataLocation as Location, type TensorProto } from '../onnx.js';
import { factRules } from './fact-rules.js';
import { NodeReader } from './node-reader.js';
import type { Fact } from './shaped.js';

/** Integer tensors longer than this describe no shape. */
const LONGEST = 64;

/** @returns facts by tensor name; a tensor that depends on an unknown operator has none */
export function inferFacts(graph: Graph): Map<string, Fact> {
  const facts = new Map<string, Fact>();
  for (const tensor of graph.proto.initializer) {
    const dtype = dtypeName(tensor.dataType);
    if (dtype) facts.set(tensor.name, { dtype, shape: tensor.dims.map(Number), ints: integers(tensor) });
  }
  for (const { name, dtype, shape } of graph.proto.input.map(readValueInfo)) {
    if (dtype && shape && !facts.has(name)) facts.set(name, { dtype, shape });
  }
  for (const proto of graph.proto.node) {
    const node = new NodeReader(proto);
    const rule = factRules[node.operator];
    const inputs = proto.input.map((name) => facts.get(name) ?? null);
    const known = proto.input.every((name, i) => name === '' || inputs[i] !== null);
    if (!rule || !known) continue;
    const outputs = rule(node, inputs as Fact[]);
    for (const [i, fact] of outputs.entries()) {
      if (proto.output[i]) facts.set(proto.output[i], fact);
    }
  }
  return facts;
}

function integers({ dataType, dims, rawData, dataLocation }: TensorProto): number[] | undefined {
  const count = dims.reduce((product, size) => product * Number(size), 1);
  const dtype = dtypeName(dataType);
  if (dims.length > 1 || count > LONGEST || dataLocation === Location.EXTERNAL) return undefined;
  if (dtype !== 'int64' || rawData.length !== 8 * count) return undefined;
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  return Array.from({ length: count }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}
