/** Sampling keys that `gen`, `bench` and `frontier` share. */

import { z } from 'zod';
import type { Checkpoint } from '../../models/checkpoint.js';
import { type ChosenSampler, chosenSampler } from '../../samplers/sampler.js';
import { isModulePath } from '../../samplers/user/user-sampler.js';
import { fittingSamplers } from '../throughput/configurations.js';
import { resolveFrom, type SuiteModel } from './named-files.js';

const count = z.int().min(1);
const optionValue = z.union([z.number(), z.string(), z.boolean()]);

export const samplingKeys = {
  samplers: z
    .array(
      z.union([
        z.string().min(1),
        z.strictObject({ name: z.string().min(1), options: z.record(z.string(), optionValue).optional() }),
      ]),
    )
    .min(1)
    .optional(),
  steps: z.array(count).min(1).default([32]),
  samples: count.default(64),
  length: count.min(2).optional(),
  topK: count.optional(),
  topP: z.number().positive().max(1).optional(),
  seeds: z.array(z.int().nonnegative()).min(1).default([1]),
  protocol: z.enum(['duo', 'strict']).default('duo'),
};
const keys = z.strictObject(samplingKeys);
type SamplingKeys = z.infer<typeof keys>;

/** Sampling settings other than samplers, steps and seeds, which may be lists. */
export type SamplingSaid = Pick<SamplingKeys, 'samples' | 'length' | 'topK' | 'topP' | 'protocol'>;

/** Empty: the first that supports each model. */
export function samplersOf(samplers: SamplingKeys['samplers'], folder: string): ChosenSampler[] {
  return (samplers ?? []).map((one) => {
    const { spec, options = [] } =
      typeof one === 'string'
        ? chosenSampler(one)
        : {
            spec: one.name,
            options: Object.entries(one.options ?? {}).map(([key, value]) => `${key}=${value}`),
          };
    return { spec: isModulePath(spec) ? resolveFrom(folder, spec) : spec, options };
  });
}

/** A cell for every model, sampler, number of steps and seed, in this order. @param cellOf the sampler part of the cell */
export const sampledCells = <Sampler, Cell>(
  models: readonly SuiteModel[],
  samplers: readonly Sampler[],
  { steps, seeds }: Pick<SamplingKeys, 'steps' | 'seeds'>,
  cellOf: (sampler: Sampler) => Cell,
): (Cell & { model: SuiteModel; steps: number; isOtherSteps: boolean; seed: number })[] =>
  models.flatMap((model) =>
    samplers.flatMap((sampler) =>
      unique(steps).flatMap((count) =>
        unique(seeds).map((seed) => ({
          ...{ ...cellOf(sampler), model, steps: count },
          ...{ isOtherSteps: count !== steps[0], seed },
        })),
      ),
    ),
  );

/**
 * The sampler of a cell; null where the cell is not needed: its sampler does not support the model, or the model always takes
 * one step per token. An ar model that no sampler of the part supports uses its own, as in the commands.
 * @throws UsageError when no sampler of the part supports the model
 */
export async function samplerOfCell(
  {
    samplers,
    place,
    isOtherSteps,
  }: { samplers: readonly ChosenSampler[]; place: number; isOtherSteps: boolean },
  checkpoint: Checkpoint,
): Promise<ChosenSampler | null> {
  if (checkpoint.family === 'ar' && isOtherSteps) return null;
  const fits = await fittingSamplers(checkpoint, samplers);
  if (fits.includes(samplers[place])) return samplers[place];
  const isNamed = samplers.some((one) => fits.includes(one));
  return place === 0 && !isNamed ? fits[0] : null;
}

/** Indices of samplers; where none is named, that of the one that fits. */
export const placesOf = (samplers: readonly ChosenSampler[]): number[] =>
  samplers.length === 0 ? [0] : [...samplers.keys()];

export function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
