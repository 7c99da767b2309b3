/** What is planned of `gen`, `bench` and `frontier`: samples to draw, texts to judge, and about how long that takes. */
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
  /** Its name; how many there are where they are several. */
  model: string;
  /** Or how texts are drawn. */
  dataset: string;
  /** Of what draws, where there is one sampler. */
  samplerOptions?: Readonly<Record<string, unknown>>;
  seed: number | null;
  sequences: number;
  draws: number;
  /** At most. */
  modelCalls: number;
  state: 'kept' | 'not needed' | 'to run';
  /** Of what is to run; 0 for what is kept, null where nothing is known yet. */
  seconds: number | null;
}

/** A process of its own for the memory of a configuration: starting it, seconds. */
const PROCESS_SECONDS = 1;

/** What a configuration has to do. */
interface Work {
  request: SampleRequest;
  /** All that it draws. */
  samples: number;
  /** Of them or beside them. */
  texts: number;
  /** Times that the model is started. */
  starts: number;
  /** Processes that are started for its memory. */
  processes: number;
}

interface Planned {
  cell: PlannedCell;
  judge: SuiteJudge | null;
  works: Work[];
}

/** Everything is looked up before anything is tried, so that what is kept of one cell tells the pace of another. */
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
      ...{ model, dataset: toldOf(cell, setup), samples },
      ...(cell.eval === 'frontier' && { samplerOptions: setup.configurations[0].request.options }),
      state: kept ? 'kept' : 'to run',
    });
  });
}

function toldOf(cell: MeasuringCell, { configurations }: Setup): string {
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
    // Every round draws whole batches; one round is not counted, and one batch is for the memory.
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
    ...told
  }: Pick<PlannedCell, 'model' | 'dataset' | 'state' | 'samplerOptions'> & { samples: number },
): Planned {
  // At most: a sampler may call the model once more than it takes steps.
  const modelCalls = works.reduce((sum, work) => sum + work.samples * (work.request.steps + 1), 0);
  const { index, seed, judge } = cell;
  return {
    cell: {
      ...{ cell: index + 1, eval: cell.eval, ...told, seed, sequences: samples, draws: 1, modelCalls },
      seconds: null,
    },
    works,
    judge,
  };
}

/** `key=value`, of a cell that is not opened. */
function givenOptions(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
  );
}

function drawnBy(sampler: string | undefined, steps: number): string {
  const told = `${steps} step${steps === 1 ? '' : 's'}`;
  return sampler === undefined ? told : `${sampler}, ${told}`;
}
