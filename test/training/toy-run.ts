/** A run of a network of a few thousand weights on a text that repeats itself. */

import { usesMask } from '../../src/models/family.js';
import { publishedCurriculum } from '../../src/training/curriculum.js';
import { defaultAdamW } from '../../src/training/optimizer.js';
import type { TrainingSettings, TrainingText } from '../../src/training/settings.js';
import { temporaryFolder } from '../support/folder.js';

export type ToyFamily = 'ar' | 'mdlm' | 'sedd' | 'bd3lm' | 'duo' | 'd3pm' | 'gidd';

const LENGTH = 12;

/** Tokens counting up, modulo eight, from anywhere: one of them tells all the others. */
export const toyText: TrainingText = {
  sequences: 40,
  length: LENGTH + 1,
  sequence: (i) => Int32Array.from({ length: LENGTH + 1 }, (_, l) => (i + l) % 8),
};

export function toySettings(family: ToyFamily, changes: Partial<TrainingSettings> = {}): TrainingSettings {
  const vocabSize = 9;
  return {
    problem: {
      family,
      dimensions: {
        ...{ hiddenSize: 16, conditionSize: 8, blocks: 1, heads: 2, vocabSize, length: LENGTH },
        ...(family === 'bd3lm' && { blockSize: 3 }),
      },
      maskTokenId: usesMask(family) ? vocabSize - 1 : null,
      batch: 4,
      length: LENGTH,
    },
    schedule:
      family === 'gidd'
        ? { type: 'mixed', eps: 1e-4, uniformShare: 0.2 }
        : { type: 'log-linear', eps: 1e-3, ...(family === 'd3pm' && { steps: 16 }) },
    timeConditioning: family !== 'mdlm' && family !== 'bd3lm',
    seed: 5,
    steps: 12,
    learningRate: { highest: 0.01, warmup: 3, final: 0.1 },
    adamW: defaultAdamW,
    greatestNorm: 1,
    averageDecay: 0.99,
    curriculum:
      family === 'duo' ? { ...publishedCurriculum, firstLogTemperature: -1, steps: 5, kept: 3 } : null,
    text: 'toy',
    ...changes,
  };
}

/** A folder that is gone after the test. */
export function temporaryState(): string {
  return temporaryFolder().path('training.state');
}
