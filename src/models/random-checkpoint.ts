/** Writes a checkpoint with random weights, for `convert --random`. */
import { UsageError } from '../errors.js';
import { type Dimensions, dimensionProblem, SIZES, type Size } from './architectures/dimensions.js';
import type { ArchitectureName } from './architectures/names.js';
import type { Card } from './card.js';
import { type Family, isInBlocks, isMixed, readsNoiseLevel, usesMask } from './family.js';
import { usualSchedule } from './fields.js';
import { fromCard } from './importers/tokenizer-copy.js';
import { type SavedCheckpoint, saveCheckpoint } from './save-checkpoint.js';
import { randomWeights } from './weights/random-weights.js';
import type { Rounding, StorageType } from './weights/storage-names.js';

export interface RandomCheckpointRequest {
  out: string;
  seed: number;
  architecture: ArchitectureName;
  size: keyof typeof SIZES;
  /** Changes to the published size. */
  changes: Partial<Size>;
  vocabSize: number;
  length: number;
  /** Tokens per block, for `block-diffusion` alone. */
  blockSize?: number;
  /** Family of a diffusion transformer; `duo` by default. */
  family?: Exclude<Family, 'ar'>;
  /** As given, relative to the working directory. */
  tokenizer?: string;
  /** How the file stores the matrices. */
  dtype?: StorageType;
  /** How int8 and int4 round. */
  rounding?: Rounding;
  /** Bytes of a file of weights beside the model, from which on the next begins. */
  largestShard?: number;
}

/** @throws UsageError when the flags describe no network   @throws FileError */
export async function randomCheckpoint(request: RandomCheckpointRequest): Promise<SavedCheckpoint> {
  const { architecture, seed, out } = request;
  if (!/\.onnx$/i.test(out)) {
    throw new UsageError({
      code: 'not-onnx-name',
      message: `--out ${out} does not end with .onnx.`,
      hint: `Write --out ${out}.onnx: the card and the weights are named after it.`,
    });
  }
  if (architecture === 'causal' && request.family !== undefined) {
    throw new UsageError({
      code: 'family-of-causal',
      message: `--arch causal makes a model of the family ar, not ${request.family}.`,
      hint: 'Leave --family out, or use --arch dit.',
    });
  }
  const blocks = architecture === 'block-diffusion';
  if (blocks !== (request.blockSize !== undefined)) {
    throw new UsageError({
      code: 'block-size-of-blocks',
      message: blocks
        ? '--arch block-diffusion needs the tokens of a block.'
        : `--block-size is for --arch block-diffusion: ${architecture} has no blocks.`,
      hint: blocks ? 'Give --block-size, such as 4, 8 or 16.' : 'Leave --block-size out.',
    });
  }
  if (request.family !== undefined && blocks !== isInBlocks(request.family)) {
    throw new UsageError({
      code: 'family-of-blocks',
      message: `--arch ${architecture} makes no model of the family ${request.family}.`,
      hint: 'The family bd3lm and --arch block-diffusion belong together.',
    });
  }
  const content = {
    architecture,
    dimensions: dimensionsOf(request),
    source: randomWeights({ seed, zeroed: false }),
    card: cardOf(request),
    dtype: request.dtype,
    rounding: request.rounding,
  };
  return saveCheckpoint(out, content, { largestShard: request.largestShard });
}

function dimensionsOf({ size, changes, vocabSize, length, blockSize }: RandomCheckpointRequest): Dimensions {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const dimensions = { ...SIZES[size], ...given, vocabSize, length, ...(blockSize && { blockSize }) };
  const problem = dimensionProblem(dimensions);
  if (problem) throw new UsageError(problem);
  return dimensions;
}

function cardOf({
  architecture,
  family = architecture === 'block-diffusion' ? 'bd3lm' : 'duo',
  vocabSize,
  seed,
  tokenizer,
  out,
  dtype,
}: RandomCheckpointRequest): Card {
  const shared: Card = {
    ...(tokenizer !== undefined && { tokenizer: fromCard(tokenizer, out) }),
    trainedOn: 'nothing: random weights',
    note: `Weights drawn with seed ${seed}.`,
    ...(dtype !== undefined && dtype !== 'float32' && { storedAs: dtype }),
  };
  if (architecture === 'causal') return { family: 'ar', ...shared, timeConditioning: false };
  return {
    family,
    ...shared,
    ...(usesMask(family) && { maskTokenId: vocabSize - 1 }),
    schedule: {
      ...usualSchedule(family),
      ...(isMixed(family) && { uniformShare: 0.2 }),
    },
    timeConditioning: readsNoiseLevel(family),
  };
}
