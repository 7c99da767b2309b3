/** The moving average of a run's weights as an ONNX checkpoint with its card. */

import { decoderGraph } from '../models/architectures/decoder.js';
import { architectureOfDecoder } from '../models/architectures/decoder-dimensions.js';
import { elementCount, type Parameter } from '../models/architectures/parameters.js';
import type { Card } from '../models/card.js';
import { isMixed, usualTimestep } from '../models/family.js';
import {
  blocksOfCard,
  type SavedCheckpoint,
  saveCheckpoint,
  saveNetwork,
} from '../models/save-checkpoint.js';
import type { StorageType } from '../models/weights/storage-names.js';
import type { WeightSource } from '../models/weights/weight-source.js';
import { parametersOf } from './objective.js';
import type { TrainingSettings } from './settings.js';

/** @param card what the settings do not hold: tokenizer, special tokens, training data   @throws FileError */
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
  const { family, maskTokenId, textVocabSize, neverMasked, dimensions, decoder } = problem;
  const causal = family === 'ar';
  const parameters = parametersOf(problem);
  const source = partsOf(weights, parameters);
  const whole: Card = {
    family,
    ...card,
    ...(maskTokenId !== null && { maskTokenId }),
    ...(textVocabSize !== undefined && { textVocabSize }),
    ...(neverMasked !== undefined && { neverMasked: [...neverMasked] }),
    ...(!causal && { schedule }),
    timeConditioning: causal ? false : timeConditioning,
    ...(timeConditioning && isMixed(family) && { timestepInput: usualTimestep(family) }),
    ...(dtype !== 'float32' && { storedAs: dtype }),
  };
  if (decoder) {
    const { vocabSize, length } = decoder;
    const blocks = blocksOfCard(dimensions.blockSize);
    const architecture = architectureOfDecoder(decoder);
    return saveNetwork(path, {
      parameters,
      graph: (options) => decoderGraph(decoder, options),
      source,
      card: { ...whole, vocabSize, length, ...blocks, architecture },
      dtype,
    });
  }
  return saveCheckpoint(path, {
    architecture: causal ? 'causal' : dimensions.blockSize === undefined ? 'dit' : 'block-diffusion',
    dimensions,
    source,
    card: whole,
    dtype,
  });
}

/** The card's note on the training so far. */
export function trainingNote(step: number, { problem, curriculum, seed }: TrainingSettings): string {
  const guided = curriculum ? `, the first ${curriculum.steps} with the Gaussian curriculum` : '';
  return `${step} steps of ${problem.batch} sequences${guided}, seed ${seed}.`;
}

/** Parameters as parts of one vector that holds them all in order. */
function partsOf(weights: Float32Array, parameters: readonly Parameter[]): WeightSource {
  const places = new Map<string, number>();
  let total = 0;
  for (const parameter of parameters) {
    places.set(parameter.name, total);
    total += elementCount(parameter);
  }
  return (parameter) => {
    const from = places.get(parameter.name)!; // the network's own parameters
    return [weights.subarray(from, from + elementCount(parameter))];
  };
}
