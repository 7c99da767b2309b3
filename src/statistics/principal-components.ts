/**
 * Principal components (Pearson, Philosophical Magazine 2, 1901): the directions in which points vary most. They are the
 * eigenvectors of XᵀX of the centred points, or come from those of XXᵀ, whichever is smaller.
 */
import { DomainError } from '../errors.js';
import type { Rows } from './k-means.js';

export interface Components {
  /** The points on the components that were kept; signs are arbitrary. */
  projected: Rows;
  /** Share of the variance along every component, falling. */
  explained: Float64Array;
}

/**
 * @param share keeps the first components that together explain this share of the variance, the one that reaches it included
 * @throws DomainError when a coordinate is not finite
 */
export function principalComponents({ data, rows, width }: Rows, share: number): Components {
  if (data.some((x) => !Number.isFinite(x)))
    throw new DomainError({ code: 'not-finite', message: 'Principal components need finite coordinates.' });
  const centred = data.slice();
  for (let k = 0; k < width; k++) {
    let mean = 0;
    for (let i = 0; i < rows; i++) mean += data[i * width + k] / rows;
    for (let i = 0; i < rows; i++) centred[i * width + k] -= mean;
  }
  const isWide = width > rows;
  const size = isWide ? rows : width;
  const product = isWide ? rowProducts(centred, rows, width) : columnProducts(centred, rows, width);
  const { values, vectors } = symmetricEigen(product, size);
  const order = [...values.keys()].sort((a, b) => values[b] - values[a]);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const explained = Float64Array.from(order, (c) => (total > 0 ? Math.max(0, values[c]) / total : 0));
  let [kept, reached] = [0, 0];
  while (kept < size && (kept === 0 || reached < share)) reached += explained[kept++];
  const projected = new Float64Array(rows * kept);
  for (let c = 0; c < kept; c++) {
    const root = Math.sqrt(Math.max(0, values[order[c]]));
    for (let i = 0; i < rows; i++) {
      // XXᵀu = λu: the points on the component are √λ·u. XᵀXv = λv: they are Xv.
      let place = 0;
      if (isWide) place = root * vectors[i * size + order[c]];
      else for (let k = 0; k < width; k++) place += centred[i * width + k] * vectors[k * size + order[c]];
      projected[i * kept + c] = place;
    }
  }
  return { projected: { data: projected, rows, width: kept }, explained };
}

/** XᵀX */
function columnProducts(x: Float64Array, rows: number, width: number): Float64Array {
  const product = new Float64Array(width * width);
  for (let i = 0; i < rows; i++) {
    const row = x.subarray(i * width, (i + 1) * width);
    for (let a = 0; a < width; a++) for (let b = 0; b <= a; b++) product[a * width + b] += row[a] * row[b];
  }
  return mirrored(product, width);
}

/** XXᵀ */
function rowProducts(x: Float64Array, rows: number, width: number): Float64Array {
  const product = new Float64Array(rows * rows);
  for (let a = 0; a < rows; a++)
    for (let b = 0; b <= a; b++) {
      let total = 0;
      for (let k = 0; k < width; k++) total += x[a * width + k] * x[b * width + k];
      product[a * rows + b] = total;
    }
  return mirrored(product, rows);
}

function mirrored(product: Float64Array, size: number): Float64Array {
  for (let a = 0; a < size; a++) for (let b = 0; b < a; b++) product[b * size + a] = product[a * size + b];
  return product;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder's reduction to three diagonals, then rotations by implicit QL
 * (Golub and Van Loan, Matrix Computations, 4th ed., sections 8.3 and 8.4).
 * @param matrix [size × size]   @returns vectors as columns
 */
function symmetricEigen(matrix: Float64Array, size: number): { values: Float64Array; vectors: Float64Array } {
  const { diagonal, beside, vectors } = tridiagonal(matrix, size);
  for (let l = 0; l < size; l++) {
    for (;;) {
      let m = l;
      while (m < size - 1 && !isNegligible(beside[m], diagonal[m], diagonal[m + 1])) m++;
      if (m === l) break;
      rotate(diagonal, beside, vectors, { l, m, size });
    }
  }
  return { values: diagonal, vectors };
}

const isNegligible = (between: number, a: number, b: number): boolean =>
  Math.abs(between) <= Number.EPSILON * (Math.abs(a) + Math.abs(b));

/** One implicit QL step with Wilkinson's shift on rows l to m. */
function rotate(
  diagonal: Float64Array,
  beside: Float64Array,
  vectors: Float64Array,
  { l, m, size }: { l: number; m: number; size: number },
): void {
  const half = (diagonal[l + 1] - diagonal[l]) / (2 * beside[l]);
  const root = Math.hypot(half, 1);
  let g = diagonal[m] - diagonal[l] + beside[l] / (half + (half < 0 ? -root : root));
  let [s, c, p] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const f = s * beside[i];
    const b = c * beside[i];
    const r = Math.hypot(f, g);
    beside[i + 1] = r;
    if (r === 0) {
      diagonal[i + 1] -= p;
      beside[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    const before = diagonal[i + 1] - p;
    const t = (diagonal[i] - before) * s + 2 * c * b;
    p = s * t;
    diagonal[i + 1] = before + p;
    g = c * t - b;
    for (let k = 0; k < size; k++) {
      const [x, y] = [vectors[k * size + i], vectors[k * size + i + 1]];
      vectors[k * size + i + 1] = s * x + c * y;
      vectors[k * size + i] = c * x - s * y;
    }
  }
  diagonal[l] -= p;
  beside[l] = g;
  beside[m] = 0;
}

/** A = QTQᵀ with T of three diagonals: its diagonal, the entries beside it ([size], the last 0), and Q. */
function tridiagonal(
  matrix: Float64Array,
  size: number,
): { diagonal: Float64Array; beside: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  const beside = new Float64Array(size);
  for (let k = 0; k < size - 1; k++) {
    // The reflection H = I − 2vvᵀ/vᵀv takes column k below the diagonal to a multiple of its first entry.
    const v = new Float64Array(size);
    let squares = 0;
    for (let i = k + 1; i < size; i++) {
      v[i] = a[i * size + k];
      squares += v[i] ** 2;
    }
    const norm = Math.sqrt(squares);
    const alpha = v[k + 1] > 0 ? -norm : norm;
    beside[k] = alpha;
    v[k + 1] -= alpha;
    const length = squares - alpha * a[(k + 1) * size + k];
    if (!(length > 0)) continue;
    // A ← A − vwᵀ − wvᵀ, with w = p − (pᵀv/2·length)v, p = Av/length, and vᵀv = 2·length.
    const w = new Float64Array(size);
    let overlap = 0;
    for (let i = k + 1; i < size; i++) {
      let product = 0;
      for (let j = k + 1; j < size; j++) product += a[i * size + j] * v[j];
      w[i] = product / length;
      overlap += w[i] * v[i];
    }
    for (let i = k + 1; i < size; i++) w[i] -= (overlap / (2 * length)) * v[i];
    for (let i = k + 1; i < size; i++)
      for (let j = k + 1; j < size; j++) a[i * size + j] -= v[i] * w[j] + w[i] * v[j];
    for (let i = 0; i < size; i++) {
      let product = 0;
      for (let j = k + 1; j < size; j++) product += vectors[i * size + j] * v[j];
      product /= length;
      for (let j = k + 1; j < size; j++) vectors[i * size + j] -= product * v[j];
    }
  }
  return { diagonal: Float64Array.from({ length: size }, (_, i) => a[i * size + i]), beside, vectors };
}
