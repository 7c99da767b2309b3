/** The plan of `gen`, `bench` and `frontier`: samples to draw, texts to judge, and about how long that takes. */
import type { SampleRequest } from '../../sampling/sample-request.js';
import type { Setup } from '../throughput/setup.js';
import { type GenerationCell, openGeneration } from './generation.js';
import { type MeasuringCell, withCell } from './measuring.js';
import { nameOfModel, type SuiteJudge } from './named-files.js';
import type { SuiteRequest } from './run-suite.js';
import { Paces } from './sampling-pace.js';
import type { SuiteCell } from './suite-file.js';
import type { SuiteObserver } from './suite-settings.js';

/** A cell of a suite, and what it would take. */
export interface PlannedCell {
  /** From 1. */
  cell: number;
  eval: SuiteCell['eval'];
  /** Name of the model; the number of models where there are several. */
  model: string;
  /** The data set, or how texts are sampled. */
  dataset: string;
  /** Options of the sampler, where there is one. */
  samplerOptions?: Readonly<Record<string, unknown>>;
  seed: number | null;
  sequences: number;
  draws: number;
  /** An upper bound. */
  modelCalls: number;
  state: 'kept' | 'not needed' | 'to run';
  /** Estimated seconds; 0 for a kept cell, null where the pace is unknown. */
  seconds: number | null;
}

/** Seconds to start the process that measures the memory of a configuration. */
const PROCESS_SECONDS = 1;

/** The work of a configuration. */
interface Work {
  request: SampleRequest;
  /** Number of samples drawn. */
  samples: number;
  /** Number of texts judged, real text included. */
  texts: number;
  /** Number of times the model is started. */
  starts: number;
  /** Number of processes that measure its memory. */
  processes: number;
}

interface Planned {
  cell: PlannedCell;
  judge: SuiteJudge | null;
  works: Work[];
}

/** Looks up every cell before timing any, since a kept cell may give the pace of another. */
export async function planSampling(suite: SuiteRequest, observer: SuiteObserver): Promise<PlannedCell[]> {
  const paces = new Paces(observer);
  const planned: Planned[] = [];
  for (const cell of suite.cells) {
    if (cell.eval === 'ppl') continue;
    planned.push(
      cell.eval === 'gen'
        ? await generationOf(cell, suite, paces)
        : await measuringOf(cell, suite, observer, paces),
    );
  }
  const cells: PlannedCell[] = [];
  for (const one of planned) {
    const seconds = one.cell.state === 'to run' ? await secondsOfCell(one, suite, paces) : 0;
    cells.push({ ...one.cell, seconds });
  }
  return cells;
}

async function secondsOfCell(
  { works, judge }: Planned,
  suite: SuiteRequest,
  paces: Paces,
): Promise<number | null> {
  const judging = judge && (await judgePace(works[0].request, judge, suite, paces));
  let seconds = judging?.start ?? 0;
  for (const { request, samples, texts, starts, processes } of works) {
    const step = await paces.ofStep(request);
    const text = judge && (await judgePace(request, judge, suite, paces));
    if (step === null || (judge && !text)) return null;
    seconds += starts * step.start + samples * request.steps * step.each;
    seconds += texts * (text?.each ?? 0) + processes * PROCESS_SECONDS;
  }
  return seconds;
}

function judgePace(
  { length }: SampleRequest,
  judge: SuiteJudge,
  { provider, threads, timeoutMs, fresh }: SuiteRequest,
  paces: Paces,
) {
  const options = { ...judge, provider, threads, timeoutMs, fresh };
  return paces.ofText(options, judge.name ?? nameOfModel(judge.path), length);
}

async function generationOf(cell: GenerationCell, suite: SuiteRequest, paces: Paces): Promise<Planned> {
  const { kept, request } = await openGeneration(cell, suite);
  const { samples } = cell.generation;
  if (kept) paces.learn([kept]);
  const name = request?.sampler.sampler.name ?? cell.sampler ?? undefined;
  const works = request ? [{ request, samples, texts: samples, starts: 1, processes: 0 }] : [];
  return plannedOf(cell, works, {
    ...{ model: cell.model.name, dataset: drawnBy(name, request?.steps ?? cell.steps), samples },
    samplerOptions: request?.options ?? givenOptions(cell.samplerOptions),
    state: request === null ? 'not needed' : kept ? 'kept' : 'to run',
  });
}

async function measuringOf(
  cell: MeasuringCell,
  suite: SuiteRequest,
  observer: SuiteObserver,
  paces: Paces,
): Promise<Planned> {
  const models = cell.eval === 'bench' ? cell.models : [cell.model];
  const model = models.length === 1 ? models[0].name : `${models.length} models`;
  return withCell(cell, suite, observer, async (opened) => {
    const { samples } = cell.sampling;
    if (opened === null) {
      const { samplers, place, steps } = cell as Extract<MeasuringCell, { eval: 'frontier' }>;
      const dataset = drawnBy(samplers[place]?.spec, steps);
      const samplerOptions = givenOptions(samplers[place]?.options ?? []);
      return plannedOf(cell, [], { model, dataset, samples, samplerOptions, state: 'not needed' });
    }
    const { setup, kept } = opened;
    if (kept) paces.learn(kept);
    return plannedOf(cell, worksOf(cell, setup), {
      ...{ model, dataset: samplingLabel(cell, setup), samples },
      ...(cell.eval === 'frontier' && { samplerOptions: setup.configurations[0].request.options }),
      state: kept ? 'kept' : 'to run',
    });
  });
}

function samplingLabel(cell: MeasuringCell, { configurations }: Setup): string {
  if (cell.eval === 'bench')
    return configurations.length === 1 ? configurations[0].name : `${configurations.length} configurations`;
  const [{ request }] = configurations;
  return drawnBy(request.sampler.sampler.name, request.steps);
}

function worksOf(cell: MeasuringCell, { configurations, references }: Setup): Work[] {
  return configurations.map(({ request }, i) => {
    const { samples, batch } = request;
    if (cell.eval === 'frontier') {
      const all = samples * cell.temperatures.length;
      return { request, samples: all, texts: all, starts: cell.temperatures.length, processes: 0 };
    }
    // Every round draws whole batches; one round is not counted, and one batch measures the memory.
    const rounds = Math.ceil(samples / batch) + 1;
    const real = i === 0 ? references.reduce((sum, { count }) => sum + count, 0) : 0;
    const processes = cell.memory ? 1 : 0;
    const drawn = (rounds + processes) * batch;
    return { request, samples: drawn, texts: (rounds - 1) * batch + real, starts: 1 + processes, processes };
  });
}

function plannedOf(
  cell: GenerationCell | MeasuringCell,
  works: Work[],
  {
    samples,
    ...planned
  }: Pick<PlannedCell, 'model' | 'dataset' | 'state' | 'samplerOptions'> & { samples: number },
): Planned {
  // An upper bound: a sampler may call the model once more than it takes steps.
  const modelCalls = works.reduce((sum, work) => sum + work.samples * (work.request.steps + 1), 0);
  const { index, seed, judge } = cell;
  return {
    cell: {
      ...{ cell: index + 1, eval: cell.eval, ...planned, seed, sequences: samples, draws: 1, modelCalls },
      seconds: null,
    },
    works,
    judge,
  };
}

/** Parses the `key=value` options of an unopened cell. */
function givenOptions(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
  );
}

function drawnBy(sampler: string | undefined, steps: number): string {
  const stepsText = `${steps} step${steps === 1 ? '' : 's'}`;
  return sampler === undefined ? stepsText : `${sampler}, ${stepsText}`;
}
