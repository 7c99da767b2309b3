/** The moving average of a run's weights as a checkpoint by the contract, with its card. */

import { elementCount, networkParameters } from '../models/architectures/parameters.js';
import type { Card } from '../models/card.js';
import { type SavedCheckpoint, saveCheckpoint } from '../models/save-checkpoint.js';
import type { StorageType } from '../models/weights/storage-names.js';
import type { WeightSource } from '../models/weights/weight-source.js';
import type { TrainingSettings } from './settings.js';

/** @param card what the settings do not know: tokenizer, special tokens, what it was trained on   @throws FileError */
export async function saveTrained(
  path: string,
  {
    problem,
    schedule,
    timeConditioning,
  }: Pick<TrainingSettings, 'problem' | 'schedule' | 'timeConditioning'>,
  weights: Float32Array,
  card: Card,
  dtype: StorageType = 'float32',
): Promise<SavedCheckpoint> {
  const { family, maskTokenId, dimensions } = problem;
  const causal = family === 'ar';
  return saveCheckpoint(path, {
    architecture: causal ? 'causal' : 'dit',
    dimensions,
    source: partsOf(weights, networkParameters(dimensions, { adaLN: !causal })),
    card: {
      family,
      ...card,
      ...(maskTokenId !== null && { maskTokenId }),
      ...(!causal && { schedule }),
      timeConditioning: causal ? false : timeConditioning,
      ...(dtype !== 'float32' && { storedAs: dtype }),
    },
    dtype,
  });
}

/** What a card says of the training so far. */
export function trainingNote(step: number, { problem, curriculum, seed }: TrainingSettings): string {
  const guided = curriculum ? `, the first ${curriculum.steps} with the Gaussian curriculum` : '';
  return `${step} steps of ${problem.batch} sequences${guided}, seed ${seed}.`;
}

/** The parameters, one after another, of a vector of all. */
function partsOf(weights: Float32Array, parameters: ReturnType<typeof networkParameters>): WeightSource {
  const places = new Map<string, number>();
  let total = 0;
  for (const parameter of parameters) {
    places.set(parameter.name, total);
    total += elementCount(parameter);
  }
  return (parameter) => {
    const from = places.get(parameter.name)!;
    return [weights.subarray(from, from + elementCount(parameter))];
  };
}
