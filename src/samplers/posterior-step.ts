/** From t to s, every token of a batch, by composition: what all samplers that draw from a posterior share. */
import {
  CLEAN,
  type Level,
  remaskProbability,
  uniformStateWeights,
  unmaskProbability,
} from '../diffusion/posterior.js';
import { isMasked } from '../models/family.js';
import type { Denoised, SamplingRun } from './sampler.js';

/**
 * Draws z_s in place of z_t.
 * @param step names the random numbers   @param kappa κ in [0, 1]; 1 is the ancestral posterior
 */
export function posteriorStep(
  run: SamplingRun,
  answer: Denoised,
  { t, s, kappa, step }: { t: Level; s: Level; kappa: number; step: number },
): void {
  if (isMasked(run.family)) maskedStep(run, answer, t, s, kappa, step);
  else uniformStateStep(run, answer, t, s, kappa, step);
}

/** Removes the noise that is left at t: z_s with α_s = 1. */
export function lastStep(run: SamplingRun, answer: Denoised, { t, step }: { t: Level; step: number }): void {
  posteriorStep(run, answer, { t, s: CLEAN, kappa: 1, step });
}

/** Puts the model's tokens where there is noise: at masks, or, where noise cannot be told from text, everywhere. */
export function takeTokens({ family, maskTokenId, tokens }: SamplingRun, { token }: Denoised): void {
  const everywhere = !isMasked(family);
  for (let i = 0; i < tokens.length; i++) {
    if (everywhere || tokens[i] === maskTokenId) tokens[i] = token[i];
  }
}

function uniformStateStep(
  run: SamplingRun,
  { token, present }: Denoised,
  t: Level,
  s: Level,
  kappa: number,
  step: number,
): void {
  const { tokens, vocabSize } = run;
  const component = run.uniforms('component', step);
  const anyToken = run.uniforms('token', step);
  for (let i = 0; i < tokens.length; i++) {
    const { draw, stay } = uniformStateWeights(t, s, vocabSize, present![i], kappa);
    if (component[i] < draw) tokens[i] = token[i];
    else if (component[i] >= draw + stay) tokens[i] = Math.floor(anyToken[i] * vocabSize);
  }
}

function maskedStep(
  run: SamplingRun,
  { token }: Denoised,
  t: Level,
  s: Level,
  kappa: number,
  step: number,
): void {
  const { tokens, maskTokenId } = run;
  const component = run.uniforms('component', step);
  const unmask = unmaskProbability(t, s, kappa);
  const remask = remaskProbability(s, kappa);
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] !== maskTokenId) {
      if (component[i] < remask) tokens[i] = maskTokenId!;
    } else if (component[i] < unmask) tokens[i] = token[i];
  }
}
