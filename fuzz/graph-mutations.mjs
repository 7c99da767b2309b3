/**
 * Damage to a model that stays a readable model: its protobuf is decoded, one thing in it is changed, and it is written
 * again. Such files pass every check of bytes and reach the checks of the graph, and the runtime.
 */

/** @typedef {import('./random.mjs').Random} Random */

const NUMBERS = [
  -1n,
  0n,
  1n,
  2n,
  3n,
  5n,
  7n,
  16n,
  255n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 40n,
  2n ** 62n,
  -(2n ** 63n),
  -2n,
];
const OPERATORS = [
  'Add',
  'MatMul',
  'Reshape',
  'Transpose',
  'Gather',
  'Softmax',
  'Concat',
  'Split',
  'Slice',
  'Expand',
  'Tile',
  'Identity',
  'Cast',
  'Loop',
  'If',
  'Scan',
  'ConstantOfShape',
  'Range',
  'Nothing',
  '',
  'ReduceSum',
  'TopK',
  'Resize',
  'ScatterND',
  'GatherND',
  'OneHot',
  'EyeLike',
  'Einsum',
  'LayerNormalization',
  'NonZero',
  'CumSum',
  'Pad',
];
const DOMAINS = ['', 'ai.onnx', 'com.microsoft', 'ai.onnx.ml', 'nobody'];

/** @type {Record<string, (graph: any, random: Random, model: any) => void>} */
const changes = {
  'a number of an attribute'(graph, random) {
    const attribute = any(
      random,
      graph.node.flatMap((node) => node.attribute),
    );
    if (!attribute) return;
    if (attribute.ints.length > 0) attribute.ints[random.below(attribute.ints.length)] = random.of(NUMBERS);
    else if (attribute.t) attribute.t = changedTensor(attribute.t, random);
    else attribute.i = random.of(NUMBERS);
    attribute.f = random.of([attribute.f, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e38]);
  },
  'the numbers of an attribute'(graph, random) {
    const attribute = any(
      random,
      graph.node.flatMap((node) => node.attribute),
    );
    if (attribute) attribute.ints = Array.from({ length: random.below(8) }, () => random.of(NUMBERS));
  },
  'the type of an attribute'(graph, random) {
    const attribute = any(
      random,
      graph.node.flatMap((node) => node.attribute),
    );
    if (attribute) attribute.type = random.below(16);
  },
  'the name of an attribute'(graph, random) {
    const attribute = any(
      random,
      graph.node.flatMap((node) => node.attribute),
    );
    if (attribute)
      attribute.name = random.of(['axis', 'perm', 'to', 'keepdims', 'body', 'value', '', 'epsilon', 'k']);
  },
  'no attributes'(graph, random) {
    const node = any(random, graph.node);
    if (node) node.attribute = [];
  },
  'an operator'(graph, random) {
    const node = any(random, graph.node);
    if (node) node.opType = random.of(OPERATORS);
    if (node && random.chance(0.2)) node.domain = random.of(DOMAINS);
  },
  'an edge'(graph, random) {
    const node = any(
      random,
      graph.node.filter(({ input }) => input.length > 0),
    );
    if (!node) return;
    const names = [...graph.initializer, ...graph.input]
      .map(({ name }) => name)
      .concat(
        graph.node.flatMap(({ output }) => output),
        ['', 'nothing'],
      );
    node.input[random.below(node.input.length)] = random.of(names);
  },
  'two edges, swapped'(graph, random) {
    const node = any(
      random,
      graph.node.filter(({ input }) => input.length > 1),
    );
    if (node) [node.input[0], node.input[1]] = [node.input[1], node.input[0]];
  },
  'fewer inputs'(graph, random) {
    const node = any(random, graph.node);
    node?.input.splice(random.below(node.input.length || 1));
  },
  'more inputs and outputs'(graph, random) {
    const node = any(random, graph.node);
    if (!node) return;
    for (let i = random.between(1, 4); i > 0; i--) node.input.push(random.of([...node.input, '']));
    if (random.chance(0.3)) node.output.push(`more${random.below(9)}`);
  },
  'no output'(graph, random) {
    const node = any(random, graph.node);
    if (node) node.output[0] = random.of(['', 'logits', 'input_ids']);
  },
  'a loop of names'(graph, random) {
    const node = any(random, graph.node);
    if (node && node.input.length > 0) node.output[0] = node.input[0];
  },
  'the order of nodes'(graph, random) {
    if (graph.node.length < 2) return;
    const [a, b] = [random.below(graph.node.length), random.below(graph.node.length)];
    [graph.node[a], graph.node[b]] = [graph.node[b], graph.node[a]];
  },
  'a node less'(graph, random) {
    graph.node.splice(random.below(graph.node.length || 1), 1);
  },
  'a node more'(graph, random) {
    const node = any(random, graph.node);
    if (node) graph.node.splice(random.below(graph.node.length), 0, { ...node });
  },
  'a tensor'(graph, random) {
    const at = random.below(graph.initializer.length || 1);
    if (graph.initializer[at]) graph.initializer[at] = changedTensor(graph.initializer[at], random);
  },
  'the numbers of a small tensor'(graph, random) {
    const tensor = any(
      random,
      graph.initializer.filter(({ rawData, dataType }) => dataType === 7 && rawData.length >= 8),
    );
    if (!tensor) return;
    const bytes = Buffer.from(tensor.rawData);
    bytes.writeBigInt64LE(random.of(NUMBERS), 8 * random.below(bytes.length / 8));
    tensor.rawData = bytes;
  },
  'the size of a tensor, with bytes to match'(graph, random) {
    const tensor = any(
      random,
      graph.initializer.filter(({ rawData, dims }) => rawData.length > 0 && dims.length > 0),
    );
    if (!tensor) return;
    const count = Number(tensor.dims.reduce((a, b) => a * b, 1n));
    const width = tensor.rawData.length / Math.max(1, count);
    tensor.dims[random.below(tensor.dims.length)] = BigInt(random.of([0, 1, 2, 3, 17, 64]));
    tensor.rawData = Buffer.alloc(width * Number(tensor.dims.reduce((a, b) => a * b, 1n)), 1);
  },
  'a tensor less'(graph, random) {
    graph.initializer.splice(random.below(graph.initializer.length || 1), 1);
  },
  'a tensor twice'(graph, random) {
    const tensor = any(random, graph.initializer);
    if (tensor) graph.initializer.push({ ...tensor });
  },
  'weights elsewhere'(graph, random) {
    const tensor = any(random, graph.initializer);
    if (!tensor) return;
    tensor.rawData = new Uint8Array(0);
    tensor.dataLocation = 1;
    const entry = (key, value) => ({ $typeName: 'onnx.StringStringEntryProto', key, value });
    tensor.externalData = [
      entry(
        'location',
        random.of([
          'model.onnx',
          '../other',
          '/etc/passwd',
          '',
          'nowhere.bin',
          'model.card.json',
          '/proc/self/environ',
          '*/_ORT_MEM_ADDR_/*',
        ]),
      ),
      entry('offset', random.of(['0', '-1', '99999999999999999999', '4096', 'x', '18446744073709551615'])),
      ...(random.chance(0.7)
        ? [entry('length', random.of(['0', '16', '-1', '9223372036854775807', '1e3']))]
        : []),
    ];
  },
  'an input or output'(graph, random) {
    const info = random.of([...graph.input, ...graph.output]);
    const tensor = info?.type?.value?.case === 'tensorType' ? info.type.value.value : null;
    if (!tensor) return;
    const dims = tensor.shape?.dim ?? [];
    const what = random.below(4);
    if (what === 0) tensor.elemType = random.below(24);
    if (what === 1) info.name = random.of(['input_ids', 'logits', 'sigma', '', 'past_key_values.0.key', 'x']);
    if (what === 2 && tensor.shape) tensor.shape.dim = dims.slice(random.below(dims.length || 1));
    if (what === 3 && dims.length > 0)
      random.of(dims).value = { case: 'dimValue', value: random.of(NUMBERS) };
  },
  'what is said of inner values'(graph, random) {
    const info = any(random, graph.valueInfo);
    if (!info) return;
    info.name = random.of(graph.node.flatMap(({ output }) => output));
    if (info.type?.value?.case === 'tensorType') info.type.value.value.elemType = random.below(24);
  },
  'the operator set'(_graph, random, model) {
    const set = any(random, model.opsetImport);
    if (set) set.version = random.of([...NUMBERS, 11n, 12n, 13n, 17n, 18n, 20n, 22n, 99n]);
    if (random.chance(0.2)) model.irVersion = random.of(NUMBERS);
  },
  metadata(_graph, random, model) {
    const key = random.of([
      'family',
      'vocabSize',
      'length',
      'maskTokenId',
      'schedule',
      'timeConditioning',
      'sha256',
      'tokenizer',
      'x',
    ]);
    const value = random.of([
      '"ar"',
      '-1',
      '1e99',
      '{',
      '{"type":"cosine","eps":2}',
      '""',
      'null',
      '[[[',
      '"__proto__"',
      '16',
    ]);
    model.metadataProps.push({ $typeName: 'onnx.StringStringEntryProto', key: `duo-eval.${key}`, value });
  },
};

const any = (random, list) => (list.length > 0 ? random.of(list) : null);

function changedTensor(tensor, random) {
  const changed = { ...tensor, dims: [...tensor.dims] };
  const what = random.below(4);
  if (what === 0 && changed.dims.length > 0)
    changed.dims[random.below(changed.dims.length)] = random.of(NUMBERS);
  else if (what === 1)
    changed.dims = random.chance(0.5) ? changed.dims.slice(1) : [...changed.dims, random.of(NUMBERS)];
  else if (what === 2) changed.dataType = random.below(24);
  else changed.rawData = changed.rawData.slice(0, random.below(changed.rawData.length + 1));
  return changed;
}

/** Graphs inside a graph: bodies of loops and branches. */
function graphsOf(graph) {
  const bodies = graph.node.flatMap((node) =>
    node.attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...graphs]),
  );
  return [graph, ...bodies.flatMap(graphsOf)];
}

/**
 * @param {Buffer} bytes a sound model @param {Random} random @param {string} program folder of the compiled program
 * @returns {Promise<{ bytes: Buffer, how: string }>}
 */
export async function damageGraph(bytes, random, program) {
  const { fromBinary, ModelProtoSchema, toBinary } = await import(`${program}/graph/onnx.js`);
  const model = fromBinary(ModelProtoSchema, bytes);
  const how = [];
  for (let n = random.chance(0.25) ? 2 : 1; n > 0; n--) {
    const name = random.of(Object.keys(changes));
    how.push(name);
    changes[name](random.of(graphsOf(model.graph)), random, model);
  }
  return { bytes: Buffer.from(toBinary(ModelProtoSchema, model)), how: `another ${how.join(', ')}` };
}
