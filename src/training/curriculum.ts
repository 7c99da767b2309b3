/**
 * The Gaussian curriculum (The Diffusion Duality, arXiv 2506.10892, section 4.1). At first the network reads a mixture of
 * embeddings, the softmax of the noised one-hot at temperature τ; later it reads the argmax alone. The higher τ, the less
 * noise reaches the network. The loss is the uniform-state loss at z = argmax and α(γ).
 *
 * γ rises linearly with t between two ends, given by their α. These leave out both ends of the noise range. At the published
 * τ of 1e-3 the softmax is nearly the argmax, so this narrower range is the curriculum's main effect on gradients
 * (fixtures/README.md has the measurement).
 */

import { sigmaOf } from '../diffusion/schedule.js';
import {
  diffusionTransformationDerivative,
  inverseDiffusionTransformation,
  oneMinusDiffusionTransformation,
} from '../diffusion/transformation.js';

export interface CurriculumOptions {
  /** Its length in steps; afterwards the network reads tokens. */
  steps: number;
  /** α at t = 0 and at t = 1. */
  highestAlpha: number;
  lowestAlpha: number;
  /** log₁₀ τ at the first step, and at the step after the last. */
  firstLogTemperature: number;
  lastLogTemperature: number;
  /** Entries of the softmax that are kept. */
  kept: number;
}

/** As the published models were trained (s-sahoo/duo, scripts/train_owt_duo.sh). */
export const publishedCurriculum = {
  highestAlpha: 0.945,
  lowestAlpha: 0.049,
  firstLogTemperature: -3,
  lastLogTemperature: -3,
} as const;

export interface GammaRange {
  least: number;
  largest: number;
}

/** @throws DomainError when an α is not between 0 and 1 */
export function gammaRange(
  { highestAlpha, lowestAlpha }: Pick<CurriculumOptions, 'highestAlpha' | 'lowestAlpha'>,
  vocabSize: number,
): GammaRange {
  return {
    least: inverseDiffusionTransformation(highestAlpha, vocabSize),
    largest: inverseDiffusionTransformation(lowestAlpha, vocabSize),
  };
}

/** 1/τ at a step from 1. */
export function inverseTemperature(options: CurriculumOptions, step: number): number {
  const { steps, firstLogTemperature: first, lastLogTemperature: last } = options;
  return 10 ** -(first + (last - first) * Math.min(1, (step - 1) / Math.max(1, steps)));
}

/** A sequence's noise at a time. */
export interface CurriculumLevel {
  /** α̃ and σ̃ */
  signal: number;
  noise: number;
  oneMinusAlpha: number;
  /** −dα/dt */
  slope: number;
  /** −ln α, which the network reads. */
  sigma: number;
}

/** @param t in [0, 1] */
export function curriculumLevel(
  { least, largest }: GammaRange,
  t: number,
  vocabSize: number,
): CurriculumLevel {
  const gamma = least + t * (largest - least);
  const oneMinusAlpha = oneMinusDiffusionTransformation(gamma, vocabSize);
  return {
    signal: 1 / Math.sqrt(1 + Math.exp(gamma)),
    noise: 1 / Math.sqrt(1 + Math.exp(-gamma)),
    oneMinusAlpha,
    slope: -diffusionTransformationDerivative(gamma, vocabSize) * (largest - least),
    sigma: sigmaOf(1 - oneMinusAlpha, oneMinusAlpha),
  };
}
