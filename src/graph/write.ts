/**
 * Writes a model whose weights are not in memory: the bytes of each weight pass through in pieces, so writing a network of
 * any size needs the memory of one piece.
 *
 * Protobuf puts a length before every message, so the sizes of all weights must be known before the first byte is written;
 * they follow from the shapes. Past 2 GB, which protobuf cannot hold, weights go to `<model>.data` beside the model.
 */
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
  /** Path of the weights, if they are not in the model file itself. */
  dataPath: string | null;
  /** Bytes of all files together. */
  bytes: number;
}

export interface WriteOptions {
  /** Weights of more bytes than this go to a separate file. */
  largestInline?: number;
}

/** Protobuf messages end below 2 GiB; the graph itself must fit in addition to the weights. */
const LARGEST_INLINE = 2 ** 31 - 2 ** 24;
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
  { largestInline = LARGEST_INLINE }: WriteOptions = {},
): Promise<WrittenModel> {
  const declared = declaredTensors(graph);
  const total = declared.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  return total > largestInline
    ? writeExternal(path, graph, declared, weightBytes)
    : writeInline(path, graph, declared, weightBytes);
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

async function writeInline(
  path: string,
  graph: Graph,
  declared: readonly TensorProto[],
  weightBytes: WeightBytes,
): Promise<WrittenModel> {
  const rest = toBinary(GraphProtoSchema, withInitializers(graph, heldTensors(graph)).proto);
  const fields = declared.map((tensor) => {
    const described = toBinary(TensorProtoSchema, tensor);
    const dataHeader = lengthDelimited(TENSOR_RAW_DATA, bytesOf(tensor));
    const length = described.length + dataHeader.length + bytesOf(tensor);
    const header = lengthDelimited(GRAPH_INITIALIZER, length);
    return { tensor, before: [header, described, dataHeader], length: header.length + length };
  });
  const graphLength = rest.length + fields.reduce((sum, { length }) => sum + length, 0);
  const file = await AtomicFile.create(path);
  await orDiscard([file], async () => {
    await file.write(
      toBinary(ModelProtoSchema, create(ModelProtoSchema, { ...graph.model, graph: undefined })),
    );
    await file.write(lengthDelimited(MODEL_GRAPH, graphLength));
    await file.write(rest);
    for (const { tensor, before } of fields) {
      for (const bytes of before) await file.write(bytes);
      for await (const piece of checkedPieces(tensor, weightBytes)) await file.write(piece);
    }
    await file.commit();
  });
  return { path, dataPath: null, bytes: file.size };
}

async function writeExternal(
  path: string,
  graph: Graph,
  declared: readonly TensorProto[],
  weightBytes: WeightBytes,
): Promise<WrittenModel> {
  const dataPath = `${path}.data`;
  const data = await AtomicFile.create(dataPath);
  const external: TensorProto[] = [];
  return orDiscard([data], async () => {
    for (const tensor of declared) {
      await data.write(new Uint8Array((PAGE - (data.size % PAGE)) % PAGE));
      external.push(externalTensor(tensor, basename(dataPath), data.size));
      for await (const piece of checkedPieces(tensor, weightBytes)) await data.write(piece);
    }
    const file = await AtomicFile.create(path);
    await orDiscard([file], async () => {
      const { model } = withInitializers(graph, [...heldTensors(graph), ...external]);
      await file.write(toBinary(ModelProtoSchema, model));
      await data.commit();
      await file.commit();
    });
    return { path, dataPath, bytes: data.size + file.size };
  });
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

/** Discards all files if writing fails. */
async function orDiscard<T>(files: readonly AtomicFile[], write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    for (const file of files) await file.discard();
    throw error;
  }
}
