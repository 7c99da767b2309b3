/** All that decides the numbers of a training run, but for the text; a resumed run must have the same. */
import type { ScheduleType } from '../diffusion/schedule.js';
import type { CurriculumOptions } from './curriculum.js';
import type { TrainingProblem } from './objective.js';
import type { AdamWOptions, LearningRateOptions } from './optimizer.js';

export interface TrainingSettings {
  problem: Omit<TrainingProblem, 'reads' | 'fused'>;
  schedule: { type: ScheduleType; eps: number };
  /** Whether the network is told the noise level, or 0. */
  timeConditioning: boolean;
  seed: number;
  /** Of the whole run. */
  steps: number;
  learningRate: Omit<LearningRateOptions, 'steps'>;
  adamW: AdamWOptions;
  /** Gradients of a larger norm are scaled down to it. */
  greatestNorm: number;
  averageDecay: number;
  /** Of uniform-state models, for their first steps. */
  curriculum: CurriculumOptions | null;
  /** SHA-256 of the packed text. */
  text: string;
}

/** Sequences of tokens; see datasets/packed-stream.ts. */
export interface TrainingText {
  sequences: number;
  /** Tokens of each, at least as many as the settings ask for. */
  length: number;
  sequence(i: number): Int32Array;
}

/** Of the settings, what decides how much text there has to be. */
export type TextSettings = { problem: Pick<TrainingSettings['problem'], 'family' | 'batch' | 'length'> };

/** Tokens a sequence of the text has: an autoregressive network is asked for the last of them and does not read it. */
export const tokensOfSequence = ({ problem: { family, length } }: TextSettings): number =>
  family === 'ar' ? length + 1 : length;
