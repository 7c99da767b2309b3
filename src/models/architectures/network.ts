/** A network while its graph is built: its dimensions, its parameters by name, and whether fused operators may be used. */
import { Graph, type Value } from '../../graph/graph.js';
import type { Dimensions } from './dimensions.js';
import type { Parameter } from './parameters.js';

export interface BuildOptions {
  /** Use one fused kernel where the plain form needs many. The fused operators that the networks use can be differentiated. */
  fused?: boolean;
  /** Makes a parameter's value in the graph: by default a weight whose data come later; training may feed it as an input. */
  declare?: (graph: Graph, parameter: Parameter) => Value;
}

/** RotaryEmbedding came with operator set 23. */
const OPSET = 23;
const IR_VERSION = 11;

export class Network {
  private readonly parameters: Map<string, Value>;

  constructor(
    readonly graph: Graph,
    readonly dimensions: Dimensions,
    parameters: readonly Parameter[],
    readonly fused: boolean,
    declare: NonNullable<BuildOptions['declare']>,
  ) {
    this.parameters = new Map(parameters.map((parameter) => [parameter.name, declare(graph, parameter)]));
  }

  static create(
    name: string,
    dimensions: Dimensions,
    parameters: readonly Parameter[],
    { fused = true, declare = asWeight }: BuildOptions,
  ): Network {
    const graph = Graph.create(name, { opset: OPSET, irVersion: IR_VERSION });
    return new Network(graph, dimensions, parameters, fused, declare);
  }

  /** A parameter by its name in parameters.ts. */
  parameter(name: string): Value {
    const value = this.parameters.get(name);
    if (!value) throw new RangeError(`the network has no parameter "${name}"`);
    return value;
  }
}

function asWeight(graph: Graph, { name, dims }: Parameter): Value {
  return graph.weight(name, 'float32', dims);
}
