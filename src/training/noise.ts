/**
 * The noise of a training step, a function of seed and step: times, one in each of B equal parts of the range for B sequences
 * (the reference's low-discrepancy times), and the noisy tokens at these times.
 */
import { noiseBlocks, noiseMasked, noiseMixed, noiseUniform } from '../diffusion/forward.js';

import { levelOfTime, type NoiseSchedule, USUAL_TIMES } from '../diffusion/schedule.js';
import { isFirstGiven, isInBlocks, isMixed, isUniformState } from '../models/family.js';
import { fillNormals } from '../random/normals.js';
import { streams } from '../random/streams.js';
import { fillOpenUniforms, fillUniforms, uniform } from '../random/uniforms.js';
import {
  type CurriculumLevel,
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

/** t of each sequence of a step, or of each block of each sequence, in [0.001, 1) or the schedule's range. @param count of the times */
export function stepTimes(
  { seed, step }: StepAddress,
  count: number,
  [first, last]: readonly [number, number] = USUAL_TIMES,
): Float64Array {
  return Float64Array.from({ length: count }, (_, b) => {
    const place = (b + uniform({ seed, stream: streams.trainingTime, sequence: b, step })) / count;
    return first + (last - first) * place;
  });
}

/** Noise of the family's own process. @param x clean tokens, [batch · length] */
export function noisyBatch(
  problem: TrainingProblem,
  schedule: NoiseSchedule,
  x: Int32Array,
  { seed, step }: StepAddress,
): NoisyBatch {
  const { family, dimensions, maskTokenId, batch, length } = problem;
  const { blockSize = length } = dimensions;
  const first = Number(isFirstGiven(problem));
  const levels = length / blockSize;
  const times = stepTimes({ seed, step }, batch * levels, schedule.times).map((t) => timeOfStep(schedule, t));
  const oneMinusAlpha = times.map((t) => schedule.oneMinusAlpha(t));
  const mixed = Array.from(times, (t) => levelOfTime(schedule, t).mixed).filter((one) => one !== undefined);
  const z = new Int32Array(x.length);
  const component = new Float64Array(length);
  const token = new Float64Array(length);
  for (let b = 0; b < batch; b++) {
    const address = { seed, sequence: b, step };
    const [clean, noisy] = [x, z].map((tokens) => tokens.subarray(b * length, (b + 1) * length));
    fillUniforms(component, { ...address, stream: streams.trainingComponent });
    if (isUniformState(family)) {
      fillUniforms(token, { ...address, stream: streams.trainingToken });
      noiseUniform(noisy, clean, oneMinusAlpha[b], dimensions.vocabSize, component, token);
    } else if (isMixed(family) && maskTokenId !== null) {
      fillUniforms(token, { ...address, stream: streams.trainingToken });
      const level = { oneMinusAlpha: oneMinusAlpha[b], mixed: mixed[b] };
      noiseMixed(noisy, clean, level, { vocabSize: dimensions.vocabSize, maskTokenId }, component, token);
    } else if (isInBlocks(family) && maskTokenId !== null) {
      const ofBlock = (block: number) => oneMinusAlpha[b * levels + block];
      noiseBlocks(noisy, clean, { blockSize, oneMinusAlpha: ofBlock, first }, maskTokenId, component);
    } else if (maskTokenId !== null) {
      noiseMasked(noisy, clean, oneMinusAlpha[b], maskTokenId, component, first);
    }
  }
  const { steps } = schedule;
  const next = times.map((t) =>
    steps === undefined ? t : schedule.oneMinusAlpha(Math.max(0, t - 1 / steps)),
  );
  return {
    x,
    z,
    oneMinusAlpha,
    ...(mixed.length > 0 && { mixed }),
    ...(steps === undefined
      ? { slope: times.map((t) => -schedule.dalpha(t, 'duo')) }
      : { nextOneMinusAlpha: next, slope: next.map((level, b) => steps * (oneMinusAlpha[b] - level)) }),
    sigma: isInBlocks(family) ? new Float64Array(batch) : times.map((t) => schedule.sigma(t)),
  };
}

/** In discrete time, t rounded up to the next i/T. */
const timeOfStep = ({ steps }: NoiseSchedule, t: number): number =>
  steps === undefined ? t : Math.min(1, (Math.floor(t * steps) + 1) / steps);

/** The curriculum's noise: z is the argmax of w = α̃x + σ̃ε. */
export interface CurriculumNoise extends NoisyBatch {
  /** 1/τ */
  inverseTemperature: number;
}

/** Keeps the largest entries of w, as many as the options set. */
export function keptCurriculumNoise(
  problem: TrainingProblem,
  options: CurriculumOptions,
  range: GammaRange,
  x: Int32Array,
  address: StepAddress,
): CurriculumNoise & { mixture: NoisedOneHot } {
  const { length } = problem;
  const { vocabSize } = problem.dimensions;
  const kept = Math.min(options.kept, vocabSize);
  const { levels, ...noisy } = curriculumLevels(problem, options, range, x, address);
  const mixture = { tokens: new Int32Array(x.length * kept), shares: new Float32Array(x.length * kept) };
  const each = uniformsPerVector(kept, vocabSize);
  const uniforms = new Float64Array(each * length);
  for (const [b, { signal, noise }] of levels.entries()) {
    fillOpenUniforms(uniforms, { ...mixtureAddress(address), sequence: b });
    const oneHotNoise = { signal, noise, inverseTemperature: noisy.inverseTemperature, vocabSize };
    for (let l = 0; l < length; l++) {
      const i = b * length + l;
      noisy.z[i] = noisedOneHot(mixture, i * kept, x[i], kept, oneHotNoise, uniforms, l * each);
    }
  }
  return { ...noisy, mixture };
}

/** Keeps all of w, [batch · length · vocab]: K normal numbers per token. */
export function wholeCurriculumNoise(
  problem: TrainingProblem,
  options: CurriculumOptions,
  range: GammaRange,
  x: Int32Array,
  address: StepAddress,
): CurriculumNoise & { latent: Float32Array } {
  const { length } = problem;
  const { vocabSize } = problem.dimensions;
  const { levels, ...noisy } = curriculumLevels(problem, options, range, x, address);
  const latent = new Float32Array(x.length * vocabSize);
  for (const [b, { signal, noise }] of levels.entries()) {
    const rows = latent.subarray(b * length * vocabSize, (b + 1) * length * vocabSize);
    fillNormals(rows, { ...mixtureAddress(address), sequence: b });
    for (let l = 0; l < length; l++) {
      const w = rows.subarray(l * vocabSize, (l + 1) * vocabSize);
      for (let v = 0; v < vocabSize; v++) w[v] *= noise;
      w[x[b * length + l]] += signal;
      let largest = 0;
      for (let v = 1; v < vocabSize; v++) if (w[v] > w[largest]) largest = v;
      noisy.z[b * length + l] = largest;
    }
  }
  return { ...noisy, latent };
}

const mixtureAddress = ({ seed, step }: StepAddress) => ({ seed, stream: streams.trainingMixture, step });

/** Everything but z, which the caller fills in. */
function curriculumLevels(
  { dimensions, batch }: TrainingProblem,
  options: CurriculumOptions,
  range: GammaRange,
  x: Int32Array,
  address: StepAddress,
): CurriculumNoise & { levels: CurriculumLevel[] } {
  const times = stepTimes(address, batch);
  const levels = Array.from(times, (t) => curriculumLevel(range, t, dimensions.vocabSize));
  return {
    x,
    z: new Int32Array(x.length),
    oneMinusAlpha: Float64Array.from(levels, (level) => level.oneMinusAlpha),
    slope: Float64Array.from(levels, (level) => level.slope),
    sigma: Float64Array.from(levels, (level) => level.sigma),
    inverseTemperature: inverseTemperature(options, address.step),
    levels,
  };
}
