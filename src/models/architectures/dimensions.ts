/** The dimensions of a network, the published sizes by name, and which dimensions are impossible. */
import { type ErrorDetails, ModelError } from '../../errors.js';

export interface Dimensions {
  /** d: width of the residual stream. */
  hiddenSize: number;
  /** Width of the noise-level embedding that the blocks read; unused in a causal transformer. */
  conditionSize: number;
  blocks: number;
  heads: number;
  /** Width of the logits, and rows of the embedding. */
  vocabSize: number;
  /** L: positions in the rotary table, the maximum number of tokens per sequence. */
  length: number;
  /** L′: tokens per block of block diffusion, which divides the length; other networks have none. */
  blockSize?: number;
}

export type Size = Omit<Dimensions, 'vocabSize' | 'length' | 'blockSize'>;

/** As configured in s-sahoo/duo (configs/model); with V = 50,258 about 32, 170 and 424 million parameters. */
export const SIZES = {
  tiny: { hiddenSize: 256, conditionSize: 128, blocks: 8, heads: 8 },
  small: { hiddenSize: 768, conditionSize: 128, blocks: 12, heads: 12 },
  medium: { hiddenSize: 1024, conditionSize: 128, blocks: 24, heads: 16 },
} as const satisfies Record<string, Size>;

export const SIZE_NAMES = Object.keys(SIZES) as (keyof typeof SIZES)[];

/** The hidden layer of each block's multilayer perceptron is this many times as wide as the residual stream. */
export const MLP_RATIO = 4;

/** Width of one head. */
export const headSize = ({ hiddenSize, heads }: Dimensions): number => hiddenSize / heads;

/** Why a network of these dimensions cannot be built, or null. The caller knows whose mistake it is. */
export function dimensionProblem(dimensions: Dimensions): ErrorDetails | null {
  const names = {
    hiddenSize: 'width',
    conditionSize: 'width of the time condition',
    blocks: 'number of blocks',
    heads: 'number of heads',
    vocabSize: 'vocabulary',
    length: 'length',
  } as const;
  for (const [key, name] of Object.entries(names)) {
    const value = dimensions[key as keyof typeof names];
    if (Number.isSafeInteger(value) && value > 0) continue;
    return {
      code: 'bad-dimensions',
      message: `The ${name} of a network must be a whole number of at least 1, not ${value}.`,
    };
  }
  const { hiddenSize, heads, length, blockSize } = dimensions;
  const blocks = blockSize === undefined ? null : blockProblem(blockSize, length);
  if (blocks) return blocks;
  if (hiddenSize % heads !== 0) {
    return {
      code: 'heads-do-not-divide',
      message: `${heads} heads do not divide the width ${hiddenSize}: each head would be ${(hiddenSize / heads).toFixed(2)} wide.`,
      hint: `Use a number of heads that divides ${hiddenSize}, for example ${nearestDivisor(hiddenSize, heads, 2)}.`,
    };
  }
  if ((hiddenSize / heads) % 2 !== 0) {
    return {
      code: 'odd-rotary-size',
      message: `Heads of width ${hiddenSize / heads} have no rotary positions: these turn pairs, so the width must be even.`,
      hint: `Use a width that is a multiple of ${2 * heads}, or fewer heads.`,
    };
  }
  return null;
}

/** Why a text of this length cannot be cut into blocks of this size, or null. */
export function blockProblem(blockSize: number, length: number): ErrorDetails | null {
  if (!Number.isSafeInteger(blockSize) || blockSize < 1) {
    return {
      code: 'bad-dimensions',
      message: `Blocks have a whole number of tokens, at least 1, not ${blockSize}.`,
    };
  }
  if (length % blockSize === 0) return null;
  return {
    code: 'blocks-do-not-divide',
    message: `Blocks of ${blockSize} tokens do not divide the length of ${length}.`,
    hint: `Use blocks of ${nearestDivisor(length, blockSize)} tokens, or a length that is a multiple of ${blockSize}.`,
  };
}

/** @throws ModelError `bad-dimensions`, `blocks-do-not-divide`, `heads-do-not-divide`, `odd-rotary-size` */
export function checkDimensions(dimensions: Dimensions): Dimensions {
  const problem = dimensionProblem(dimensions);
  if (problem) throw new ModelError(problem);
  return dimensions;
}

/** @param multiple the quotient is one of this: 2 for pairs */
function nearestDivisor(width: number, wanted: number, multiple = 1): number {
  let best = 1;
  for (let d = 1; d <= width / multiple; d++) {
    if (width % (multiple * d) === 0 && Math.abs(d - wanted) < Math.abs(best - wanted)) best = d;
  }
  return best;
}
