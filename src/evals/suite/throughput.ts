/**
 * The part `bench` of a suite: every model, by every sampler and number of steps, timed side by side. They form
 * one cell per seed, since only configurations timed in turn on one machine compare. Results are kept per machine and versions.
 *
 *     bench:
 *       judge: gpt2.onnx
 *       steps: [8, 32]
 *       samples: 64
 *       batch: 8
 *       references: [sotu]
 */

import { z } from 'zod';
import { environmentOf } from '../../models/machine.js';
import type { Observer } from '../../observer.js';
import type { ChosenSampler } from '../../samplers/sampler.js';
import { CONTROLS, type GenerativeResult } from '../generation/record.js';
import type { BenchResult } from '../throughput/record.js';
import { continuationsOfEach, roundsOf } from '../throughput/rounds.js';
import { measureThroughput } from '../throughput/run.js';
import { type MeasuringRequest, type Setup, withSetUp } from '../throughput/setup.js';
import type { CellKind, PlannedCell, SuiteContext, SuiteSettings } from './cell.js';
import {
  comparisonOf,
  measureKeys,
  measuresKey,
  requestOfMeasures,
  type SuiteMeasures,
  withNameOfRealText,
} from './comparison-keys.js';
import { measuringKey, measuringRequest, modelNames } from './measuring.js';
import {
  datasetSchema,
  judgeOf,
  judgeSchema,
  type SuiteDataset,
  type SuiteJudge,
  type SuiteModel,
} from './named-files.js';
import { type SamplingSaid, samplersOf, samplingKeys, unique } from './sampling-keys.js';
import { Paces } from './sampling-pace.js';
import { estimateOf, type SamplingWork, samplingLabel, samplingPlan } from './sampling-work.js';

const schema = z.strictObject({
  ...samplingKeys,
  judge: judgeSchema.optional(),
  temperature: z.number().positive().default(1),
  batch: z.int().min(1).max(4096).default(8),
  references: z.array(datasetSchema).default([]),
  memory: z.boolean().default(true),
  ...measureKeys,
});
type Asked = z.infer<typeof schema>;

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
  measures: SuiteMeasures;
  seed: number;
}

export const THROUGHPUT_CELLS: CellKind<Asked, ThroughputCell, BenchResult | GenerativeResult> = {
  name: 'bench',
  schema,
  dependsOnBatch: true,
  requests,
  checkpoints: ({ models, judge, measures: { mauve } }) => [
    ...models.map(({ path }) => path),
    ...[judge, mauve].flatMap((one) => one?.path ?? []),
  ],
  samplers: ({ samplers }) => samplers.map(({ spec }) => spec),
  open: ([cell], suite, observer, work) =>
    withSetUp(requestOf(cell, suite), observer, async (setup) => {
      const { provider, threads = null } = suite;
      const { configurations, judge, references, comparison } = setup;
      const { index, models, seed, memory } = cell;
      const { samples, batch } = cell.sampling;
      const works = worksOf(cell.measures, cell.memory, setup);
      return work([
        {
          index,
          key: await measuringKey(cell, setup, suite, {
            batch,
            memory,
            // Speeds depend on the card, where one is named.
            machine: { ...environmentOf({ provider, threads }) },
            ...(await measuresKey(cell.measures, suite)),
          }),
          plan: samplingPlan(
            {
              model: models.length === 1 ? models[0].name : `${models.length} models`,
              dataset:
                configurations.length === 1
                  ? configurations[0].name
                  : `${configurations.length} configurations`,
            },
            { seed, samples, works },
          ),
          named: async (kept) => {
            const judgeRecord = judge && (await judge.record());
            return kept.map((result, i) =>
              resultIn(
                setup,
                { i, of: kept.length },
                { ...result, judge: result.judge && (judgeRecord ?? result.judge) },
              ),
            );
          },
          learn(kept, paces) {
            for (const result of kept) paces.learnSamples(result);
          },
          estimate: async (paces) =>
            estimateOf(works, { judge: cell.judge, mauve: cell.measures.mauve }, suite, paces),
          async run(keep) {
            const options = { judge, references, seed, memory, comparison };
            await keep(await measureThroughput(configurations, options, observer));
            judge?.finish();
          },
        },
      ]);
    }),
};

const requestOf = (cell: ThroughputCell, suite: SuiteSettings): MeasuringRequest => ({
  ...measuringRequest(cell, suite),
  ...requestOfMeasures(cell.measures, suite),
});

function requests(asked: Asked, { models, first, folder }: SuiteContext): ThroughputCell[] {
  const { samplers, steps, seeds, judge, references, memory, mauve, brier, controls, ...sampling } = asked;
  // It refuses measures without references.
  const { references: real, ...measures } = comparisonOf({ references, mauve, brier, controls }, folder);
  return unique(seeds).map((seed, i) => ({
    eval: 'bench',
    index: first + i,
    models,
    samplers: samplersOf(samplers, folder),
    steps: unique(steps),
    sampling,
    judge: judge === undefined ? null : judgeOf(judge, folder),
    references: real,
    ...{ memory, measures },
    seed,
  }));
}

/** What `bench` would measure, a line per configuration, and about how long that takes. */
export async function planThroughput(
  request: MeasuringRequest,
  setup: Setup,
  { memory, observer }: { memory: boolean; observer: Observer },
): Promise<{ cells: PlannedCell[]; seconds: number }> {
  const paces = new Paces(observer);
  const { judge, sampling, mauve = null, brierItems: brier = null, controls = false } = request;
  const cells: PlannedCell[] = [];
  for (const [i, work] of worksOf({ brier, controls }, memory, setup).entries()) {
    const { sampler, steps, seed, samples, checkpoint } = work.request;
    const facts = { model: checkpoint.name, dataset: samplingLabel(sampler.sampler.name, steps) };
    const planned = samplingPlan(facts, { seed, samples, works: [work] })('to run');
    const seconds = await estimateOf([work], { judge, mauve }, sampling, paces)();
    cells.push({ cell: i + 1, eval: 'bench', ...planned, seconds });
  }
  return { cells, seconds: cells.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) };
}

function worksOf(
  { brier, controls }: Pick<SuiteMeasures, 'brier' | 'controls'>,
  memory: boolean,
  { configurations, references }: Setup,
): SamplingWork[] {
  const continuations = continuationsOfEach(configurations, brier);
  // Every round draws whole batches; one round is not counted, and one batch measures the memory.
  const rounds = roundsOf(configurations) + 1;
  return configurations.map(({ request }, i) => {
    const { samples, batch } = request;
    const real = i === 0 ? references.reduce((sum, { count }) => sum + count, 0) : 0;
    const naive = i === 0 && controls ? CONTROLS.length * samples : 0;
    const processes = memory ? 1 : 0;
    const continued = continuations[i];
    const texts = (rounds - 1) * batch + real + naive;
    return {
      ...{ request, texts, described: texts, processes },
      samples: (rounds + processes) * batch + continued,
      starts: 1 + processes + (continued > 0 ? 1 : 0),
    };
  });
}

/** A kept result with the names of this suite: of a configuration, or of the real text after them. */
function resultIn<R extends BenchResult | GenerativeResult>(
  { configurations, references }: Setup,
  { i, of }: { i: number; of: number },
  result: R,
): R {
  const configuration = configurations[i];
  if (configuration) {
    const { model, samples } = result;
    return {
      ...result,
      model: model && { ...model, ...modelNames(configuration) },
      samples: { ...samples, name: configuration.name },
    };
  }
  return withNameOfRealText(result, { i, of }, references);
}
