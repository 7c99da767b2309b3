/**
 * The part `frontier` of a suite: every model, by every sampler and number of steps, from every seed, at one entropy. Each is
 * a cell; the Pareto front is marked once all cells are together (part-record.ts).
 *
 *     frontier:
 *       judge: gpt2.onnx
 *       temperatures: [0.8, 0.9, 1, 1.1]
 *       reference: sotu               # or entropy: 5.4
 *       steps: [8, 32]
 *       controls: true                # naive samplers at that entropy, which are a cell of their own
 */

import { z } from 'zod';
import type { Observer } from '../../observer.js';
import type { ChosenSampler } from '../../samplers/sampler.js';
import type { FrontierResult } from '../frontier/record.js';
import { checkComparable, measureControls, measureFrontier } from '../frontier/run.js';
import { CONTROLS, type GenerativeResult } from '../generation/record.js';
import { type Configuration, configurations } from '../throughput/configurations.js';
import { type MeasuringRequest, type Setup, withSetUp } from '../throughput/setup.js';
import type { Cell, CellKind, SuiteContext, SuiteSettings } from './cell.js';
import {
  measureKeys,
  measuresKey,
  measuresOf,
  requestOfMeasures,
  type SuiteMeasures,
} from './comparison-keys.js';
import { measuringKey, measuringRequest, modelNames } from './measuring.js';
import {
  datasetOf,
  datasetSchema,
  judgeOf,
  judgeSchema,
  type SuiteDataset,
  type SuiteJudge,
  type SuiteModel,
} from './named-files.js';
import {
  placesOf,
  type SamplingSaid,
  sampledCells,
  samplerOfCell,
  samplersOf,
  samplingKeys,
  unique,
} from './sampling-keys.js';
import { continuationsOf, estimateOf, givenOptions, samplingLabel, samplingPlan } from './sampling-work.js';

const schema = z
  .strictObject({
    ...samplingKeys,
    judge: judgeSchema,
    temperatures: z.array(z.number().positive()).min(2).default([0.8, 0.9, 1, 1.1]),
    reference: datasetSchema.optional(),
    entropy: z.number().positive().optional(),
    batch: z.int().min(1).max(4096).default(8),
    ...measureKeys,
  })
  .refine(({ entropy, mauve, brier, controls }) => entropy === undefined || !(mauve || brier || controls), {
    error: 'mauve, brier and controls need real text to compare with: give reference in place of entropy',
    path: ['entropy'],
  })
  .refine(({ reference, entropy }) => reference === undefined || entropy === undefined, {
    error: 'models are compared at the entropy of reference or at this one: give one of the two',
    path: ['entropy'],
  });
type Asked = z.infer<typeof schema>;

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
  /** Of sweeps without controls. */
  measures: SuiteMeasures;
  /** Naive samplers, which stand beside the sweeps; nothing is sampled then. */
  isBeside: boolean;
  seed: number;
}

export const FRONTIER_CELLS: CellKind<Asked, FrontierCell, FrontierResult | GenerativeResult> = {
  name: 'frontier',
  schema,
  requests,
  checkpoints: ({ model, judge, measures: { mauve } }) => [
    ...[model.path, judge.path],
    ...(mauve ? [mauve.path] : []),
  ],
  samplers: ({ samplers }) => samplers.map(({ spec }) => spec),
  check: checkSweeps,
  async open([cell], suite, observer, work) {
    const request = await requestOf(cell, suite);
    if (request === null) return work([unneededCell(cell)]);
    return withSetUp(request, observer, async (setup) => {
      if (cell.isBeside) return work([await besideCell(cell, setup, suite, observer)]);
      const { configurations, judge, references, comparison } = setup;
      const { index, seed, target, temperatures } = cell;
      const [{ request: sampled }] = configurations;
      const { brier, mauve } = cell.measures;
      const texts = cell.sampling.samples * temperatures.length;
      const works = [
        {
          request: sampled,
          samples: texts + temperatures.length * continuationsOf(brier),
          texts,
          described: texts + cell.sampling.samples,
          starts: temperatures.length * (brier === null ? 1 : 2),
          processes: 0,
        },
      ];
      return work([
        {
          index,
          key: await measuringKey(cell, setup, suite, {
            temperatures: [...temperatures].sort((a, b) => a - b),
            entropy: typeof target === 'number' ? target : null,
            ...(await measuresKey(cell.measures, suite)),
          }),
          plan: samplingPlan(
            {
              model: cell.model.name,
              dataset: samplingLabel(sampled.sampler.sampler.name, sampled.steps),
              samplerOptions: sampled.options,
            },
            { seed, samples: cell.sampling.samples, works },
          ),
          named: (kept) => Promise.all((kept as FrontierResult[]).map((result) => resultIn(setup, result))),
          learn: ([kept], paces) => paces.learnSweep(kept as FrontierResult),
          estimate: async (paces) => estimateOf(works, { judge: cell.judge, mauve }, suite, paces),
          async run(keep) {
            const options = {
              temperatures,
              target: typeof target === 'number' ? target : references[0],
              // `frontier` requires a judge
              judge: judge!,
              ...{ seed, comparison },
            };
            const { results, finish } = await measureFrontier(configurations, options, observer);
            await keep(results);
            await finish();
          },
        },
      ]);
    });
  },
};

function requests(asked: Asked, { models, first, folder }: SuiteContext): FrontierCell[] {
  const { samplers, steps, seeds, judge, temperatures, reference = 'sotu', entropy, ...others } = asked;
  const { mauve, brier, controls, ...sampling } = others;
  const chosen = samplersOf(samplers, folder);
  const cells = sampledCells(models, placesOf(chosen), { steps, seeds }, (place) => ({
    eval: 'frontier' as const,
    samplers: chosen,
    place,
    temperatures: unique(temperatures),
    sampling,
    judge: judgeOf(judge, folder),
    target: entropy ?? datasetOf(reference, folder),
    measures: measuresOf({ mauve, brier }, folder),
    isBeside: false,
  }));
  const measures = measuresOf({ mauve, brier, controls }, folder);
  // The first sampler of a family fits it.
  const beside = { ...cells[0], ...{ samplers: [], place: 0, measures, isBeside: true } };
  return [...cells, ...(controls ? [beside] : [])].map((cell, i) => ({ ...cell, index: first + i }));
}

/** Naive samplers with the entropy at which models are compared. */
async function besideCell(
  cell: FrontierCell,
  setup: Setup,
  suite: SuiteSettings,
  observer: Observer,
): Promise<Cell<GenerativeResult>> {
  const { configurations, judge, references, comparison } = setup;
  const [configuration] = configurations;
  const { request } = configuration;
  const { index, seed } = cell;
  const { samples } = cell.sampling;
  const [real] = references; // controls need real text
  const texts = samples * CONTROLS.length;
  const works = [{ request, samples: 0, texts, described: texts + samples, starts: 0, processes: 0 }];
  return {
    index,
    // What models write makes no difference to them.
    key: await measuringKey(cell, { ...setup, configurations: [] }, suite, {
      beside: [request.length, seed, request.tokenizer.sha256],
      ...(await measuresKey(cell.measures, suite)),
    }),
    plan: samplingPlan({ model: 'controls', dataset: real.name }, { seed, samples, works }),
    named: async (kept) => {
      const record = await judge!.record(); // `frontier` requires a judge
      return kept.map((result) => ({ ...result, judge: record }));
    },
    learn() {},
    estimate: async (paces) =>
      estimateOf(works, { judge: cell.judge, mauve: cell.measures.mauve }, suite, paces),
    async run(keep) {
      const options = { target: real, judge: judge!, seed, comparison }; // as above
      await keep(await measureControls(configuration, options, observer));
      judge?.finish();
    },
  };
}

/** A cell whose model its sampler does not support, or that another number of steps would repeat. */
function unneededCell({
  index,
  model,
  samplers,
  place,
  steps,
  seed,
  sampling,
}: FrontierCell): Cell<FrontierResult> {
  const never = () => {
    throw new RangeError('the cell is not needed');
  };
  return {
    index,
    key: null,
    plan: samplingPlan(
      {
        model: model.name,
        dataset: samplingLabel(samplers[place]?.spec, steps),
        samplerOptions: givenOptions(samplers[place]?.options ?? []),
      },
      { seed, samples: sampling.samples, works: [] },
    ),
    named: never,
    learn: never,
    estimate: never,
    run: never,
  };
}

/** Null where the cell is not needed. */
async function requestOf(cell: FrontierCell, suite: SuiteSettings): Promise<MeasuringRequest | null> {
  const sampler = await samplerOfCell(cell, await suite.open(cell.model));
  if (sampler === null) return null;
  const { model, steps, target } = cell;
  const references = typeof target === 'number' ? [] : [target];
  return {
    ...measuringRequest({ ...cell, models: [model], samplers: [sampler], steps: [steps], references }, suite),
    ...requestOfMeasures(cell.measures, suite),
  };
}

/** Checks sweeps before any is sampled. @throws UsageError where their entropies do not compare */
async function checkSweeps(cells: readonly FrontierCell[], suite: SuiteSettings): Promise<void> {
  const swept: Configuration[] = [];
  for (const cell of cells) {
    const request = await requestOf(cell, suite);
    if (!request) continue;
    const { samplers, steps, sampling } = request;
    const models = [{ checkpoint: await suite.open(cell.model), path: cell.model.path }];
    swept.push(...(await configurations({ models, samplers, steps, flags: sampling })));
  }
  if (swept.length > 0) checkComparable(swept);
}

/** A kept result with the names of this suite. */
async function resultIn(
  { configurations: [configuration], references: [real], judge }: Setup,
  result: FrontierResult,
): Promise<FrontierResult> {
  const { model, target } = result;
  return {
    ...result,
    model: { ...model, ...modelNames(configuration) },
    target: { ...target, dataset: real?.name ?? null },
    judge: judge ? await judge.record() : result.judge,
  };
}
