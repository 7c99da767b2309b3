/**
 * Opens an ONNX file for reading and appending: the structure in memory, the weights still on disk.
 *
 * Everything that the runtime trusts is checked here first: declared sizes, shapes, offsets into this file and into external
 * data, and that external data stay inside the model's folder.
 */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { ModelError } from '../errors.js';
import { gitLfsPointer, isGitLfsPointer, readSmallFile } from '../storage/small-file.js';
import { byteLength, dtypeName } from './dtype.js';
import { Graph } from './graph.js';
import { blockProductSizes, isBlockProduct } from './integer-product.js';
import {
  fromBinary,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
} from './onnx.js';
import { readSkeleton } from './skeleton.js';

/** Maximum size of a Git LFS pointer. */
const POINTER_BYTES = 1024;
/** The oldest operator set that supports the appended operators. */
const OLDEST_OPSET = 11;

export interface ModelFile {
  /** As the user gave it. */
  path: string;
  /** Folder (symbolic links resolved) to which external data, and our references into the file, are relative. */
  folder: string;
  fileSize: number;
  /** Every file the weights lie in, the model itself first; absolute paths. */
  dataFiles: string[];
  graph: Graph;
}

/** @throws ModelError `model-not-found`, `not-onnx`, `truncated-model`, `external-data`, `tensor-size`, `opset` */
export function readModelFile(path: string): ModelFile {
  const resolved = resolve(path);
  const folder = dirname(resolved);
  const skeleton = readSkeleton(path, basename(resolved));
  const model = decode(path, skeleton.bytes);
  const graph = Graph.of(model);
  if (graph.opset < OLDEST_OPSET) {
    throw new ModelError({
      code: 'opset',
      message: `${path} uses operator set ${graph.opset}; ${OLDEST_OPSET} or later is needed.`,
      hint: 'Export the model again with a newer opset_version (17 or later).',
    });
  }
  const dataFiles = new Set([resolved]);
  const folders = { real: folder, given: dirname(path) };
  const ranges: Range[] = [];
  for (const tensor of tensorsOf(model)) {
    checkTensor(path, tensor);
    if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) continue;
    const range = checkExternal(path, folders, tensor);
    dataFiles.add(range.file);
    ranges.push(range);
  }
  checkOverlaps(path, ranges);
  checkEdges(path, graph);
  checkBlockProducts(path, graph.proto);
  return { path, folder, fileSize: skeleton.fileSize, dataFiles: [...dataFiles], graph };
}

/** Names of the external data files of a model, as it gives them. @throws ModelError as readModelFile */
export function externalLocations(path: string): string[] {
  const own = basename(path);
  const model = decode(path, readSkeleton(path, own).bytes);
  const external = [...tensorsOf(model)].filter(
    ({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL,
  );
  const locations = new Set(external.map((tensor) => externalEntries(tensor).get('location') ?? ''));
  locations.delete(own);
  return [...locations];
}

function resolve(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // the reader reports the error
  }
}

function decode(path: string, bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new ModelError({
      code: 'not-onnx',
      message: `${path} is not a readable ONNX model: ${(cause as Error).message}.`,
      hint: 'Export the model again, or check that the download is complete.',
      cause,
    });
  }
}

/** All tensors of a model: initializers, constants in attributes, and those in bodies and functions. */
function* tensorsOf(model: ModelProto): Generator<TensorProto> {
  if (model.graph) yield* tensorsOfGraph(model.graph);
  for (const { node } of model.functions) yield* tensorsOfNodes(node);
}

function* tensorsOfGraph(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const { values, indices } of graph.sparseInitializer) {
    if (values) yield values;
    if (indices) yield indices;
  }
  yield* tensorsOfNodes(graph.node);
}

function* tensorsOfNodes(nodes: readonly NodeProto[]): Generator<TensorProto> {
  for (const attribute of nodes.flatMap((node) => node.attribute)) {
    if (attribute.t) yield attribute.t;
    yield* attribute.tensors;
    for (const body of [attribute.g, ...attribute.graphs]) if (body) yield* tensorsOfGraph(body);
  }
}

function elementCount(tensor: TensorProto): number {
  return tensor.dims.reduce((product, size) => product * Number(size), 1);
}

function checkTensor(path: string, tensor: TensorProto): void {
  if (tensor.dims.some((size) => size < 0n)) {
    throw tensorError(path, tensor, `declares a negative size in its shape [${tensor.dims}]`);
  }
  const dtype = dtypeName(tensor.dataType);
  const needed = dtype ? byteLength(dtype, elementCount(tensor)) : null;
  if (needed === null) return; // an element type without a fixed width: the runtime checks it
  const declared =
    tensor.dataLocation === TensorProto_DataLocation.EXTERNAL
      ? externalEntries(tensor).get('length')
      : tensor.rawData.length > 0
        ? String(tensor.rawData.length)
        : undefined;
  if (declared !== undefined && wholeNumber(declared) !== needed) {
    throw tensorError(
      path,
      tensor,
      `has ${declared} bytes where its shape [${tensor.dims}] of ${dtype} needs ${needed}`,
    );
  }
  if (declared === undefined && tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) {
    checkTypedFields(path, tensor);
  }
}

/** Checks weights stored as repeated fields instead of raw bytes. */
function checkTypedFields(path: string, tensor: TensorProto): void {
  const count = elementCount(tensor);
  const held = Math.max(
    tensor.floatData.length,
    tensor.int32Data.length,
    tensor.int64Data.length,
    tensor.doubleData.length,
    tensor.uint64Data.length,
  );
  const packed = ['int4', 'uint4'].includes(dtypeName(tensor.dataType) ?? '') ? Math.ceil(count / 2) : count;
  if (held !== packed) {
    throw tensorError(path, tensor, `holds ${held} numbers where its shape [${tensor.dims}] needs ${packed}`);
  }
}

function externalEntries(tensor: TensorProto): Map<string, string> {
  return new Map(tensor.externalData.map((entry) => [entry.key, entry.value]));
}

/**
 * Locates the external weights of a tensor and checks that the location is allowed. A model that is a symbolic link (as in
 * download caches) may have its data beside the link, as long as they really lie in the folder of the real file; the location
 * is then rewritten to the real one, which the runtime accepts.
 * @returns where they lie; the path is absolute
 */
function checkExternal(path: string, folders: { real: string; given: string }, tensor: TensorProto): Range {
  const external = (message: string, hint: string) =>
    new ModelError({ code: 'external-data', message: `${path}: ${message}`, hint });
  const keys = tensor.externalData.map((entry) => entry.key);
  if (new Set(keys).size < keys.length) {
    throw external(`"${tensor.name}" says twice where its weights lie.`, 'Export the model again.');
  }
  const entries = externalEntries(tensor);
  const location = entries.get('location') ?? '';
  const leaves = () =>
    external(
      `the weights of "${tensor.name}" are said to lie in "${location}", outside the model's folder.`,
      'Keep external data beside the .onnx file, as real files and not as links.',
    );
  if (location === '' || /^([a-zA-Z]:|[\\/])/.test(location)) throw leaves();
  const inside = (file: string, folder: string) =>
    file.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  if (!inside(join(folders.real, location), folders.real)) throw leaves();
  const file = realFile([join(folders.real, location), join(folders.given, location)]);
  if (!file) {
    throw external(
      `the weights of "${tensor.name}" should lie in "${location}", which is no file beside the model.`,
      'Download the external data file(s) into the folder of the .onnx file.',
    );
  }
  if (!inside(file.real, folders.real)) throw leaves();
  for (const entry of tensor.externalData)
    if (entry.key === 'location') entry.value = relative(folders.real, file.real).split(sep).join('/');

  const dtype = dtypeName(tensor.dataType);
  const offset = wholeNumber(entries.get('offset') ?? '0');
  const length = wholeNumber(
    entries.get('length') ?? String((dtype && byteLength(dtype, elementCount(tensor))) ?? 0),
  );
  if (!(offset + length <= file.size)) {
    if (file.size <= POINTER_BYTES && isGitLfsPointer(readSmallFile(file.real, POINTER_BYTES))) {
      const { why, hint } = gitLfsPointer(location);
      throw external(`its weights cannot be read from "${location}": ${why}.`, hint);
    }
    throw tensorError(
      path,
      tensor,
      `lies at bytes ${offset} to ${offset + length} of "${location}", which has ${file.size}`,
    );
  }
  return { file: file.real, from: offset, to: offset + length, tensor };
}

/** Bytes [from, to) of a file. */
interface Range {
  file: string;
  from: number;
  to: number;
  tensor: TensorProto;
}

/** Two tensors may share all of their bytes, as tied weights do; sharing some is damage. */
function checkOverlaps(path: string, ranges: Range[]): void {
  ranges.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.from - b.from || b.to - a.to));
  let before: Range | null = null;
  for (const range of ranges) {
    if (range.to === range.from) continue;
    const shares = before?.file === range.file && range.from < before.to;
    if (before && shares && !(range.from === before.from && range.to === before.to))
      throw tensorError(path, range.tensor, `shares some of its bytes with "${before.tensor.name}"`);
    before = range;
  }
}

/** A product with a matrix in blocks of few bits has as many codes, scales and zero points as its sizes say. */
function checkBlockProducts(path: string, { node: nodes, initializer }: GraphProto): void {
  const tensors = new Map(initializer.map((tensor) => [tensor.name, tensor]));
  for (const node of nodes) {
    if (!isBlockProduct(node)) continue;
    const size = (of: string, usual = 0) =>
      Number(node.attribute.find(({ name }) => name === of)?.i ?? usual);
    const [inputs, outputs] = blockProductSizes(node);
    const [block, bits] = [size('block_size'), size('bits', 4)];
    const blocks = Math.ceil(inputs / block);
    const wanted = [
      Math.ceil((outputs * blocks * block * bits) / 8),
      outputs * blocks,
      outputs * Math.ceil((blocks * bits) / 8),
    ];
    for (const [i, count] of wanted.entries()) {
      const tensor = tensors.get(node.input[1 + i] ?? '');
      const isZeros = i === 2;
      if (!tensor || (isZeros && dtypeName(tensor.dataType) !== 'uint8')) continue;
      if (elementCount(tensor) === count && inputs > 0 && outputs > 0) continue;
      throw tensorError(
        path,
        tensor,
        `has ${elementCount(tensor)} elements, where a product of ${inputs} by ${outputs} in blocks of ${block} with ${bits} bits needs ${count}`,
      );
    }
  }
}

/** Digits only, as the runtime reads them; NaN for anything else. */
function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** The first of `candidates` that is a regular file, links resolved. */
function realFile(candidates: readonly string[]): { real: string; size: number } | null {
  for (const candidate of candidates) {
    try {
      const real = realpathSync(candidate);
      const stat = statSync(real);
      if (stat.isFile()) return { real, size: stat.size };
    } catch {
      // not there, or a broken link: the next one
    }
  }
  return null;
}

/** Checks that the inputs of every node exist and are computed before use. */
function checkEdges(path: string, graph: Graph): void {
  const { proto } = graph;
  const known = new Set<string>(['']);
  for (const { name } of [...proto.input, ...proto.initializer]) known.add(name);
  for (const { values } of proto.sparseInitializer) if (values) known.add(values.name);
  for (const node of proto.node) {
    const missing = node.input.find((input) => !known.has(input));
    if (missing !== undefined) {
      throw new ModelError({
        code: 'broken-graph',
        message: `${path}: the node "${node.name}" (${node.opType}) reads "${missing}", which nothing before it makes.`,
        hint: 'Export the model again; the file is damaged or was edited by hand.',
      });
    }
    for (const output of node.output) known.add(output);
  }
  const output = proto.output.find((info) => !known.has(info.name));
  if (output) {
    throw new ModelError({
      code: 'broken-graph',
      message: `${path}: the output "${output.name}" is made by no node.`,
      hint: 'Export the model again; the file is damaged or was edited by hand.',
    });
  }
}

function tensorError(path: string, tensor: TensorProto, what: string): ModelError {
  return new ModelError({
    code: 'tensor-size',
    message: `${path}: the tensor "${tensor.name}" ${what}.`,
    hint: 'The file is cut short or damaged: download or export it again.',
  });
}
