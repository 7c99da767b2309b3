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
}

export type Size = Omit<Dimensions, 'vocabSize' | 'length'>;

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
    const value = dimensions[key as keyof Dimensions];
    if (Number.isSafeInteger(value) && value > 0) continue;
    return {
      code: 'bad-dimensions',
      message: `The ${name} of a network must be a whole number of at least 1, not ${value}.`,
    };
  }
  const { hiddenSize, heads } = dimensions;
  if (hiddenSize % heads !== 0) {
    return {
      code: 'heads-do-not-divide',
      message: `${heads} heads do not divide the width ${hiddenSize}: each head would be ${(hiddenSize / heads).toFixed(2)} wide.`,
      hint: `Use a number of heads that divides ${hiddenSize}, for example ${nearestDivisor(hiddenSize, heads)}.`,
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

/** @throws ModelError `bad-dimensions`, `heads-do-not-divide`, `odd-rotary-size` */
export function checkDimensions(dimensions: Dimensions): Dimensions {
  const problem = dimensionProblem(dimensions);
  if (problem) throw new ModelError(problem);
  return dimensions;
}

function nearestDivisor(width: number, wanted: number): number {
  let best = 1;
  for (let d = 1; d <= width / 2; d++) {
    if (width % (2 * d) === 0 && Math.abs(d - wanted) < Math.abs(best - wanted)) best = d;
  }
  return best;
}
