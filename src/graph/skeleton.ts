/**
 * Reads the structure of an ONNX file without its weights.
 *
 * A model's bytes are nearly all tensors. This walks the protobuf wire format of the file, copies everything else and
 * replaces each large `raw_data` by a reference to where those bytes already lie: ONNX external data with the
 * file itself as location. The result has the size of the graph alone, whatever the size of the weights, and each
 * declared length is checked against what encloses it before anything is allocated or handed to the runtime.
 *
 * Not responsible for: the meaning of fields beyond model → graph → initializer, or weights in other files.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { ModelError } from '../errors.js';
import { reasonOf, systemCodeOf } from '../storage/file-failure.js';
import { gitLfsPointer, isGitLfsPointer } from '../storage/small-file.js';
import { varintBytes } from './wire.js';

/** Tensors below this many bytes stay inline: a reference would be as long. */
const INLINE_BYTES = 1024;
/** Maximum size of a graph without its weights. */
const LARGEST_SKELETON = 1 << 29;

const MODEL_IR_VERSION = 1;
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_RAW_DATA = 9;
const TENSOR_EXTERNAL_DATA = 13;
const TENSOR_DATA_LOCATION = 14;
const WIRE_LENGTH_DELIMITED = 2;

export interface Skeleton {
  /** ModelProto bytes in which every large initializer refers to the original file. */
  bytes: Uint8Array;
  /** Size of the whole file in bytes. */
  fileSize: number;
  /** Bytes of weights that are referenced instead of copied. */
  referredBytes: number;
}

/**
 * @param path the ONNX file   @param location what external-data entries name the file (its base name)
 * @throws ModelError `not-onnx` or `truncated-model`
 */
export function readSkeleton(path: string, location: string): Skeleton {
  const file = new FileWindow(path);
  try {
    if (file.size === 0) throw notOnnx(path, 'the file is empty');
    if (isGitLfsPointer(file.copy(0, Math.min(file.size, 64)))) throw pointer(path);
    const scan = new Scan(file, path, location);
    const bytes = concat(scan.message(0, file.size, 'model'));
    if (!scan.sawGraph) throw notOnnx(path, 'it holds no graph');
    return { bytes, fileSize: file.size, referredBytes: scan.referredBytes };
  } finally {
    file.close();
  }
}

type Level = 'model' | 'graph' | 'tensor';

class Scan {
  sawGraph = false;
  referredBytes = 0;
  private kept = 0;
  /** The file began like a model: any later error means damage, not another format. */
  private looksLikeOnnx = false;

  constructor(
    private readonly file: FileWindow,
    private readonly path: string,
    private readonly location: string,
  ) {}

  /** The output chunks for a message in bytes [start, end). */
  message(start: number, end: number, level: Level): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    let at = start;
    let keptFrom = start;
    const keepUntil = (position: number) => {
      if (position > keptFrom) chunks.push(this.file.copy(keptFrom, position - keptFrom));
    };
    while (at < end) {
      const fieldStart = at;
      const tag = this.varint(at, end, level);
      const field = Math.floor(tag.value / 8);
      const wire = tag.value % 8;
      if (field === 0) throw this.damaged(`byte ${at} starts a field numbered 0`);
      at = tag.next;
      if (wire !== WIRE_LENGTH_DELIMITED) {
        if (level === 'model' && field === MODEL_IR_VERSION) this.looksLikeOnnx = true;
        at = this.scalarEnd(at, end, wire, level);
        this.count(at - fieldStart);
        continue;
      }
      const length = this.varint(at, end, level);
      const bodyStart = length.next;
      at = bodyStart + length.value;
      if (at > end) throw this.truncated(level, bodyStart, length.value, end);
      const inner = innerLevel(level, field);
      if (inner === 'graph') this.sawGraph = true;
      const referred = level === 'tensor' && field === TENSOR_RAW_DATA && length.value >= INLINE_BYTES;
      if (!inner && !referred) {
        this.count(at - fieldStart);
        continue;
      }
      keepUntil(fieldStart);
      keptFrom = at;
      if (referred) {
        chunks.push(this.reference(bodyStart, length.value));
      } else if (inner) {
        const body = this.message(bodyStart, at, inner);
        chunks.push(lengthDelimitedHeader(field, body));
        for (const chunk of body) chunks.push(chunk); // too many for arguments of one call
      }
    }
    keepUntil(end);
    return chunks;
  }

  /** Counts bytes to keep, before any of them is read into memory. */
  private count(bytes: number): void {
    this.kept += bytes;
    if (this.kept > LARGEST_SKELETON) {
      throw new ModelError({
        code: 'graph-too-large',
        message: `The graph of ${this.path} takes more than ${LARGEST_SKELETON / 2 ** 20} MiB without its weights.`,
        hint: 'Store the weights as raw_data or as external data, as exporters do by default.',
      });
    }
  }

  private reference(offset: number, length: number): Uint8Array {
    this.referredBytes += length;
    const entry = (key: string, value: string) =>
      bytesField(TENSOR_EXTERNAL_DATA, concat([stringField(1, key), stringField(2, value)]));
    return concat([
      entry('location', this.location),
      entry('offset', String(offset)),
      entry('length', String(length)),
      Uint8Array.of((TENSOR_DATA_LOCATION << 3) | 0, 1),
    ]);
  }

  private scalarEnd(at: number, end: number, wire: number, level: Level): number {
    if (wire === 0) return this.varint(at, end, level).next;
    const width = wire === 1 ? 8 : wire === 5 ? 4 : -1;
    if (width < 0) throw this.damaged(`byte ${at} starts a field of unknown wire type ${wire}`);
    if (at + width > end) throw this.truncated(level, at, width, end);
    return at + width;
  }

  private varint(at: number, end: number, level: Level): { value: number; next: number } {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      if (at + shift >= end) throw this.truncated(level, at, shift + 1, end);
      const byte = this.file.byte(at + shift);
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return { value, next: at + shift + 1 };
    }
    throw this.damaged(`byte ${at} starts a number of more than ten bytes`);
  }

  private truncated(level: Level, at: number, needs: number, end: number): ModelError {
    const left = Math.max(0, end - at);
    if (!this.looksLikeOnnx)
      return notOnnx(this.path, `byte ${at} declares ${needs} bytes where ${left} are left`);
    return this.damaged(`a ${level} field at byte ${at} needs ${needs} bytes, ${left} are there`);
  }

  private damaged(why: string): ModelError {
    if (!this.looksLikeOnnx) return notOnnx(this.path, why);
    return new ModelError({
      code: 'truncated-model',
      message: `${this.path} is cut short or damaged: ${why}.`,
      hint: 'Download or export the checkpoint again and compare its size and sha256.',
    });
  }
}

function innerLevel(level: Level, field: number): Level | null {
  if (level === 'model' && field === MODEL_GRAPH) return 'graph';
  if (level === 'graph' && field === GRAPH_INITIALIZER) return 'tensor';
  return null;
}

function pointer(path: string): ModelError {
  const { code, why, hint } = gitLfsPointer(path);
  return new ModelError({ code, message: `Cannot read ${path}: ${why}.`, hint });
}

function notOnnx(path: string, why: string): ModelError {
  return new ModelError({
    code: 'not-onnx',
    message: `${path} is not an ONNX model: ${why}.`,
    hint: 'Give the .onnx file itself; PyTorch and safetensors weights have to be converted first.',
  });
}

/** Reads single bytes through a window, so that walking the structure of a large file costs few system calls. */
class FileWindow {
  readonly size: number;
  private readonly descriptor: number;
  private window = new Uint8Array(1 << 16);
  private start = 0;
  private filled = 0;

  constructor(private readonly path: string) {
    try {
      // Opening a named pipe would block.
      this.descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    } catch (cause) {
      throw cannotRead(path, cause);
    }
    const stat = fstatSync(this.descriptor);
    if (!stat.isFile()) {
      closeSync(this.descriptor);
      throw cannotRead(path, null, 'it is not a regular file');
    }
    this.size = stat.size;
  }

  byte(position: number): number {
    if (position < this.start || position >= this.start + this.filled) {
      this.start = position;
      this.filled = this.readAt(this.window, position);
    }
    return this.window[position - this.start];
  }

  copy(position: number, length: number): Uint8Array {
    const target = new Uint8Array(length);
    if (position >= this.start && position + length <= this.start + this.filled) {
      target.set(this.window.subarray(position - this.start, position - this.start + length));
    } else if (this.readAt(target, position) < length) {
      throw cannotRead(this.path, null, 'it became shorter while it was read');
    }
    return target;
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private readAt(target: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < target.length) {
      const count = readSync(this.descriptor, target, filled, target.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }
}

function cannotRead(path: string, cause: unknown, why?: string): ModelError {
  const missing = systemCodeOf(cause) === 'ENOENT';
  return new ModelError({
    code: missing ? 'model-not-found' : 'model-unreadable',
    message: missing ? `There is no file ${path}.` : `${path} cannot be read: ${why ?? reasonOf(cause)}.`,
    hint: 'Check the path given to --model.',
    cause,
  });
}

function lengthDelimitedHeader(field: number, body: readonly Uint8Array[]): Uint8Array {
  const length = body.reduce((sum, chunk) => sum + chunk.length, 0);
  return Uint8Array.from([...varintBytes(field * 8 + WIRE_LENGTH_DELIMITED), ...varintBytes(length)]);
}

function bytesField(field: number, body: Uint8Array): Uint8Array {
  return concat([lengthDelimitedHeader(field, [body]), body]);
}

function stringField(field: number, text: string): Uint8Array {
  return bytesField(field, new TextEncoder().encode(text));
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
