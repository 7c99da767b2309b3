/**
 * Graphs of exporters in the terms of this program, so that nothing else needs to know theirs: caches are called
 * `past_key_values.0.key` and `present.0.key`, token ids are int64, and all positions have logits. Computation and weights
 * stay as they are.
 *
 *     past.0.key, past_key_values.0.decoder.key, past_key_0, past_key_values_key_cache_0     the same for values, and `present`
 *     input_ids int32                                                                        fed int64, cast in the graph
 *     num_logits_to_keep                                                                     0, which stands for all
 */
import { dtypeCode } from '../graph/dtype.js';
import type { Graph } from '../graph/graph.js';
import { readValueInfo, tensorProto } from '../graph/messages.js';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  create,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type ValueInfoProto,
} from '../graph/onnx.js';

const IDS = 'input_ids';
/** Inputs that say of how many last positions a graph returns logits. */
const KEPT = /^(num_)?logits_to_keep$/;
const PART = '(key|value)s?';
/** The rest of a name after `past` or `present`: with the layer before the part, or after it. */
const LAYER_FIRST = new RegExp(`^(?:_key_values?)?[._]?(\\d{1,4})[._](?:decoder[._])?${PART}$`);
const PART_FIRST = new RegExp(`^(?:_key_values?)?[._]${PART}(?:_cache)?[._](\\d{1,4})$`);

/** Changes a graph in place. Names that are taken, and tensors of other kinds, stay as they are. */
export function inOurTerms({ proto }: Graph): void {
  const taken = new Set([...proto.input, ...proto.output, ...proto.initializer].map(({ name }) => name));
  const renamed = new Map<string, string>();
  const rename = (infos: readonly ValueInfoProto[], start: 'past' | 'present', ours: string) => {
    for (const { name } of infos) {
      const part = cachePart(name, start);
      const called = part && `${ours}.${part}`;
      if (called === null || called === name || taken.has(called)) continue;
      renamed.set(name, called);
      taken.add(called);
    }
  };
  rename(proto.input, 'past', 'past_key_values');
  rename(proto.output, 'present', 'present');
  if (renamed.size > 0) renameIn(proto, renamed);
  castIds(proto);
  keepAllLogits(proto);
}

/** `0.key` for any of the names. */
function cachePart(name: string, start: 'past' | 'present'): string | null {
  if (!name.startsWith(start)) return null;
  const rest = name.slice(start.length);
  const [, layer, part] = LAYER_FIRST.exec(rest) ?? [];
  if (layer !== undefined) return `${Number(layer)}.${part}`;
  const [, partFirst, layerLast] = PART_FIRST.exec(rest) ?? [];
  return partFirst === undefined ? null : `${Number(layerLast)}.${partFirst}`;
}

/** Renames tensors wherever a graph and the bodies in it name them. */
function renameIn(proto: GraphProto, names: ReadonlyMap<string, string>): void {
  const called = (name: string): string => names.get(name) ?? name;
  for (const info of [...proto.input, ...proto.output, ...proto.valueInfo]) info.name = called(info.name);
  for (const node of proto.node) {
    node.input = node.input.map(called);
    node.output = node.output.map(called);
    for (const body of bodiesOf(node)) renameIn(body, names);
  }
}

const bodiesOf = (node: NodeProto): GraphProto[] =>
  node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));

/** An input of int32 becomes one of int64, with a cast behind it. */
function castIds(proto: GraphProto): void {
  const ids = proto.input.find(({ name }) => name === IDS);
  const type = ids?.type?.value.case === 'tensorType' ? ids.type.value.value : null;
  if (type?.elemType !== dtypeCode('int32')) return;
  const cast = `${IDS}/int32`;
  renameIn(proto, new Map([[IDS, cast]]));
  for (const info of proto.input) if (info.name === cast) info.name = IDS;
  type.elemType = dtypeCode('int64');
  const to = create(AttributeProtoSchema, {
    name: 'to',
    type: AttributeProto_AttributeType.INT,
    i: BigInt(dtypeCode('int32')),
  });
  proto.node.unshift(
    create(NodeProtoSchema, { opType: 'Cast', name: cast, input: [IDS], output: [cast], attribute: [to] }),
  );
}

/** The number of logits to keep is no input any more, but 0: those of all positions. */
function keepAllLogits(proto: GraphProto): void {
  for (const info of proto.input.filter(({ name }) => KEPT.test(name))) {
    const { name, dtype, shape } = readValueInfo(info);
    const dims = (shape ?? []).map(() => 1);
    proto.input = proto.input.filter((other) => other !== info);
    proto.initializer = proto.initializer.filter((tensor) => tensor.name !== name);
    proto.initializer.push(tensorProto(name, dtype ?? 'int64', dims, [0]));
  }
}
