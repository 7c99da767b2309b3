/**
 * Stored matrices in the layout that a network needs. PyTorch's linear layers store [out, in], ours [in, out]. The transpose
 * of a matrix too large for one band of memory is made in several passes over the file.
 */
import {
  countOf,
  decodedElements,
  elementsOf,
  type StoredTensor,
  undecodedArray,
  undecodedElementsOf,
  widthOf,
} from './stored-tensor.js';

/** Elements of the transpose that are in memory at a time, as the file has them: 64 MiB of 16 bits, 128 MiB of float32. */
const BAND = 1 << 25;
/** Elements of the result per piece, about. */
const PIECE = 1 << 20;

/** Rows [from, to) of a stored matrix, or elements of a vector. */
export function rowsOf(tensor: StoredTensor, from: number, to: number): StoredTensor {
  const [, ...rest] = tensor.shape;
  const offset = tensor.offset + from * countOf(rest) * widthOf(tensor);
  return { ...tensor, shape: [to - from, ...rest], offset };
}

/**
 * @param stored [rows, columns], or several matrices of as many columns, one below the other
 * @param rowOrder column of the result for each stored row; in stored order by default
 * @returns the elements of the [columns, rows] matrix, row after row, in pieces
 */
export function* transposedChunks(
  stored: StoredTensor | readonly StoredTensor[],
  rowOrder: Int32Array | null = null,
  band = BAND,
): Generator<Float32Array> {
  const tensors = 'shape' in stored ? [stored] : stored;
  const [, columns] = tensors[0].shape;
  const rows = tensors.reduce((sum, { shape }) => sum + shape[0], 0);
  const wide = Math.min(columns, Math.max(1, Math.floor(band / rows)));
  const alike = tensors.every(({ type }) => type === tensors[0].type);
  const elementsIn = alike ? undecodedElementsOf : elementsOf;
  const result = alike ? undecodedArray(tensors[0], wide * rows) : new Float32Array(wide * rows);
  const order = rowOrder ?? Int32Array.from({ length: rows }, (_, row) => row);
  const atOnce = Math.max(1, Math.floor(PIECE / rows)) * rows;
  for (let from = 0; from < columns; from += wide) {
    const here = Math.min(wide, columns - from);
    let first = 0;
    for (const tensor of tensors) {
      for (const piece of elementsIn(tensor, columns)) {
        const count = piece.length / columns;
        for (let column = 0; column < here; column++) {
          const at = column * rows;
          for (let row = 0, source = from + column; row < count; row++, source += columns) {
            result[at + order[first + row]] = piece[source];
          }
        }
        first += count;
      }
    }
    // Decoded last, so that the band of a file of 16 bits holds twice as much.
    for (let at = 0; at < here * rows; at += atOnce)
      yield decodedElements(tensors[0], result.subarray(at, Math.min(here * rows, at + atOnce)));
  }
}

/**
 * Here, rotary positions rotate the pairs (i, i + size/2) of a head; in llama2.c, the neighbours (2i, 2i + 1). Permuting the
 * rows that make queries and keys gives the same network.
 * @returns the new index of each stored row of `heads` heads of `size`
 */
export function neighboursToHalves(heads: number, size: number): Int32Array {
  return Int32Array.from({ length: heads * size }, (_, row) => {
    const within = row % size;
    return row - within + (within % 2) * (size / 2) + Math.floor(within / 2);
  });
}
