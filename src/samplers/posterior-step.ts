/** One step from t to s for every token of a batch: what all samplers that draw from a posterior share. */
import { tokenBesideMask } from '../diffusion/forward.js';
import {
  CLEAN,
  mixedWeights,
  remaskProbability,
  uniformStateWeights,
  unmaskProbability,
} from '../diffusion/posterior.js';
import type { AlphaLevel } from '../diffusion/schedule.js';
import { isMasked, isMixed } from '../models/family.js';
import type { Denoised, SamplingRun } from './sampler.js';

/**
 * Draws z_s in place of z_t.
 * @param step addresses the random numbers   @param kappa κ in [0, 1]; 1 is the ancestral posterior
 */
export function posteriorStep(
  run: SamplingRun,
  answer: Denoised,
  { t, s, kappa, step }: { t: AlphaLevel; s: AlphaLevel; kappa: number; step: number },
): void {
  if (isMasked(run.family)) maskedStep(run, answer, t, s, kappa, step);
  else if (isMixed(run.family)) mixedStep(run, answer, t, s, step);
  else uniformStateStep(run, answer, t, s, kappa, step);
}

/** A step with its call of the model at a time, which answers only for the tokens that the step may change. */
export async function takeStep(
  run: SamplingRun,
  { time, ...step }: { time: number; t: AlphaLevel; s: AlphaLevel; kappa: number; step: number },
): Promise<void> {
  const answer = await run.denoise({ t: time, step: step.step, where: changeable(run, step) });
  posteriorStep(run, answer, step);
}

/**
 * [batch × length]: 1 for tokens that the step may change, whatever the network answers. The component's number is known before the
 * call, and each weight of what replaces a token falls with x_θ of it, as 1/D does (../diffusion/posterior.ts): where the number
 * lies in `stay` at x_θ(z) = 0, it does so at any. An answer of 0 then keeps the token.
 */
function changeable(
  run: SamplingRun,
  { t, s, kappa, step }: { t: AlphaLevel; s: AlphaLevel; kappa: number; step: number },
): Uint8Array {
  const { family, tokens, fixed, maskTokenId, vocabSize } = run;
  const component = run.uniforms('component', step);
  const stays = (weights: { draw: number; stay: number }, u: number) =>
    u >= weights.draw && u < weights.draw + weights.stay;
  let mayChange: (i: number) => boolean;
  if (isMasked(family)) {
    const unmask = unmaskProbability(t, s, kappa);
    mayChange = (i) => tokens[i] === maskTokenId && component[i] < unmask;
  } else if (isMixed(family)) {
    const [ofMask, ofToken] = [true, false].map((isMask) =>
      mixedWeights(t, s, { vocabSize, isMask, present: 0 }),
    );
    mayChange = (i) => !stays(tokens[i] === maskTokenId ? ofMask : ofToken, component[i]);
  } else {
    const weights = uniformStateWeights(t, s, vocabSize, 0, kappa);
    mayChange = (i) => !stays(weights, component[i]);
  }
  return Uint8Array.from(tokens, (_, i) => Number(fixed[i] === 0 && mayChange(i)));
}

/** Removes the noise that is left at t: z_s with α_s = 1. */
export function lastStep(
  run: SamplingRun,
  answer: Denoised,
  { t, step }: { t: AlphaLevel; step: number },
): void {
  posteriorStep(run, answer, { t, s: CLEAN, kappa: 1, step });
}

/** Takes the model's tokens wherever there may be noise: at masks, or everywhere if the family has no mask. */
export function takeTokens({ family, maskTokenId, tokens }: SamplingRun, { token }: Denoised): void {
  const everywhere = !isMasked(family);
  for (let i = 0; i < tokens.length; i++) {
    if (everywhere || tokens[i] === maskTokenId) tokens[i] = token[i];
  }
}

function uniformStateStep(
  run: SamplingRun,
  { token, present }: Denoised,
  t: AlphaLevel,
  s: AlphaLevel,
  kappa: number,
  step: number,
): void {
  const { tokens, vocabSize } = run;
  const component = run.uniforms('component', step);
  const anyToken = run.uniforms('token', step);
  for (let i = 0; i < tokens.length; i++) {
    const ofPresent = present![i]; // uniform-state models always return it
    const { draw, stay } = uniformStateWeights(t, s, vocabSize, ofPresent, kappa);
    if (component[i] < draw) tokens[i] = token[i];
    else if (component[i] >= draw + stay) tokens[i] = Math.floor(anyToken[i] * vocabSize);
  }
}

/** Ancestral alone: none of the samplers with another κ drives such models. */
function mixedStep(
  run: SamplingRun,
  { token, present }: Denoised,
  t: AlphaLevel,
  s: AlphaLevel,
  step: number,
): void {
  const { tokens, vocabSize } = run;
  const maskTokenId = run.maskTokenId!; // the mask is one of the states
  const component = run.uniforms('component', step);
  const anyToken = run.uniforms('token', step);
  for (let i = 0; i < tokens.length; i++) {
    // models of such a family always return it
    const z = { vocabSize, isMask: tokens[i] === maskTokenId, present: present![i] };
    const { draw, stay, uniform } = mixedWeights(t, s, z);
    if (component[i] < draw) tokens[i] = token[i];
    else if (component[i] >= draw + stay + uniform) tokens[i] = maskTokenId;
    else if (component[i] >= draw + stay) tokens[i] = tokenBesideMask(anyToken[i], vocabSize, maskTokenId);
  }
}

function maskedStep(
  run: SamplingRun,
  { token, present }: Denoised,
  t: AlphaLevel,
  s: AlphaLevel,
  kappa: number,
  step: number,
): void {
  const { tokens, maskTokenId } = run;
  const component = run.uniforms('component', step);
  const remask = remaskProbability(s, kappa);
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] !== maskTokenId) {
      if (component[i] < remask) tokens[i] = maskTokenId!; // a masked family has a mask
    } else if (component[i] < unmaskProbability(t, s, kappa, present?.[i])) tokens[i] = token[i];
  }
}
