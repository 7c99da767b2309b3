/** Everything that decides the numbers of a training run; a resumed run must have the same settings. */
import type { ScheduleSettings } from '../diffusion/schedule.js';
import type { CurriculumOptions } from './curriculum.js';
import type { TrainingProblem } from './objective.js';
import type { AdamWOptions, LearningRateOptions } from './optimizer.js';

export interface TrainingSettings {
  problem: Omit<TrainingProblem, 'reads' | 'fused'>;
  schedule: ScheduleSettings;
  /** Whether the network reads the noise level, as its family does, or 0. */
  timeConditioning: boolean;
  seed: number;
  /** Of the whole run. */
  steps: number;
  learningRate: Omit<LearningRateOptions, 'steps'>;
  adamW: AdamWOptions;
  /** Gradients of a larger norm are scaled down to it. */
  greatestNorm: number;
  averageDecay: number;
  /** For the first steps of a uniform-state model; null for none. */
  curriculum: CurriculumOptions | null;
  /** SHA-256 of the checkpoint whose weights the run starts from; absent for random ones. */
  init?: string;
  /** SHA-256 of the packed text. */
  text: string;
}

/** Sequences of tokens; see datasets/packed-stream.ts. */
export interface TrainingText {
  sequences: number;
  /** Tokens per sequence, at least as many as the settings need. */
  length: number;
  sequence(i: number): Int32Array;
}

/** The settings that decide how much text is needed. */
export type TextSettings = { problem: Pick<TrainingSettings['problem'], 'family' | 'batch' | 'length'> };

/** Tokens needed per sequence of the text: an autoregressive network predicts the last one and does not read it. */
export const tokensOfSequence = ({ problem: { family, length } }: TextSettings): number =>
  family === 'ar' ? length + 1 : length;
