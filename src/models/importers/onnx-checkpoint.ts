/**
 * An ONNX checkpoint as a source of `convert`, to store its weights in another form: one of this program's, or of an exporter.
 * The network stays as it is. Weights that are kept as float16 and widened before use count as float32; what computes in
 * float16, integers and weights that are quantized already are copied byte by byte.
 */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../../errors.js';
import { byteLength, type DType, dtypeCode, dtypeName } from '../../graph/dtype.js';
import {
  type GraphProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
} from '../../graph/onnx.js';
import { readModelFile } from '../../graph/read.js';
import type { Parameter } from '../architectures/parameters.js';
import { type Card, type CardFile, cardOfMetadata, METADATA_PREFIX, readCard } from '../card.js';
import { decodeFloat16 } from '../weights/half-precision.js';
import { namesInBodies, usesOf } from '../weights/stored-matrices.js';
import type { ImportedModel } from './imported-model.js';
import { countOf, elementsOf, fill, openOrFail, type StoredTensor } from './stored-tensor.js';

/** Bytes copied at a time. */
const PIECE = 1 << 22;

/** What the card and the metadata of a checkpoint say together; the card, if there is one. @throws ModelError as readModelFile */
export function cardOfCheckpoint(path: string): { card: Card; file: CardFile | null } {
  const file = readCard(path);
  return { card: { ...cardOfMetadata(readModelFile(path).graph.metadata, path), ...file?.card }, file };
}

/** @throws ModelError as readModelFile, `nothing-to-convert`, `external-data` */
export function onnxModel(path: string): ImportedModel {
  const { graph, folder } = readModelFile(path);
  const { tokenizer: _, sha256: __, storedAs: ___, ...card } = cardOfCheckpoint(path).card;
  const wide = widenedWeights(graph.proto);
  const uses = usesOf(graph.proto);
  const embeddings = tokenEmbeddings(graph.proto);
  const isMatrix = (name: string): boolean => {
    const use = uses.get(name);
    return use !== undefined && (use.multiplied || use.turned) && !use.otherwise && !use.elsewhere;
  };
  const sources = new Map<string, () => Iterable<Float32Array>>();
  const copied = new Map<string, () => Iterable<Uint8Array>>();
  const parameters: Parameter[] = [];
  for (const tensor of graph.proto.initializer) {
    const { name } = tensor;
    const isWeight = dtypeName(tensor.dataType) === 'float32' || wide.has(name);
    const stored = storedTensor(tensor, folder);
    const values = !stored && isWeight ? heldValues(tensor) : null;
    if (stored && !isWeight) copied.set(name, () => bytesOf(stored));
    else if (stored) sources.set(name, () => elementsOf(stored));
    else if (values) sources.set(name, () => [values]);
    else continue;
    Object.assign(tensor, { dataLocation: 0, externalData: [], rawData: new Uint8Array(0), floatData: [] });
    if (!isWeight) continue;
    tensor.dataType = dtypeCode('float32');
    parameters.push(parameterOf(tensor, embeddings.has(name), isMatrix(name) || embeddings.has(name)));
  }
  if (parameters.every(({ exact }) => exact)) throw nothingToConvert(path);
  const { model } = graph;
  model.metadataProps = model.metadataProps.filter(({ key }) => !key.startsWith(METADATA_PREFIX));
  return {
    parameters,
    graph: () => graph,
    source: ({ name }) => sources.get(name)!(), // every parameter got its source above
    copied,
    card,
    notices: [],
  };
}

/** Tables of which rows are taken by token. Others, gathered by position, may be angles, which few bits would harm. */
function tokenEmbeddings({ node: nodes, initializer }: GraphProto): Set<string> {
  const ids = new Set(['input_ids']);
  const tables = new Set(initializer.map(({ name }) => name));
  const found = new Set<string>();
  for (const { opType, input, output } of nodes) {
    if (['Cast', 'Identity', 'Reshape'].includes(opType) && ids.has(input[0])) ids.add(output[0]);
    if (opType !== 'Gather') continue;
    if (ids.has(input[1]) && tables.has(input[0])) found.add(input[0]);
  }
  return found;
}

const parameterOf = ({ name, dims }: TensorProto, perRow: boolean, isMatrix: boolean): Parameter => ({
  name,
  dims: dims.map(Number),
  initial: { value: 0 },
  startsAtZero: false,
  transposed: false,
  perRow,
  exact: dims.length !== 2 || !isMatrix,
});

/** A weight in a file; null for one in the graph itself. */
function storedTensor({ name, dims, dataType, ...tensor }: TensorProto, folder: string): StoredTensor | null {
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) return null;
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  return {
    name,
    type: dtypeName(dataType) ?? `number ${dataType}`,
    shape: dims.map(Number),
    path: join(folder, entries.get('location') ?? ''),
    offset: Number(entries.get('offset') ?? 0),
  };
}

/** A weight in the graph itself; null for scalars, which stay there, and for rare forms. */
function heldValues({ dims, dataType, rawData, floatData }: TensorProto): Float32Array | null {
  if (dims.length === 0) return null;
  if (floatData.length > 0) return Float32Array.from(floatData);
  if (rawData.length === 0) return null;
  const bytes = rawData.slice().buffer; // aligned for the views below
  if (dtypeName(dataType) === 'float32') return new Float32Array(bytes);
  const values = new Float32Array(rawData.length / 2);
  decodeFloat16(new Uint16Array(bytes), values);
  return values;
}

/** The bytes of a tensor of any type, as they are. @throws ModelError `tensor-type` for one of unknown width */
function* bytesOf(tensor: StoredTensor): Generator<Uint8Array> {
  const { path, offset, shape, type, name } = tensor;
  const size = byteLength(type as DType, countOf(shape));
  if (size === null || Number.isNaN(size)) {
    throw new ModelError({
      code: 'tensor-type',
      message: `${path}: the tensor "${name}" has elements of type ${type}, which cannot be copied.`,
      hint: 'Use the model as it is.',
    });
  }
  const file = openOrFail(path);
  try {
    for (let at = 0; at < size; at += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, size - at));
      fill(file, path, piece, offset + at);
      yield piece;
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Weights of float16 that the graph widens to float32 before any use, or whose gathered rows it widens. Removes those casts.
 * @returns their names
 */
function widenedWeights(proto: GraphProto): Set<string> {
  const readers = new Map<string, NodeProto[]>();
  for (const node of proto.node)
    for (const name of node.input) readers.set(name, [...(readers.get(name) ?? []), node]);
  const elsewhere = new Set([...proto.node.flatMap(namesInBodies), ...proto.output.map(({ name }) => name)]);
  const readersOf = (name: string) => readers.get(name) ?? [];
  const isCast = (node: NodeProto): boolean =>
    node.opType === 'Cast' &&
    node.attribute.some(({ name, i }) => name === 'to' && Number(i) === dtypeCode('float32')) &&
    !elsewhere.has(node.output[0]);
  const isGathered = (node: NodeProto, of: string): boolean =>
    node.opType === 'Gather' &&
    node.input[0] === of &&
    !elsewhere.has(node.output[0]) &&
    readersOf(node.output[0]).every(isCast);
  const wide = new Set<string>();
  const instead = new Map<string, string>();
  for (const { name, dataType } of proto.initializer) {
    const all = readersOf(name);
    if (dtypeName(dataType) !== 'float16' || elsewhere.has(name) || all.length === 0) continue;
    if (!all.every((node) => isCast(node) || isGathered(node, name))) continue;
    wide.add(name);
    const casts = all.flatMap((node) => (isCast(node) ? [node] : readersOf(node.output[0])));
    for (const cast of casts) instead.set(cast.output[0], cast.input[0]);
  }
  proto.node = proto.node.filter(({ output }) => !instead.has(output[0]));
  for (const node of proto.node) node.input = node.input.map((name) => instead.get(name) ?? name);
  return wide;
}

function nothingToConvert(path: string): ModelError {
  return new ModelError({
    code: 'nothing-to-convert',
    message: `${path} has no matrices of float32, nor of float16 that are widened before use: there is nothing to store otherwise.`,
    hint: 'A graph that is quantized or computes in float16 is used as it is: --model. Convert the original weights instead.',
  });
}
