/**
 * Stored matrices in the layout that a network wants. PyTorch's linear layers keep [out, in], ours [in, out]; the transpose
 * of a matrix that does not fit in a band of memory is made in several passes over the file.
 */
import { elementsOf, type StoredTensor } from './stored-tensor.js';

/** Elements of the transpose in memory at a time: 64 MiB. */
const BAND = 1 << 24;

/**
 * @param tensor [rows, columns]   @param rowOrder place of each stored row among the columns of the result; as stored unless given
 * @returns the elements of the [columns, rows] matrix, row after row, in pieces
 */
export function* transposed(
  tensor: StoredTensor,
  rowOrder: Int32Array | null = null,
  band = BAND,
): Generator<Float32Array> {
  const [rows, columns] = tensor.shape;
  const wide = Math.min(columns, Math.max(1, Math.floor(band / rows)));
  const result = new Float32Array(wide * rows);
  const order = rowOrder ?? Int32Array.from({ length: rows }, (_, row) => row);
  for (let from = 0; from < columns; from += wide) {
    const here = Math.min(wide, columns - from);
    let first = 0;
    for (const piece of elementsOf(tensor, columns)) {
      const count = piece.length / columns;
      for (let column = 0; column < here; column++) {
        const at = column * rows;
        for (let row = 0, source = from + column; row < count; row++, source += columns) {
          result[at + order[first + row]] = piece[source];
        }
      }
      first += count;
    }
    yield result.subarray(0, here * rows);
  }
}

/**
 * Rotary positions turn pairs (i, i + size/2) of a head here; llama2.c's turn neighbours (2i, 2i + 1). The same network
 * comes out when the rows that make queries and keys change places.
 * @returns for each stored row of `heads` heads of `size`, its place
 */
export function neighboursToHalves(heads: number, size: number): Int32Array {
  return Int32Array.from({ length: heads * size }, (_, row) => {
    const within = row % size;
    return row - within + (within % 2) * (size / 2) + Math.floor(within / 2);
  });
}
