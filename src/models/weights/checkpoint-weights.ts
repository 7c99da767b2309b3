/**
 * The weights of a checkpoint as one vector, to continue its training. This program's checkpoints store them as initializers
 * under the names of parameters.ts, and the card states what the shapes do not show (the number of heads). Files of other
 * exporters, which rename and fold weights, are refused.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../../errors.js';
import { dtypeName } from '../../graph/dtype.js';
import { type TensorProto, TensorProto_DataLocation } from '../../graph/onnx.js';
import {
  checkDecoder,
  type DecoderDimensions,
  decoderParameters,
} from '../architectures/decoder-dimensions.js';
import { checkDimensions, type Dimensions } from '../architectures/dimensions.js';
import { architectures } from '../architectures/index.js';
import type { ArchitectureName } from '../architectures/names.js';
import { elementCount, type Parameter } from '../architectures/parameters.js';
import type { CheckpointDescription } from '../checkpoint.js';
import { elementsOf } from '../importers/stored-tensor.js';
import { decodeFloat16 } from './half-precision.js';

export interface CheckpointWeights {
  dimensions: Dimensions;
  /** All parameters one after another, in the order of parameters.ts. */
  weights: Float32Array;
}

const SIZE_KEYS = ['hiddenSize', 'conditionSize', 'blocks', 'heads'] as const;
/** How many missing names an error lists. */
const NAMED = 3;

type Source = Pick<CheckpointDescription, 'name' | 'folder' | 'fields' | 'unknownKeys' | 'graph'>;

/** Reads the weights of a diffusion transformer. @throws ModelError `foreign-network`, `weights-of-int8`, and as elementsOf */
export const ditWeights = (checkpoint: Source): CheckpointWeights => transformerWeights(checkpoint, 'dit');

/** Reads those of a transformer of the reference's kinds. @throws ModelError likewise */
export function transformerWeights(checkpoint: Source, name: ArchitectureName): CheckpointWeights {
  const dimensions = dimensionsOf(checkpoint, name);
  return { dimensions, weights: weightsOf(checkpoint, architectures[name].parameters(dimensions)) };
}

/** The kind of transformer that a card says; null for a decoder, or what is not known. */
export function transformerName({ unknownKeys }: Pick<Source, 'unknownKeys'>): ArchitectureName | null {
  const declared = unknownKeys.architecture as Record<string, unknown> | undefined | null;
  const name = declared?.name;
  return typeof name === 'string' && Object.hasOwn(architectures, name) ? (name as ArchitectureName) : null;
}

/** Reads those of a decoder. @throws ModelError likewise, and as checkDecoder */
export function decoderWeights(checkpoint: Source): { dimensions: DecoderDimensions; weights: Float32Array } {
  const { fields, unknownKeys } = checkpoint;
  const declared = decoderShape.safeParse(unknownKeys.architecture);
  if (!declared.success) {
    throw foreign(checkpoint, 'no card says "architecture" of it, with the name "decoder" and its sizes');
  }
  const [vocabSize, length] = [fields.vocabSize.value, fields.length.value];
  if (vocabSize === null || length === null) {
    throw foreign(checkpoint, `nothing says its ${vocabSize === null ? 'vocabulary' : 'length'}`);
  }
  const { name: _, ...rest } = declared.data;
  const dimensions: DecoderDimensions = { ...rest, vocabSize, length };
  checkDecoder(dimensions);
  return { dimensions, weights: weightsOf(checkpoint, decoderParameters(dimensions)) };
}

function weightsOf(checkpoint: Source, parameters: readonly Parameter[]): Float32Array {
  const stored = new Map(checkpoint.graph().proto.initializer.map((tensor) => [tensor.name, tensor]));
  const inBlocks = parameters.find(({ name }) => dtypeName(stored.get(name)?.dataType ?? 0) === 'uint8');
  if (inBlocks) throw rounded(checkpoint, inBlocks.name, 'int4');
  const missing = parameters.filter((parameter) => !fits(stored.get(parameter.name), parameter));
  if (missing.length > 0) {
    const [first] = missing;
    throw foreign(
      checkpoint,
      `of its ${parameters.length} weights ${missing.length} ${missing.length === 1 ? 'is' : 'are'} not in the file, ${named(missing)} (the first of shape [${first.dims.join(', ')}])`,
    );
  }
  const weights = new Float32Array(parameters.reduce((sum, parameter) => sum + elementCount(parameter), 0));
  let at = 0;
  for (const { name } of parameters) {
    // None is missing, as checked above.
    for (const piece of elements(checkpoint, stored.get(name)!)) {
      weights.set(piece, at);
      at += piece.length;
    }
  }
  return weights;
}

const count = z
  .int()
  .min(1)
  .max(2 ** 24);
const positive = z.number().positive();
const scalingShape = z.discriminatedUnion('type', [
  z.object({ type: z.literal('linear'), factor: positive }),
  z.object({
    type: z.literal('llama3'),
    factor: positive,
    lowFactor: positive,
    highFactor: positive,
    originalLength: count,
  }),
  z.object({
    type: z.literal('yarn'),
    factor: positive,
    originalLength: count,
    betaFast: positive,
    betaSlow: positive,
    magnitude: positive,
    truncates: z.boolean(),
  }),
]);

/** The card's key `architecture`, as architectureOfDecoder writes it. */
const decoderShape = z.object({
  name: z.literal('decoder'),
  hiddenSize: count,
  blocks: z.int().min(1).max(9999),
  heads: count,
  keyValueHeads: count,
  headSize: count,
  mlpSize: count,
  embeddingRows: count.optional(),
  tied: z.boolean(),
  attention: z.union([z.enum(['causal', 'full']), z.object({ blockCausal: count })]),
  shift: z.boolean().optional(),
  window: z.object({ tokens: count, blocks: z.array(z.int().min(0)) }).optional(),
  norm: z.object({ type: z.enum(['rms', 'layer']), epsilon: positive }),
  queryKeyNorm: z.boolean().optional(),
  biases: z
    .object({ qkv: z.boolean().optional(), out: z.boolean().optional(), mlp: z.boolean().optional() })
    .optional(),
  rotary: z.object({
    theta: positive,
    turned: count.optional(),
    scaling: scalingShape.optional(),
    bfloat16: z.boolean().optional(),
  }),
  activation: z.enum(['silu', 'gelu', 'gelu-tanh']),
  gated: z.boolean(),
  parallel: z.boolean().optional(),
  embeddingScale: positive.optional(),
});

function dimensionsOf(checkpoint: Source, name: ArchitectureName): Dimensions {
  const { fields, unknownKeys } = checkpoint;
  const declared = unknownKeys.architecture as Record<string, unknown> | undefined | null;
  if (declared?.name !== name) {
    throw foreign(checkpoint, `no card says "architecture" of it, with the name "${name}" and its sizes`);
  }
  const lacking = SIZE_KEYS.find((key) => typeof declared[key] !== 'number');
  if (lacking) throw foreign(checkpoint, `the "architecture" in its card does not say "${lacking}"`);
  const [vocabSize, length] = [fields.vocabSize.value, fields.length.value];
  if (vocabSize === null || length === null) {
    throw foreign(checkpoint, `nothing says its ${vocabSize === null ? 'vocabulary' : 'length'}`);
  }
  const size = Object.fromEntries(SIZE_KEYS.map((key) => [key, declared[key]]));
  return checkDimensions({ ...size, vocabSize, length } as Dimensions);
}

const fits = (tensor: TensorProto | undefined, { dims }: Parameter): boolean =>
  tensor !== undefined && tensor.dims.map(Number).join() === dims.join();

const named = (missing: readonly Parameter[]): string => {
  const names = missing.slice(0, NAMED).map(({ name }) => `"${name}"`);
  return names.join(', ') + (missing.length > NAMED ? ' …' : '');
};

function elements(checkpoint: Source, tensor: TensorProto): Iterable<Float32Array> {
  const { name, dataLocation, rawData, floatData, externalData } = tensor;
  const type = dtypeName(tensor.dataType) ?? 'unknown';
  if (type === 'int8') throw rounded(checkpoint, name, type);
  if (dataLocation === TensorProto_DataLocation.EXTERNAL) {
    const entries = new Map(externalData.map(({ key, value }) => [key, value]));
    const path = join(checkpoint.folder, entries.get('location') ?? '');
    const shape = tensor.dims.map(Number);
    return elementsOf({ name, type, shape, path, offset: Number(entries.get('offset') ?? 0) });
  }
  if (floatData.length > 0) return [Float32Array.from(floatData)];
  const bytes = rawData.slice().buffer; // aligned for the views below
  if (type === 'float32') return [new Float32Array(bytes)];
  if (type === 'float16') {
    const values = new Float32Array(bytes.byteLength / 2);
    decodeFloat16(new Uint16Array(bytes), values);
    return [values];
  }
  throw foreign(checkpoint, `its weight "${name}" is of type ${type}`);
}

function rounded(checkpoint: Source, weight: string, type: 'int8' | 'int4'): ModelError {
  return new ModelError({
    code: 'weights-of-int8',
    message: `${checkpoint.name} keeps "${weight}" as ${type}: what training changes would be lost in that rounding.`,
    hint: `Use the checkpoint as float32 or float16: convert or train it without --dtype ${type}.`,
  });
}

function foreign({ name }: Source, why: string): ModelError {
  return new ModelError({
    code: 'foreign-network',
    message: `The weights of ${name} cannot be trained further: ${why}.`,
    hint: 'Give a checkpoint that `duo-eval train` or `duo-eval convert` made; files of other exporters name their weights otherwise.',
  });
}
