/**
 * Tensors stored in files: their offsets and element types, and their elements as float32, read in pieces. Nothing is read
 * before it is requested, and no more than one piece is in memory.
 */
import { closeSync, readSync } from 'node:fs';
import { FileError, ModelError } from '../../errors.js';
import { fileFailure } from '../../storage/file-failure.js';
import { openRegularFile } from '../../storage/small-file.js';
import { decodeBfloat16, decodeFloat16 } from '../weights/half-precision.js';

/** Readable element types; a file may have others. */
const WEIGHT_TYPES = ['float32', 'float16', 'bfloat16', 'float64'] as const;
export type WeightType = (typeof WEIGHT_TYPES)[number];

const WIDTHS: Record<WeightType, number> = { float32: 4, float16: 2, bfloat16: 2, float64: 8 };

export interface StoredTensor {
  /** As the file names it. */
  name: string;
  /** A readable type, or the file's own name for another type. */
  type: string;
  shape: readonly number[];
  /** The file with the elements, and the byte at which they begin; row by row, little-endian. */
  path: string;
  offset: number;
}

export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** Elements per piece. */
const PIECE = 1 << 20;

export const countOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/**
 * The elements as float32, row by row. Use a piece before requesting the next, which occupies the same memory.
 * @param rowLength pieces hold whole rows of this length
 * @throws ModelError `tensor-type` for a type that cannot be read, `weights-changed` when the file became shorter
 */
export function* elementsOf(tensor: StoredTensor, rowLength = 1): Generator<Float32Array> {
  for (const piece of undecodedElementsOf(tensor, rowLength)) yield decodedElements(tensor, piece);
}

/** Elements as a file has them: of 16 bits, float32 or float64. */
export type Undecoded = Uint16Array | Float32Array | Float64Array;

/** The same pieces before they are decoded. */
export function* undecodedElementsOf(tensor: StoredTensor, rowLength = 1): Generator<Undecoded> {
  const { path, offset, shape } = tensor;
  const type = weightType(tensor);
  const count = countOf(shape);
  const size = Math.min(count, Math.max(1, Math.floor(PIECE / rowLength)) * rowLength);
  const piece = undecodedArray(tensor, size);
  const bytes = Buffer.from(piece.buffer);
  const file = openOrFail(path);
  try {
    for (let first = 0; first < count; first += size) {
      const here = Math.min(size, count - first);
      fill(file, path, bytes.subarray(0, here * WIDTHS[type]), offset + first * WIDTHS[type]);
      yield piece.subarray(0, here);
    }
  } finally {
    closeSync(file);
  }
}

/** Room for `count` elements of a tensor as its file has them. @throws ModelError `tensor-type` */
export function undecodedArray(tensor: StoredTensor, count: number) {
  const type = weightType(tensor);
  if (type === 'float32') return new Float32Array(count);
  return type === 'float64' ? new Float64Array(count) : new Uint16Array(count);
}

/** @returns new memory, or `elements` themselves where they are float32 */
export function decodedElements(tensor: StoredTensor, elements: Undecoded): Float32Array {
  if (elements instanceof Float32Array) return elements;
  if (elements instanceof Float64Array) return Float32Array.from(elements);
  const into = new Float32Array(elements.length);
  if (tensor.type === 'float16') decodeFloat16(elements, into);
  else decodeBfloat16(elements, into);
  return into;
}

/** Bytes of an element. @throws ModelError `tensor-type` */
export const widthOf = (tensor: StoredTensor): number => WIDTHS[weightType(tensor)];

function weightType({ type, name, path }: StoredTensor): WeightType {
  if ((WEIGHT_TYPES as readonly string[]).includes(type)) return type as WeightType;
  throw new ModelError({
    code: 'tensor-type',
    message: `${path}: the tensor "${name}" has elements of type ${type}, which no weights have.`,
    hint: `Weights may be ${WEIGHT_TYPES.join(', ')}: save the model in one of these.`,
  });
}

/** @throws ModelError when the file does not exist, FileError when it cannot be opened or is not a regular file */
export function openOrFail(path: string): number {
  try {
    return openRegularFile(path).descriptor;
  } catch (cause) {
    if (!(cause instanceof FileError && cause.code === 'no-such-file')) throw cause;
    throw new ModelError({
      code: 'weights-not-found',
      message: `There is no file ${path}.`,
      hint: 'Check the path of the weights.',
      cause,
    });
  }
}

/** Reads as many bytes as `target` takes. @throws ModelError when the file has fewer */
export function fill(file: number, path: string, target: Uint8Array, position: number): void {
  let filled = 0;
  try {
    while (filled < target.length) {
      const count = readSync(file, target, filled, target.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
  } catch (cause) {
    throw fileFailure(cause, 'read', path);
  }
  if (filled === target.length) return;
  throw new ModelError({
    code: 'weights-changed',
    message: `${path} ends before its byte ${position + target.length}, which it had when it was opened.`,
    hint: 'Something else writes to it: wait until that is done.',
  });
}
