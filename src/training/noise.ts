/**
 * The noise of a training step, a function of seed and step: a time for each sequence, one in every B-th part of the range
 * (as the reference's low-discrepancy times), and what it makes of the tokens.
 */
import { noiseMasked, noiseUniform } from '../diffusion/forward.js';
import { duoFirstTime } from '../diffusion/integration.js';
import type { NoiseSchedule } from '../diffusion/schedule.js';
import { streams } from '../random/streams.js';
import { fillOpenUniforms, fillUniforms, uniform } from '../random/uniforms.js';
import {
  type CurriculumOptions,
  curriculumLevel,
  type GammaRange,
  inverseTemperature,
} from './curriculum.js';
import { type NoisedOneHot, noisedOneHot, uniformsPerVector } from './noised-one-hot.js';
import type { NoisyBatch } from './noisy-batch.js';
import type { TrainingProblem } from './objective.js';

export interface StepAddress {
  seed: number;
  /** From 1. */
  step: number;
}

/** t of each sequence of a step, in [0.001, 1). */
export function stepTimes({ seed, step }: StepAddress, batch: number): Float64Array {
  return Float64Array.from({ length: batch }, (_, b) => {
    const place = (b + uniform({ seed, stream: streams.trainingTime, sequence: b, step })) / batch;
    return duoFirstTime + (1 - duoFirstTime) * place;
  });
}

/** Noise of the family's own process. @param x clean tokens, [batch · length] */
export function noisyBatch(
  { family, dimensions, maskTokenId, batch, length }: TrainingProblem,
  schedule: NoiseSchedule,
  x: Int32Array,
  { seed, step }: StepAddress,
): NoisyBatch {
  const times = stepTimes({ seed, step }, batch);
  const oneMinusAlpha = times.map((t) => schedule.oneMinusAlpha(t));
  const z = new Int32Array(x.length);
  const component = new Float64Array(length);
  const token = new Float64Array(length);
  for (let b = 0; b < batch; b++) {
    const address = { seed, sequence: b, step };
    const [clean, noisy] = [x, z].map((tokens) => tokens.subarray(b * length, (b + 1) * length));
    fillUniforms(component, { ...address, stream: streams.trainingComponent });
    if (family === 'duo') {
      fillUniforms(token, { ...address, stream: streams.trainingToken });
      noiseUniform(noisy, clean, oneMinusAlpha[b], dimensions.vocabSize, component, token);
    } else if (maskTokenId !== null) {
      noiseMasked(noisy, clean, oneMinusAlpha[b], maskTokenId, component);
    }
  }
  return {
    x,
    z,
    oneMinusAlpha,
    slope: times.map((t) => -schedule.dalpha(t, 'duo')),
    sigma: times.map((t) => schedule.sigma(t)),
  };
}

/** Gaussian noise, its argmax as z and its largest entries for the network to read. */
export function curriculumBatch(
  { dimensions, batch, length }: TrainingProblem,
  options: CurriculumOptions,
  range: GammaRange,
  x: Int32Array,
  { seed, step }: StepAddress,
): NoisyBatch & { mixture: NoisedOneHot } {
  const { vocabSize } = dimensions;
  const kept = Math.min(options.kept, vocabSize);
  const levels = Array.from(stepTimes({ seed, step }, batch), (t) => curriculumLevel(range, t, vocabSize));
  const z = new Int32Array(x.length);
  const mixture = { tokens: new Int32Array(x.length * kept), shares: new Float32Array(x.length * kept) };
  const each = uniformsPerVector(kept, vocabSize);
  const uniforms = new Float64Array(each * length);
  const temperature = inverseTemperature(options, step);
  for (const [b, { signal, noise }] of levels.entries()) {
    fillOpenUniforms(uniforms, { seed, stream: streams.trainingMixture, sequence: b, step });
    const oneHotNoise = { signal, noise, inverseTemperature: temperature, vocabSize };
    for (let l = 0; l < length; l++) {
      const i = b * length + l;
      z[i] = noisedOneHot(mixture, i * kept, x[i], kept, oneHotNoise, uniforms, l * each);
    }
  }
  return {
    x,
    z,
    oneMinusAlpha: Float64Array.from(levels, (level) => level.oneMinusAlpha),
    slope: Float64Array.from(levels, (level) => level.slope),
    sigma: Float64Array.from(levels, (level) => level.sigma),
    mixture,
  };
}
