/** The bytes of a network's weights in the forms that stored-matrices.ts gave them. */
import { ModelError } from '../../errors.js';
import type { WeightBytes } from '../../graph/write.js';
import type { Parameter } from '../architectures/parameters.js';
import { type BlockScales, codesByInput, codesByOutput, emptyScales, notFinite } from './four-bits.js';
import { encodeFloat16, LARGEST_FLOAT16 } from './half-precision.js';
import { SCALE, type StoredForm, ZERO } from './stored-matrices.js';
import type { WeightSource } from './weight-source.js';

/** The largest symmetric int8: −128 is not used. */
const LARGEST_INT8 = 127;

const asBytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** @param forms as storeMatrices returns   @throws ModelError `weight-not-finite`, `weight-too-large` */
export function storedBytes(
  parameters: readonly Parameter[],
  source: WeightSource,
  forms: ReadonlyMap<string, StoredForm>,
): WeightBytes {
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const parameterOf = (name: string, ending = ''): Parameter => {
    const parameter = byName.get(ending ? name.slice(0, -ending.length) : name);
    if (!parameter) throw new RangeError(`the architecture has no parameter "${name}"`);
    return parameter;
  };
  /** Of the matrix at hand: its scales are needed with its codes, and are written after them. */
  let maxima: { name: string; scales: Float32Array } | null = null;
  let blocks: { name: string; scales: BlockScales } | null = null;
  const maximaOf = async (parameter: Parameter) => {
    if (maxima?.name !== parameter.name)
      maxima = { name: parameter.name, scales: await absoluteMaxima(parameter, source) };
    return maxima.scales;
  };
  const codesOf = (parameter: Parameter): AsyncGenerator<Uint8Array> => {
    const { name } = parameter;
    const form = forms.get(name);
    if (form?.form !== 'int4') throw new RangeError(`"${name}" is not kept in 4 bits`);
    const { layout } = form;
    const scales = emptyScales(layout);
    blocks = { name, scales };
    const byOutput = form.byInput ? (source.byOutput?.(parameter) ?? null) : source(parameter);
    return byOutput
      ? codesByOutput(name, byOutput, layout, scales)
      : codesByInput(name, source(parameter), layout, scales);
  };
  const blockScalesOf = async (parameter: Parameter): Promise<BlockScales> => {
    if (blocks?.name === parameter.name) return blocks.scales;
    for await (const _codes of codesOf(parameter)) {
      // The scales are complete after the last piece.
    }
    return blockScalesOf(parameter);
  };
  return async function* bytes({ name, dtype }) {
    if (byName.has(name)) {
      const parameter = parameterOf(name);
      if (dtype === 'uint8') yield* codesOf(parameter);
      else if (dtype === 'int8') yield* int8Pieces(parameter, source, await maximaOf(parameter));
      else if (dtype === 'float16') yield* float16Pieces(parameter, source);
      else yield* float32Pieces(parameter, source);
      return;
    }
    if (name.endsWith(ZERO)) {
      const { zeros } = await blockScalesOf(parameterOf(name, ZERO));
      if (zeros) yield zeros;
      return;
    }
    const parameter = parameterOf(name, SCALE);
    const inBlocks = forms.get(parameter.name)?.form === 'int4';
    yield asBytes(inBlocks ? (await blockScalesOf(parameter)).scales : await maximaOf(parameter));
  };
}

async function* float32Pieces(parameter: Parameter, source: WeightSource): AsyncGenerator<Uint8Array> {
  for await (const piece of source(parameter)) {
    checkFinite(parameter, piece, Number.MAX_VALUE);
    yield asBytes(piece);
  }
}

async function* float16Pieces(parameter: Parameter, source: WeightSource): AsyncGenerator<Uint8Array> {
  for await (const piece of source(parameter)) {
    checkFinite(parameter, piece, LARGEST_FLOAT16);
    const bits = new Uint16Array(piece.length);
    encodeFloat16(piece, bits);
    yield asBytes(bits);
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
    yield asBytes(bytes);
  }
}

/** Largest absolute value of each row or column, over 127. */
async function absoluteMaxima(parameter: Parameter, source: WeightSource): Promise<Float32Array> {
  const { dims, perRow } = parameter;
  const byOutput = perRow ? null : (source.byOutput?.(parameter) ?? null);
  const isByRow = perRow || byOutput !== null;
  const width = byOutput ? dims[0] : dims[1];
  const largest = new Float32Array(perRow ? dims[0] : dims[1]);
  let at = 0;
  for await (const piece of byOutput ?? source(parameter)) {
    checkFinite(parameter, piece, Number.MAX_VALUE);
    for (let i = 0; i < piece.length; i++) {
      const place = isByRow ? Math.floor((at + i) / width) : (at + i) % width;
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
    if (!Number.isFinite(piece[i])) throw notFinite(name, piece[i]);
    throw new ModelError({
      code: 'weight-too-large',
      message: `The weights of "${name}" hold ${piece[i]}, and float16 ends at ${LARGEST_FLOAT16}.`,
      hint: 'Convert with --dtype float32 or int8.',
    });
  }
}
