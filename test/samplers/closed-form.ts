/** Models whose x_θ is known exactly, answering draws in float64: what samplers are held against. */
import { levelOfAlpha, noiseSchedule } from '../../src/diffusion/schedule.js';
import { besidesDraw, isInSteps, isMasked, usesMask } from '../../src/models/family.js';
import type { MarkovChain } from '../../src/models/sources/markov.js';
import { resolveSampler, samplerOptions } from '../../src/samplers/registry.js';
import type { Denoised, Denoiser, DenoiserRequest, Sampler } from '../../src/samplers/sampler.js';
import { generate } from '../../src/sampling/generate.js';
import type { GeneratedSample, GenerationPlan } from '../../src/sampling/generation-plan.js';
import {
  type Emission,
  leaveOneOut,
  maskedEmission,
  uniformEmission,
} from '../models/sources/leave-one-out.js';
import { scoreOf } from './policy-scores.js';

export type DiffusionFamily = 'mdlm' | 'sedd' | 'duo' | 'd3pm' | 'gidd';

/** Of gidd: a fifth of uniform noise. */
const MIXED = { type: 'mixed', uniformShare: 0.2 } as const;

/** What the models of d3pm give the mask. */
const OF_MASK = 0.3;

export interface ClosedForm extends Denoiser {
  family: DiffusionFamily;
  vocabSize: number;
  maskTokenId: number | null;
  /** Every request so far. */
  requests: DenoiserRequest[];
}

/** x_θ of a position, [K without the mask], of tokens [length]. */
type Prediction = (tokens: Int32Array, sigma: number) => (l: number) => Float64Array;

export function closedForm(chain: MarkovChain, family: DiffusionFamily): ClosedForm {
  return model(chain.vocabSize, family, (tokens, sigma) => {
    const K = chain.vocabSize;
    const emission = emissionOf(family, K, -Math.expm1(-sigma));
    const logs = leaveOneOut(chain, tokens, emission);
    return (l) => logs.slice(l * K, (l + 1) * K).map(Math.exp);
  });
}

function emissionOf(family: DiffusionFamily, K: number, oneMinusAlpha: number): Emission {
  if (family === 'duo') return uniformEmission(K, oneMinusAlpha);
  const masked = maskedEmission(K);
  if (family !== 'gidd') return masked;
  const { alpha, mixed } = levelOfAlpha(noiseSchedule(MIXED), 1 - oneMinusAlpha, oneMinusAlpha);
  return (z) => masked(z).map((q) => (z === K ? q : alpha * q + (mixed?.uniform ?? 0) / K));
}

/** Tokens that do not depend on each other: the same x_θ everywhere. */
export function independent(probabilities: readonly number[], family: DiffusionFamily): ClosedForm {
  const row = Float64Array.from(probabilities);
  return model(row.length, family, () => () => row);
}

function model(tokensOfChain: number, family: DiffusionFamily, predict: Prediction): ClosedForm {
  const hasMask = usesMask(family);
  const masked = isMasked(family);
  const requests: DenoiserRequest[] = [];
  return {
    family,
    vocabSize: tokensOfChain + Number(hasMask),
    maskTokenId: hasMask ? tokensOfChain : null,
    requests,
    async denoise(request): Promise<Denoised> {
      requests.push({ ...request, tokens: request.tokens.slice() });
      const { tokens, batch, length, sigma, uniforms, score: order } = request;
      const size = batch * length;
      const token = new Int32Array(size);
      const probability = new Float64Array(size);
      // In d3pm, what is given to the mask.
      const present = besidesDraw(family) === 'present' ? new Float64Array(size) : null;
      // Exact scores are p(v)·α/(1 − α).
      const scoreSum = family === 'sedd' ? new Float64Array(size).fill(1 / Math.expm1(sigma)) : null;
      const score = order && new Float64Array(size);
      for (let b = 0; b < batch; b++) {
        const z = tokens.slice(b * length, (b + 1) * length);
        const rowOf = predict(z, sigma);
        for (let l = 0; l < length; l++) {
          const i = b * length + l;
          const row = rowOf(l);
          token[i] = uniforms ? inverseCdf(row, uniforms[i]) : row.indexOf(Math.max(...row));
          probability[i] = row[token[i]];
          if (order && score) score[i] = scoreOf(order, row);
          if (present) present[i] = masked ? OF_MASK : (row[z[l]] ?? 0);
          // Elsewhere an answer has no meaning: make sure that nobody uses it.
          if (masked && z[l] !== tokensOfChain) {
            token[i] = -99;
            probability[i] = Number.NaN;
            if (scoreSum) scoreSum[i] = Number.NaN;
            if (score) score[i] = Number.NaN;
            if (present) present[i] = Number.NaN;
          }
        }
      }
      return { token, probability, present, scoreSum, score };
    },
  };
}

function inverseCdf(row: Float64Array, u: number): number {
  let rest = u;
  for (let v = 0; v < row.length - 1; v++) {
    if (rest < row[v]) return v;
    rest -= row[v];
  }
  return row.length - 1;
}

export interface Request extends Partial<Omit<GenerationPlan, 'sampler' | 'options'>> {
  sampler: string | Sampler;
  /** key=value */
  options?: string[];
}

/** A plan with small defaults. */
export async function planOf(form: ClosedForm, request: Request): Promise<GenerationPlan> {
  const { sampler: given, options = [], ...rest } = request;
  const sampler =
    typeof given === 'string'
      ? await resolveSampler(given)
      : { sampler: given, module: { path: 'own.mjs', sha256: '' } };
  return {
    model: {
      name: 'closed form',
      family: form.family,
      vocabSize: form.vocabSize,
      maskTokenId: form.maskTokenId,
      schedule: noiseSchedule(
        form.family === 'gidd' ? MIXED : { type: 'log-linear', ...(isInSteps(form.family) && { steps: 8 }) },
      ),
      timeConditioned: form.family !== 'mdlm',
    },
    source: { denoiser: form },
    sampler,
    options: samplerOptions(sampler.sampler, options),
    steps: 4,
    length: 4,
    seed: 1,
    samples: 8,
    batch: 64,
    ...rest,
  };
}

export async function sampled(form: ClosedForm, request: Request): Promise<GeneratedSample[]> {
  const all: GeneratedSample[] = [];
  for await (const batch of generate(await planOf(form, request))) all.push(...batch);
  return all;
}

/** Pearson's χ² of counts against probabilities. */
export function chiSquare(counts: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  const n = Array.from(counts).reduce((a, b) => a + b, 0);
  return Array.from(counts).reduce(
    (sum, count, i) => sum + (count - n * probabilities[i]) ** 2 / (n * probabilities[i]),
    0,
  );
}

/** What χ² exceeds once in 10,000 times (Wilson and Hilferty). */
export function chiSquareLimit(degrees: number): number {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + 3.719 * Math.sqrt(spread)) ** 3;
}

/** Times each pair of tokens stands at two positions, [K × K]. */
export function pairCounts(samples: readonly GeneratedSample[], K: number, at: number, then: number) {
  const counts = new Float64Array(K * K);
  for (const { tokens } of samples) counts[tokens[at] * K + tokens[then]]++;
  return counts;
}
