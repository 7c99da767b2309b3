/**
 * The part `frontier` of a suite: every model, by every sampler and number of steps, from every seed, at one entropy. Each is
 * a cell; the Pareto front is marked once all cells are together (part-record.ts).
 *
 *     frontier:
 *       judge: gpt2.onnx
 *       temperatures: [0.8, 0.9, 1, 1.1]
 *       reference: sotu               # or entropy: 5.4
 *       steps: [8, 32]
 */
import { z } from 'zod';
import type { Checkpoint } from '../../models/checkpoint.js';
import { type ChosenSampler, fittingSamplers } from '../throughput/configurations.js';
import type { SuiteDataset, SuiteJudge, SuiteModel } from './named-files.js';
import { datasetOf, datasetSchema, judgeOf, judgeSchema } from './named-files.js';
import { type SamplingSaid, sampledCells, samplersOf, samplingKeys, unique } from './sampling-keys.js';

export const frontierSchema = z
  .strictObject({
    ...samplingKeys,
    judge: judgeSchema,
    temperatures: z.array(z.number().positive()).min(2).default([0.8, 0.9, 1, 1.1]),
    reference: datasetSchema.optional(),
    entropy: z.number().positive().optional(),
    batch: z.int().min(1).max(4096).default(8),
  })
  .refine(({ reference, entropy }) => reference === undefined || entropy === undefined, {
    error: 'models are compared at the entropy of reference or at this one: give one of the two',
    path: ['entropy'],
  });

/** A sweep: a model, how it is sampled, from a seed. */
export interface FrontierCell {
  eval: 'frontier';
  index: number;
  model: SuiteModel;
  /** All samplers of the part. */
  samplers: ChosenSampler[];
  /** Index of its sampler; 0 where none is named. */
  place: number;
  steps: number;
  /** Whether its number of steps is not the first in the list. */
  isOtherSteps: boolean;
  temperatures: number[];
  sampling: SamplingSaid & { batch: number };
  judge: SuiteJudge;
  /** The entropy to compare at, or real text that has it. */
  target: number | SuiteDataset;
  seed: number;
}

/** @param first the index of the first cell   @param folder the suite's */
export function frontierCells(
  value: z.infer<typeof frontierSchema>,
  models: readonly SuiteModel[],
  first: number,
  folder: string,
): FrontierCell[] {
  const { samplers, steps, seeds, judge, temperatures, reference = 'sotu', entropy, ...sampling } = value;
  const chosen = samplersOf(samplers, folder);
  const places = chosen.length === 0 ? [0] : [...chosen.keys()];
  const cells = sampledCells(models, places, { steps, seeds }, (place) => ({
    eval: 'frontier' as const,
    samplers: chosen,
    place,
    temperatures: unique(temperatures),
    sampling,
    judge: judgeOf(judge, folder),
    target: entropy ?? datasetOf(reference, folder),
  }));
  return cells.map((cell, i) => ({ ...cell, index: first + i }));
}

/**
 * The sampler of a cell; null where the cell is not needed: its sampler does not support the model, or the model always takes
 * one step per token. An ar model that no sampler of the part supports uses its own, as in `frontier`.
 * @throws UsageError when no sampler of the part supports the model
 */
export async function samplerOfCell(
  { samplers, place, isOtherSteps }: FrontierCell,
  checkpoint: Checkpoint,
): Promise<ChosenSampler | null> {
  if (checkpoint.family === 'ar' && isOtherSteps) return null;
  const fits = await fittingSamplers(checkpoint, samplers);
  if (fits.includes(samplers[place])) return samplers[place];
  const isNamed = samplers.some((one) => fits.includes(one));
  return place === 0 && !isNamed ? fits[0] : null;
}
