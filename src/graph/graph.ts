/**
 * An ONNX graph under construction: new, or an existing checkpoint to which nodes are appended.
 *
 * Values are names with a type; the operators of operators.ts take and return values, and add their node to the graph of the
 * value. Bodies of control flow (`Scan`, `Loop`, `If`) are separate graphs that can read the outer values.
 */
import { ModelError } from '../errors.js';
import { type DType, dtypeCode } from './dtype.js';
import {
  type Attribute,
  attributeProto,
  readValueInfo,
  type Shape,
  type TensorData,
  tensorProto,
  valueInfo,
} from './messages.js';
import {
  create,
  FunctionProtoSchema,
  fromBinary,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
  toBinary,
  type ValueInfoProto,
} from './onnx.js';

/** A tensor somewhere in a graph. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly dtype: DType;
}

/** An operand: a value, or a number that becomes a scalar constant of the other operand's type. */
export type Operand = Value | number;

export interface NodeOptions {
  domain?: string;
  /** Type of each output. */
  outputs: readonly DType[];
  attributes?: Readonly<Record<string, Attribute | undefined>>;
}

export class Graph {
  private readonly names: Set<string>;
  private readonly constants = new Map<string, Value>();
  private counter = 0;
  private scopeName = '';

  private constructor(
    readonly model: ModelProto,
    readonly proto: GraphProto,
    private readonly parent: Graph | null,
  ) {
    this.names = parent ? parent.names : namesIn(proto);
  }

  /** An empty graph. @param opset version of the standard operator set, 21 by default */
  static create(
    name: string,
    { opset = 21, irVersion = 10 }: { opset?: number; irVersion?: number } = {},
  ): Graph {
    const proto = create(GraphProtoSchema, { name });
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      producerName: 'duo-eval',
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
      graph: proto,
    });
    return new Graph(model, proto, null);
  }

  /** Wraps a decoded model; appending changes it in place. */
  static of(model: ModelProto): Graph {
    if (!model.graph) {
      throw new ModelError({ code: 'not-onnx', message: 'The model holds no graph.' });
    }
    return new Graph(model, model.graph, null);
  }

  /** A graph from its bytes. */
  static fromBytes(bytes: Uint8Array): Graph {
    return Graph.of(fromBinary(ModelProtoSchema, bytes));
  }

  /** Version of the standard operator set that the model declares. */
  get opset(): number {
    const entry = this.model.opsetImport.find((set) => set.domain === '' || set.domain === 'ai.onnx');
    return Number(entry?.version ?? 0n);
  }

  /** Inputs a caller must feed: the declared ones that are not initializers. */
  get inputs(): { name: string; dtype: DType | null; shape: Shape | null }[] {
    const initialized = new Set(this.proto.initializer.map((tensor) => tensor.name));
    return this.proto.input.filter((info) => !initialized.has(info.name)).map(readValueInfo);
  }

  get outputs(): { name: string; dtype: DType | null; shape: Shape | null }[] {
    return this.proto.output.map(readValueInfo);
  }

  /** An existing tensor by name. @throws ModelError when its element type is neither declared nor given */
  value(name: string, dtype?: DType): Value {
    const declared = this.find(name);
    const known = dtype ?? (declared ? readValueInfo(declared).dtype : null);
    if (!known) {
      throw new ModelError({
        code: 'unknown-tensor-type',
        message: `The graph does not say what type the tensor "${name}" has.`,
        hint: 'Export the model with shape inference, so that its inputs and outputs are typed.',
      });
    }
    return { graph: this, name, dtype: known };
  }

  input(name: string, dtype: DType, shape: Shape): Value {
    this.reserve(name);
    this.proto.input.push(valueInfo(name, dtype, shape));
    return { graph: this, name, dtype };
  }

  /** Declares a value as an output, under `name` if given. */
  output(value: Value, name = value.name, shape: Shape | null = null): void {
    if (name !== value.name) {
      this.reserve(name);
      this.proto.node.push(
        create(NodeProtoSchema, {
          opType: 'Identity',
          input: [value.name],
          output: [name],
          name: `${name}/Identity`,
        }),
      );
    }
    this.proto.output.push(valueInfo(name, value.dtype, shape));
  }

  /** Drops the existing outputs; prune.ts removes the nodes that only they needed. */
  clearOutputs(): void {
    this.proto.output = [];
  }

  /** A weight: data held by the graph. `dims` [] is a scalar. */
  initializer(name: string, dtype: DType, dims: readonly number[], data: TensorData): Value {
    const unique = this.unique(name);
    this.proto.initializer.push(tensorProto(unique, dtype, dims, data));
    return { graph: this, name: unique, dtype };
  }

  /** A weight whose data come later, from write.ts or `fillWeights`. Its name stays unchanged. */
  weight(name: string, dtype: DType, dims: readonly number[]): Value {
    this.reserve(name);
    const tensor = { name, dataType: dtypeCode(dtype), dims: dims.map(BigInt) };
    this.proto.initializer.push(create(TensorProtoSchema, tensor));
    return { graph: this, name, dtype };
  }

  /** A small constant, shared by all requests for it. A number gives a scalar, an array a vector. */
  constant(data: number | readonly number[], dtype: DType): Value {
    const values = typeof data === 'number' ? [data] : data;
    const dims = typeof data === 'number' ? [] : [data.length];
    const key = `${dtype}[${dims}]${values.map((value) => (Object.is(value, -0) ? '-0' : value))}`;
    let made = this.constants.get(key);
    if (!made) {
      made = this.initializer('const', dtype, dims, values);
      this.constants.set(key, made);
    }
    return made;
  }

  /** Adds one node. A null among `inputs` omits an optional one. */
  node(opType: string, inputs: readonly (Value | null)[], options: NodeOptions): Value[] {
    const name = this.unique(opType);
    const outputs = options.outputs.map((dtype, i) => ({
      graph: this,
      name: i === 0 ? `${name}:out` : `${name}:out${i}`,
      dtype,
    }));
    this.proto.node.push(
      create(NodeProtoSchema, {
        opType,
        name,
        domain: options.domain ?? '',
        input: inputs.map((input) => input?.name ?? ''),
        output: outputs.map((output) => output.name),
        attribute: Object.entries(options.attributes ?? {}).flatMap(([key, value]) =>
          value === undefined ? [] : [attributeProto(key, value)],
        ),
      }),
    );
    if (options.domain) this.importDomain(options.domain);
    return outputs;
  }

  /** Copies an existing node with one output; the copy reads the `replaced` values instead of those names. */
  copyNode(node: NodeProto, replaced: ReadonlyMap<string, Value>, dtype: DType): Value {
    const name = this.unique(node.opType);
    const output = `${name}:out`;
    this.proto.node.push(
      create(NodeProtoSchema, {
        opType: node.opType,
        name,
        domain: node.domain,
        input: node.input.map((input) => replaced.get(input)?.name ?? input),
        output: [output],
        attribute: node.attribute,
      }),
    );
    return { graph: this, name: output, dtype };
  }

  /** A body for `Scan`, `Loop` or `If`: sees this graph's values and shares its names. */
  body(name: string): Graph {
    return new Graph(this.model, create(GraphProtoSchema, { name }), this);
  }

  /**
   * Declares an operator `name` of a domain of ours as a function of the model, if it is not there: the runtime puts the nodes
   * that `build` makes in the place of each node of it.
   * @param numbers attributes of such a node, which the function reads   @param inputs its parameters, by name
   * @param build may not read other values of the graph
   */
  declareFunction(
    { domain, name, numbers = [] }: { domain: string; name: string; numbers?: readonly string[] },
    inputs: Readonly<Record<string, DType>>,
    build: (...parameters: Value[]) => Value,
  ): void {
    if (this.model.functions.some((known) => known.domain === domain && known.name === name)) return;
    const proto = create(GraphProtoSchema, { name });
    const inner = new Graph(this.model, proto, null);
    const result = build(
      ...Object.entries(inputs).map(([parameter, dtype]) => ({ graph: inner, name: parameter, dtype })),
    );
    const constants = proto.initializer.map((tensor) =>
      create(NodeProtoSchema, {
        opType: 'Constant',
        output: [tensor.name],
        attribute: [attributeProto('value', { tensor })],
      }),
    );
    this.model.functions.push(
      create(FunctionProtoSchema, {
        ...{ domain, name, input: Object.keys(inputs), output: [result.name], attribute: [...numbers] },
        node: [...constants, ...proto.node],
        opsetImport: this.model.opsetImport.filter((set) => set.domain !== domain),
      }),
    );
  }

  /** Names of nodes made inside `build` start with `scope/`, so that an error of the runtime shows where it occurred. */
  scope<T>(scope: string, build: () => T): T {
    const before = this.scopeName;
    this.scopeName = `${before}${scope}/`;
    try {
      return build();
    } finally {
      this.scopeName = before;
    }
  }

  /** Metadata of the file, as key → text. */
  get metadata(): Map<string, string> {
    return new Map(this.model.metadataProps.map((entry) => [entry.key, entry.value]));
  }

  setMetadata(key: string, value: string): void {
    this.model.metadataProps = this.model.metadataProps.filter((entry) => entry.key !== key);
    this.model.metadataProps.push(create(StringStringEntryProtoSchema, { key, value }));
  }

  toBytes(): Uint8Array {
    return toBinary(ModelProtoSchema, this.model);
  }

  private importDomain(domain: string): void {
    if (!this.model.opsetImport.some((set) => set.domain === domain)) {
      this.model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version: 1n }));
    }
  }

  private find(name: string): ValueInfoProto | undefined {
    const { input, output, valueInfo: inner } = this.proto;
    const found = [input, output, inner].flatMap((list) => list.filter((info) => info.name === name))[0];
    return found ?? this.parent?.find(name);
  }

  private reserve(name: string): void {
    if (this.names.has(name)) {
      throw new ModelError({
        code: 'duplicate-tensor',
        message: `The graph already has a tensor named "${name}".`,
      });
    }
    this.names.add(name);
  }

  private unique(base: string): string {
    const prefix = this.parent ? `${this.parent.scopeName}${this.proto.name}/` : this.scopeName;
    let name: string;
    do name = `${prefix}${base}_${this.counter++}`;
    while (this.names.has(name));
    this.names.add(name);
    return name;
  }
}

function namesIn(proto: GraphProto): Set<string> {
  const names = new Set<string>();
  for (const { name } of [...proto.input, ...proto.output, ...proto.initializer]) names.add(name);
  for (const node of proto.node) {
    names.add(node.name);
    for (const output of node.output) names.add(output);
  }
  return names;
}
