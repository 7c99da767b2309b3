/**
 * Everything that decides the numbers of a distillation; text and starting weights are named by their digests.
 *
 * Discrete consistency distillation (The Diffusion Duality, arXiv 2506.10892, section 4.2; s-sahoo/duo, class Distillation):
 * two noisy sequences, a gap of time apart, are made from the same noise. The student reads the later, noisier one and learns
 * the teacher's prediction for the earlier one. After each round the gap doubles and the student becomes the teacher; its
 * weights, moments and average carry over to the next round.
 */
import { diffusionTransformation } from '../../diffusion/transformation.js';
import type { GammaRange } from '../curriculum.js';
import { gammaRange } from '../curriculum.js';
import type { TrainingSettings } from '../settings.js';

const DIVERGENCES = ['student-teacher', 'teacher-student'] as const;
/** KL(student ‖ teacher), or KL(teacher ‖ student). */
export type Divergence = (typeof DIVERGENCES)[number];

export interface DistillationSettings
  extends Pick<
    TrainingSettings,
    'problem' | 'schedule' | 'timeConditioning' | 'seed' | 'adamW' | 'greatestNorm' | 'averageDecay' | 'text'
  > {
  /** SHA-256 of the distilled checkpoint. */
  model: string;
  divergence: Divergence;
  rounds: number;
  stepsPerRound: number;
  /** Which vector of the student becomes the next teacher. */
  nextTeacher: 'weights' | 'average';
  /** α at t = 0 and at t = 1. */
  highestAlpha: number;
  lowestAlpha: number;
  learningRate: { highest: number; warmup: number };
}

const published = { least: -4, largest: -1, vocabSize: 50_258 };

/** α at the ends of γ's range in the reference (configs/algo/distillation.yaml), for GPT-2's vocabulary: 0.9987 and 0.0062. For
 *  other vocabularies the same γ would mean another α. */
export const publishedLevels = {
  highestAlpha: diffusionTransformation(published.least, published.vocabSize),
  lowestAlpha: diffusionTransformation(published.largest, published.vocabSize),
};

/** Gap of the first round, in units of the time from 0 to 1 (s-sahoo/duo, scripts/distil_owt.sh). */
const FIRST_GAP = 1 / 512;

export const distillationSteps = ({
  rounds,
  stepsPerRound,
}: Pick<DistillationSettings, 'rounds' | 'stepsPerRound'>) => rounds * stepsPerRound;

/** @param step from 1   @returns from 0 */
export const roundOf = (
  { stepsPerRound }: Pick<DistillationSettings, 'stepsPerRound'>,
  step: number,
): number => Math.floor((step - 1) / stepsPerRound);

/** Δ of a round from 0. */
export const gapOfRound = (round: number): number => Math.min(1, FIRST_GAP * 2 ** round);

/** Δ of a round from 0, in the form `1/512`. */
export function gapName(round: number): string {
  const parts = 1 / gapOfRound(round);
  return parts === 1 ? '1' : `1/${parts}`;
}

/**
 * A pair of times from a time in [0.001, 1): t = min(1, time + Δ) and s = t − Δ, as in the reference. s is below 0.001 only
 * if Δ is above 0.999.
 */
export function pairOfTimes(time: number, gap: number): { t: number; s: number } {
  const t = Math.min(1, time + gap);
  return { t, s: Math.max(0, t - gap) };
}

/** @throws DomainError when an α is not between 0 and 1 */
export const gammaRangeOf = (settings: DistillationSettings): GammaRange =>
  gammaRange(settings, settings.problem.dimensions.vocabSize);
