/**
 * Matrices in 4 bits, as the operator MatMulNBits of the runtime takes them (domain com.microsoft). Each output's weights are
 * cut into blocks along the inputs; a block has a scale s and a zero point z, and a weight is s·(q − z) with q from 0 to 15.
 *
 *     with zero points   s = f·(max − min)/15 over the block and 0,  z = round(−f·min/s)
 *     symmetric          s = f·m/−8 for the value m of largest size,  z = 8
 *
 * Of some f from 0.6 to 1, a block takes the one with the least sum of squared errors: what is cut off at the ends is paid for by a
 * finer step in between.
 *
 *     codes    uint8 [outputs, blocks, block / 2]      two to a byte, the first in the lower half
 *     scales   float32 [outputs, blocks]
 *     zeros    uint8 [outputs, ⌈blocks / 2⌉]           as the codes; absent where symmetric
 */
import { ModelError } from '../../errors.js';
import type { Pieces } from './weight-source.js';

export interface BlockLayout {
  outputs: number;
  inputs: number;
  block: number;
  symmetric: boolean;
}

/** Scales and zero points of a matrix; complete after its codes were taken. */
export interface BlockScales {
  scales: Float32Array;
  zeros: Uint8Array | null;
}

/** Outputs whose codes make one piece, about; a whole number of rows. */
const PIECE = 1 << 20;
const LEVELS = 15;
const MIDDLE = 8;
/** f, above: the parts of a block's range that its codes may cover. */
const SHARES = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6];

export const blocksOf = ({ inputs, block }: BlockLayout): number => Math.ceil(inputs / block);
const bytesOfRow = (layout: BlockLayout): number => (blocksOf(layout) * layout.block) / 2;
const zeroBytes = (layout: BlockLayout): number => Math.ceil(blocksOf(layout) / 2);

export const emptyScales = (layout: BlockLayout): BlockScales => ({
  scales: new Float32Array(layout.outputs * blocksOf(layout)),
  zeros: layout.symmetric ? null : new Uint8Array(layout.outputs * zeroBytes(layout)),
});

/**
 * The codes of a matrix that comes by outputs, [outputs, inputs], in pieces of whole rows; fills in `into`.
 * @throws ModelError `weight-not-finite`   @throws RangeError when there are fewer elements than the layout says
 */
export async function* codesByOutput(
  name: string,
  pieces: Pieces,
  layout: BlockLayout,
  into: BlockScales,
): AsyncGenerator<Uint8Array> {
  const { inputs, outputs } = layout;
  let output = 0;
  for await (const rows of wholeRows(pieces, inputs)) {
    const count = rows.length / inputs;
    const codes = new Uint8Array(count * bytesOfRow(layout));
    for (let row = 0; row < count; row++, output++) {
      for (let b = 0; b < blocksOf(layout); b++) {
        const first = row * inputs + b * layout.block;
        encodeBlock(name, { values: rows, first, stride: 1 }, layout, { codes, row, output, b }, into);
      }
    }
    yield codes;
  }
  if (output !== outputs) throw new RangeError(`"${name}" has ${output} rows of ${outputs}`);
}

/**
 * The codes of a matrix that comes by inputs, [inputs, outputs]. The codes of one output are spread over all of it, so they
 * are in memory until the end: half a byte per element.
 */
export async function* codesByInput(
  name: string,
  pieces: Pieces,
  layout: BlockLayout,
  into: BlockScales,
): AsyncGenerator<Uint8Array> {
  const { inputs, outputs, block } = layout;
  const codes = new Uint8Array(outputs * bytesOfRow(layout));
  const values = new Float32Array(block * outputs);
  let input = 0;
  for await (const rows of wholeRows(pieces, outputs)) {
    for (let at = 0; at < rows.length; at += outputs) {
      values.set(rows.subarray(at, at + outputs), (input % block) * outputs);
      input++;
      if (input % block !== 0 && input !== inputs) continue;
      const b = Math.ceil(input / block) - 1;
      for (let output = 0; output < outputs; output++) {
        const read = { values, first: output, stride: outputs };
        encodeBlock(name, read, layout, { codes, row: output, output, b }, into);
      }
    }
  }
  if (input !== inputs) throw new RangeError(`"${name}" has ${input} rows of ${inputs}`);
  yield codes;
}

/** Encodes block `b` of an output. @param place row of `codes`, and the output in the whole matrix */
function encodeBlock(
  name: string,
  { values, first, stride }: { values: Float32Array; first: number; stride: number },
  layout: BlockLayout,
  { codes, row, output, b }: { codes: Uint8Array; row: number; output: number; b: number },
  { scales, zeros }: BlockScales,
): void {
  const { inputs, block } = layout;
  const count = Math.min(block, inputs - b * block);
  let least = 0;
  let most = 0;
  for (let i = 0, at = first; i < count; i++, at += stride) {
    const value = values[at];
    if (value < least) least = value;
    else if (value > most) most = value;
    else if (Number.isNaN(value)) throw notFinite(name, value);
  }
  if (most - least === Number.POSITIVE_INFINITY) throw notFinite(name, most);
  const { scale, zero } = bestScale({ values, first, stride, count }, { least, most, isSymmetric: !zeros });
  scales[output * blocksOf(layout) + b] = scale;
  if (zeros) zeros[output * zeroBytes(layout) + (b >> 1)] |= zero << (4 * (b & 1));
  const inverse = scale === 0 ? 0 : 1 / scale;
  const start = row * bytesOfRow(layout) + (b * block) / 2;
  for (let i = 0, at = first; i < block; i++, at += stride) {
    const code = i < count ? Math.round(values[at] * inverse) + zero : zero;
    codes[start + (i >> 1)] |= (code < 0 ? 0 : code > LEVELS ? LEVELS : code) << (4 * (i & 1));
  }
}

/** The scale and zero point that leave the least sum of squared errors. */
function bestScale(
  values: { values: Float32Array; first: number; stride: number; count: number },
  { least, most, isSymmetric }: { least: number; most: number; isSymmetric: boolean },
): { scale: number; zero: number } {
  const range = isSymmetric ? (-least > most ? least : most) / -MIDDLE : (most - least) / LEVELS;
  let best = { scale: Math.fround(range), zero: isSymmetric ? MIDDLE : 0 };
  if (best.scale === 0) return { scale: 0, zero: 0 };
  let smallest = Number.POSITIVE_INFINITY;
  for (const share of SHARES) {
    const scale = Math.fround(share * range);
    if (scale === 0) break;
    const zero = isSymmetric ? MIDDLE : Math.min(LEVELS, Math.round((-share * least) / scale));
    const error = squaredError(values, scale, zero);
    if (error >= smallest) continue;
    smallest = error;
    best = { scale, zero };
  }
  return best;
}

function squaredError(
  { values, first, stride, count }: { values: Float32Array; first: number; stride: number; count: number },
  scale: number,
  zero: number,
): number {
  const inverse = 1 / scale;
  let sum = 0;
  for (let i = 0, at = first; i < count; i++, at += stride) {
    const code = Math.round(values[at] * inverse) + zero;
    const error = values[at] - scale * ((code < 0 ? 0 : code > LEVELS ? LEVELS : code) - zero);
    sum += error * error;
  }
  return sum;
}

/** The same elements in pieces of whole rows. */
async function* wholeRows(pieces: Pieces, width: number): AsyncGenerator<Float32Array> {
  const most = Math.max(1, Math.floor(PIECE / width)) * width;
  let rest = new Float32Array(0);
  for await (const piece of pieces) {
    if (rest.length === 0 && piece.length % width === 0) {
      yield piece;
      continue;
    }
    const joined = new Float32Array(rest.length + piece.length);
    joined.set(rest);
    joined.set(piece, rest.length);
    const whole = joined.length - (joined.length % width);
    for (let at = 0; at < whole; at += most) yield joined.subarray(at, Math.min(whole, at + most));
    rest = joined.slice(whole);
  }
  if (rest.length > 0) throw new RangeError(`${rest.length} elements are left of rows of ${width}`);
}

export const notFinite = (name: string, value: number): ModelError =>
  new ModelError({
    code: 'weight-not-finite',
    message: `The weights of "${name}" hold ${value}: the network was saved after its training diverged, or is damaged.`,
    hint: 'Convert an earlier checkpoint, or get the file again.',
  });
