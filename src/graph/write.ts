/**
 * Writes a model whose weights are not in memory: the bytes of each weight pass through in pieces, so writing a network of
 * any size needs the memory of one piece.
 *
 * Protobuf puts a length before every message, so the sizes of all weights must be known before the first byte is written;
 * they follow from the shapes. Past 2 GB, which protobuf cannot hold, weights go to files beside the model: `<model>.data`,
 * and where that is full, `<model>.data_1`, `<model>.data_2` … No file of them appears before all are complete.
 */
import { existsSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { AtomicFile } from '../storage/atomic-file.js';
import { byteLength, type DType, dtypeName } from './dtype.js';
import type { Graph } from './graph.js';
import {
  create,
  GraphProtoSchema,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  toBinary,
} from './onnx.js';
import { readModelFile } from './read.js';
import { lengthDelimited } from './wire.js';

/** A weight that Graph.weight declared. */
export interface DeclaredWeight {
  name: string;
  dtype: DType;
  dims: readonly number[];
}

/** A weight's bytes, little-endian and in order, in pieces of any size. */
export type WeightBytes = (weight: DeclaredWeight) => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface WrittenModel {
  path: string;
  /** Path of the weights, if they are not in the model file itself; the first of several. */
  dataPath: string | null;
  /** Paths of all files of weights beside the model. */
  dataPaths: string[];
  /** Bytes of all files together. */
  bytes: number;
}

export interface WriteOptions {
  /** Weights of more bytes than this go to separate files. */
  largestInline?: number;
  /** Bytes after which the next file of weights begins. A weight is never cut: one that is larger has a file of its own. */
  largestShard?: number;
  /** Small files that appear with the model, such as its card. */
  beside?: readonly SmallFile[];
}

export interface SmallFile {
  path: string;
  content: string | Buffer;
}

/** Protobuf messages end below 2 GiB; the graph itself must fit in addition to the weights. */
const LARGEST_INLINE = 2 ** 31 - 2 ** 24;
/** File systems of memory cards end at 4 GiB. */
const LARGEST_SHARD = 4e9;
/** Alignment of weights in a separate file, because the runtime maps pages. */
const PAGE = 4096;
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_RAW_DATA = 9;

/** @throws FileError when a file cannot be written   @throws RangeError when the bytes of a weight do not match its shape */
export async function writeModel(
  path: string,
  graph: Graph,
  weightBytes: WeightBytes,
  { largestInline = LARGEST_INLINE, largestShard = LARGEST_SHARD, beside = [] }: WriteOptions = {},
): Promise<WrittenModel> {
  const declared = declaredTensors(graph);
  const total = declared.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const before = shardsOf(path);
  const files: AtomicFile[] = [];
  const create = async (at: string) => {
    const file = await AtomicFile.create(at);
    files.push(file);
    return file;
  };
  try {
    const shards =
      total > largestInline
        ? await writeExternal(path, graph, declared, weightBytes, { create, largestShard })
        : await writeInline(path, graph, declared, weightBytes, create);
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path: at, content } of beside)
      await (await create(at)).write(typeof content === 'string' ? Buffer.from(content) : content);
    // The model last: until then, nothing refers to the others. What belongs beside it comes before it, too.
    const inOrder = [
      ...files.filter((file) => file.path !== path),
      ...files.filter((file) => file.path === path),
    ];
    for (const file of inOrder) await file.commit();
    const now = new Set(shards.map((shard) => basename(shard)));
    for (const old of before) if (!now.has(basename(old))) rmSync(old, { force: true });
    return { path, dataPath: shards[0] ?? null, dataPaths: shards, bytes };
  } catch (error) {
    for (const file of files) await file.withdraw();
    throw error;
  }
}

/** Files of weights under our names that the model at a path refers to: of no use once another takes its place. */
function shardsOf(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    const name = `${basename(path)}.data`;
    const isOurs = (file: string) =>
      basename(file).startsWith(name) && /^(_\d+)?$/.test(basename(file).slice(name.length));
    return readModelFile(path).dataFiles.filter(isOurs);
  } catch {
    return []; // no model: whatever lies beside it is not known to be its own
  }
}

/** Puts the data of declared weights into the graph itself, for small models that stay in memory. */
export async function fillWeights(graph: Graph, weightBytes: WeightBytes): Promise<void> {
  for (const tensor of declaredTensors(graph)) {
    const data = new Uint8Array(bytesOf(tensor));
    let at = 0;
    for await (const piece of checkedPieces(tensor, weightBytes)) {
      data.set(piece, at);
      at += piece.length;
    }
    tensor.rawData = data;
  }
}

type CreateFile = (path: string) => Promise<AtomicFile>;

async function writeInline(
  path: string,
  graph: Graph,
  declared: readonly TensorProto[],
  weightBytes: WeightBytes,
  createFile: CreateFile,
): Promise<string[]> {
  const rest = toBinary(GraphProtoSchema, withInitializers(graph, heldTensors(graph)).proto);
  const fields = declared.map((tensor) => {
    const described = toBinary(TensorProtoSchema, tensor);
    const dataHeader = lengthDelimited(TENSOR_RAW_DATA, bytesOf(tensor));
    const length = described.length + dataHeader.length + bytesOf(tensor);
    const header = lengthDelimited(GRAPH_INITIALIZER, length);
    return { tensor, before: [header, described, dataHeader], length: header.length + length };
  });
  const graphLength = rest.length + fields.reduce((sum, { length }) => sum + length, 0);
  const file = await createFile(path);
  await file.write(
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { ...graph.model, graph: undefined })),
  );
  await file.write(lengthDelimited(MODEL_GRAPH, graphLength));
  await file.write(rest);
  for (const { tensor, before } of fields) {
    for (const bytes of before) await file.write(bytes);
    for await (const piece of checkedPieces(tensor, weightBytes)) await file.write(piece);
  }
  return [];
}

/** @returns the paths of the files of weights */
async function writeExternal(
  path: string,
  graph: Graph,
  declared: readonly TensorProto[],
  weightBytes: WeightBytes,
  { create: createFile, largestShard }: { create: CreateFile; largestShard: number },
): Promise<string[]> {
  const shards: string[] = [];
  const external: TensorProto[] = [];
  let data: AtomicFile | null = null;
  for (const tensor of declared) {
    const padding: number = data ? (PAGE - (data.size % PAGE)) % PAGE : 0;
    if (!data || (data.size > 0 && data.size + padding + bytesOf(tensor) > largestShard)) {
      shards.push(`${path}.data${shards.length === 0 ? '' : `_${shards.length}`}`);
      data = await createFile(shards[shards.length - 1]);
    } else await data.write(new Uint8Array(padding));
    external.push(externalTensor(tensor, basename(data.path), data.size));
    for await (const piece of checkedPieces(tensor, weightBytes)) await data.write(piece);
  }
  const file = await createFile(path);
  const { model } = withInitializers(graph, [...heldTensors(graph), ...external]);
  await file.write(toBinary(ModelProtoSchema, model));
  return shards;
}

function externalTensor(tensor: TensorProto, location: string, offset: number): TensorProto {
  const entries = { location, offset: String(offset), length: String(bytesOf(tensor)) };
  return create(TensorProtoSchema, {
    ...tensor,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  });
}

/** Weights without data, as Graph.weight declares them. An empty tensor needs no data. */
function declaredTensors(graph: Graph): TensorProto[] {
  return graph.proto.initializer.filter((tensor) => !isHeld(tensor));
}

function heldTensors(graph: Graph): TensorProto[] {
  return graph.proto.initializer.filter(isHeld);
}

function isHeld(tensor: TensorProto): boolean {
  return (
    tensor.rawData.length > 0 ||
    tensor.dataLocation === TensorProto_DataLocation.EXTERNAL ||
    tensor.floatData.length + tensor.int32Data.length + tensor.int64Data.length > 0 ||
    bytesOf(tensor) === 0
  );
}

function withInitializers(graph: Graph, initializer: TensorProto[]) {
  const proto = create(GraphProtoSchema, { ...graph.proto, initializer });
  return { proto, model: create(ModelProtoSchema, { ...graph.model, graph: proto }) };
}

function bytesOf({ dataType, dims }: TensorProto): number {
  const count = dims.reduce((product, size) => product * Number(size), 1);
  const dtype = dtypeName(dataType);
  return (dtype && byteLength(dtype, count)) ?? 0;
}

/** The pieces of a weight; checks that their total length matches the shape. */
async function* checkedPieces(tensor: TensorProto, weightBytes: WeightBytes): AsyncGenerator<Uint8Array> {
  let left = bytesOf(tensor);
  // Graph.weight accepts only types that have names.
  const weight = { name: tensor.name, dtype: dtypeName(tensor.dataType)!, dims: tensor.dims.map(Number) };
  for await (const piece of weightBytes(weight)) {
    left -= piece.length;
    if (left < 0) break;
    yield piece;
  }
  if (left === 0) return;
  throw new RangeError(
    `the weight "${tensor.name}" has ${left > 0 ? 'fewer' : 'more'} bytes than its shape [${tensor.dims}]`,
  );
}
