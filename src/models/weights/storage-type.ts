/**
 * How a checkpoint file stores its matrices: as float32, as float16, or as int8 with one scale per output of a linear layer
 * and per row of an embedding. The network always computes in float32: float16 is widened once, when the runtime loads it;
 * int8 at each call, which costs less time than the products and keeps memory small. Vectors (biases, norms) stay float32,
 * because they are small.
 */
import { ModelError } from '../../errors.js';
import type { Graph, Value } from '../../graph/graph.js';
import { Cast, DequantizeLinear } from '../../graph/operators.js';
import type { WeightBytes } from '../../graph/write.js';
import type { Parameter } from '../architectures/parameters.js';
import { encodeFloat16, LARGEST_FLOAT16 } from './half-precision.js';
import type { StorageType } from './storage-names.js';
import type { WeightSource } from './weight-source.js';

/** The factor of int8 values: `<name>.scale`. */
const SCALE = '.scale';
/** The largest symmetric int8: −128 is not used. */
const LARGEST_INT8 = 127;

const isMatrix = ({ dims }: Pick<Parameter, 'dims'>): boolean => dims.length === 2;

/** Declares a parameter as a weight of the graph, widened to float32. */
export function declareStored(type: StorageType): (graph: Graph, parameter: Parameter) => Value {
  return (graph, parameter) => {
    const { name, dims } = parameter;
    if (type === 'float32' || !isMatrix(parameter)) return graph.weight(name, 'float32', dims);
    const kept = graph.weight(name, type, dims);
    if (type === 'float16') return Cast(kept, { to: 'float32' });
    const scale = graph.weight(name + SCALE, 'float32', [dims[parameter.perRow ? 0 : 1]]);
    return DequantizeLinear(kept, scale, { axis: parameter.perRow ? 0 : 1 });
  };
}

/** The bytes of the weights that `declareStored` declared. @throws ModelError `weight-not-finite`, `weight-too-large` */
export function storedBytes(parameters: readonly Parameter[], source: WeightSource): WeightBytes {
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const scales = new Map<string, Float32Array>();
  const scalesOf = async (parameter: Parameter) => {
    const known = scales.get(parameter.name) ?? (await absoluteMaxima(parameter, source));
    scales.set(parameter.name, known);
    return known;
  };
  return async function* bytes({ name, dtype }) {
    const scaled = byName.get(name) ? null : byName.get(name.slice(0, -SCALE.length));
    if (scaled) {
      const { buffer, byteOffset, byteLength } = await scalesOf(scaled);
      yield new Uint8Array(buffer, byteOffset, byteLength);
      return;
    }
    const parameter = byName.get(name);
    if (!parameter) throw new RangeError(`the architecture has no parameter "${name}"`);
    if (dtype === 'int8') yield* int8Pieces(parameter, source, await scalesOf(parameter));
    else if (dtype === 'float16') yield* float16Pieces(parameter, source);
    else {
      for await (const piece of source(parameter)) {
        checkFinite(parameter, piece, Number.MAX_VALUE);
        yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
      }
    }
  };
}

async function* float16Pieces(parameter: Parameter, source: WeightSource): AsyncGenerator<Uint8Array> {
  for await (const piece of source(parameter)) {
    checkFinite(parameter, piece, LARGEST_FLOAT16);
    const bits = new Uint16Array(piece.length);
    encodeFloat16(piece, bits);
    yield new Uint8Array(bits.buffer);
  }
}

async function* int8Pieces(
  parameter: Parameter,
  source: WeightSource,
  scale: Float32Array,
): AsyncGenerator<Uint8Array> {
  const { dims, perRow } = parameter;
  const width = dims[1];
  let at = 0;
  for await (const piece of source(parameter)) {
    const bytes = new Int8Array(piece.length);
    for (let i = 0; i < piece.length; i++) {
      const by = scale[perRow ? Math.floor((at + i) / width) : (at + i) % width];
      bytes[i] = by === 0 ? 0 : Math.max(-LARGEST_INT8, Math.min(LARGEST_INT8, Math.round(piece[i] / by)));
    }
    at += piece.length;
    yield new Uint8Array(bytes.buffer);
  }
}

/** Largest absolute value of each row or column, over 127. */
async function absoluteMaxima(parameter: Parameter, source: WeightSource): Promise<Float32Array> {
  const { dims, perRow } = parameter;
  const width = dims[1];
  const largest = new Float32Array(perRow ? dims[0] : width);
  let at = 0;
  for await (const piece of source(parameter)) {
    checkFinite(parameter, piece, Number.MAX_VALUE);
    for (let i = 0; i < piece.length; i++) {
      const place = perRow ? Math.floor((at + i) / width) : (at + i) % width;
      const value = Math.abs(piece[i]);
      if (value > largest[place]) largest[place] = value;
    }
    at += piece.length;
  }
  return largest.map((value) => value / LARGEST_INT8);
}

function checkFinite({ name }: Parameter, piece: Float32Array, most: number): void {
  for (let i = 0; i < piece.length; i++) {
    if (Math.abs(piece[i]) <= most) continue;
    if (!Number.isFinite(piece[i])) {
      throw new ModelError({
        code: 'weight-not-finite',
        message: `The weights of "${name}" hold ${piece[i]}: the network was saved after its training diverged, or is damaged.`,
        hint: 'Convert an earlier checkpoint, or get the file again.',
      });
    }
    throw new ModelError({
      code: 'weight-too-large',
      message: `The weights of "${name}" hold ${piece[i]}, and float16 ends at ${LARGEST_FLOAT16}.`,
      hint: 'Convert without --dtype float16.',
    });
  }
}
