/**
 * The part `bench` of a suite: every model, by every sampler and number of steps, timed side by side. They form
 * one cell per seed, since only configurations timed in turn on one machine compare.
 *
 *     bench:
 *       judge: gpt2.onnx
 *       steps: [8, 32]
 *       samples: 64
 *       batch: 8
 *       references: [sotu]
 */
import { z } from 'zod';
import type { ChosenSampler } from '../throughput/configurations.js';
import type { SuiteDataset, SuiteJudge, SuiteModel } from './named-files.js';
import { datasetOf, datasetSchema, judgeOf, judgeSchema } from './named-files.js';
import { type SamplingSaid, samplersOf, samplingKeys, unique } from './sampling-keys.js';

export const throughputSchema = z.strictObject({
  ...samplingKeys,
  judge: judgeSchema.optional(),
  temperature: z.number().positive().default(1),
  batch: z.int().min(1).max(4096).default(8),
  references: z.array(datasetSchema).default([]),
  memory: z.boolean().default(true),
});

/** All configurations, from a seed. */
export interface ThroughputCell {
  eval: 'bench';
  index: number;
  models: readonly SuiteModel[];
  samplers: ChosenSampler[];
  steps: number[];
  sampling: SamplingSaid & { temperature: number; batch: number };
  judge: SuiteJudge | null;
  references: SuiteDataset[];
  memory: boolean;
  seed: number;
}

/** @param first the index of the first cell   @param folder the suite's */
export function throughputCells(
  value: z.infer<typeof throughputSchema>,
  models: readonly SuiteModel[],
  first: number,
  folder: string,
): ThroughputCell[] {
  const { samplers, steps, seeds, judge, references, memory, ...sampling } = value;
  return unique(seeds).map((seed, i) => ({
    eval: 'bench',
    index: first + i,
    models,
    samplers: samplersOf(samplers, folder),
    steps: unique(steps),
    sampling,
    judge: judge === undefined ? null : judgeOf(judge, folder),
    references: references.map((one) => datasetOf(one, folder)),
    memory,
    seed,
  }));
}
