/** What a cell of `gen`, `bench` or `frontier` would take: samples to draw, texts to judge, and about how long that takes. */
import { parametersOf } from '../../models/stored-weights.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import type { CellState, Estimate, PlannedCell, SuiteSettings } from './cell.js';
import { nameOfModel, type SuiteJudge } from './named-files.js';
import type { Paces } from './sampling-pace.js';

/** Seconds to start the process that measures the memory of a configuration. */
const PROCESS_SECONDS = 1;

/** The work of a configuration. */
export interface SamplingWork {
  request: SampleRequest;
  /** Number of samples drawn, continuations of prompts among them. */
  samples: number;
  /** Number of texts judged, real text included. */
  texts: number;
  /** Number of texts that MAUVE's model reads, where it does. */
  described: number;
  /** Number of times the model is started. */
  starts: number;
  /** Number of processes that measure its memory. */
  processes: number;
}

/** What reads texts; null: nothing does. */
interface Readers {
  judge: SuiteJudge | null;
  /** MAUVE's model. */
  mauve: SuiteJudge | null;
}

/** How long the work takes. What is computed from texts that were read, such as clusters and bootstraps, is left out. */
export function estimateOf(
  works: readonly SamplingWork[],
  { judge, mauve }: Readers,
  suite: Omit<SuiteSettings, 'open' | 'fetchSplit'>,
  paces: Paces,
): Estimate {
  const paceOf = async (reader: SuiteJudge | null, { length }: SampleRequest) => {
    if (!reader) return null;
    const { provider, threads, timeoutMs, fresh } = suite;
    const options = { ...reader, provider, threads, timeoutMs, fresh };
    return paces.ofText(options, reader.name ?? nameOfModel(reader.path), length);
  };
  return async () => {
    let seconds = 0;
    for (const reader of [judge, mauve]) seconds += (await paceOf(reader, works[0].request))?.start ?? 0;
    for (const { request, samples, texts, described, starts, processes } of works) {
      const step = await paces.ofStep(request);
      const judging = await paceOf(judge, request);
      const describing = await paceOf(mauve, request);
      if (step === null || (judge && !judging) || (mauve && !describing)) return null;
      seconds += starts * step.start + samples * request.steps * step.each;
      seconds += texts * (judging?.each ?? 0) + described * (describing?.each ?? 0);
      seconds += processes * PROCESS_SECONDS;
    }
    return seconds;
  };
}

/** Samples that BrierLM adds for each sampler that is scored: two continuations a prompt. */
export const continuationsOf = (prompts: number | null): number => 2 * (prompts ?? 0);

/** The entry of a sampled cell in a plan. @param works empty where the cell is not needed */
export function samplingPlan(
  facts: Pick<PlannedCell, 'model' | 'dataset' | 'samplerOptions'>,
  { seed, samples, works }: { seed: number; samples: number; works: readonly SamplingWork[] },
): (state: CellState) => Omit<PlannedCell, 'cell' | 'eval' | 'seconds'> {
  // An upper bound: a sampler may call the model once more than it takes steps.
  const modelCalls = works.reduce((sum, work) => sum + work.samples * (work.request.steps + 1), 0);
  const weight = works.reduce((sum, { samples: drawn, request: { steps, length, checkpoint } }) => {
    return sum + drawn * (steps + 1) * length * parametersOf(checkpoint);
  }, 0);
  return (state) => ({ ...facts, state, seed, sequences: samples, draws: 1, modelCalls, weight });
}

/** The `key=value` options of a cell that was not opened. */
export function givenOptions(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
  );
}

/** `psi, 8 steps`. */
export function samplingLabel(sampler: string | undefined, steps: number): string {
  const stepsText = `${steps} step${steps === 1 ? '' : 's'}`;
  return sampler === undefined ? stepsText : `${sampler}, ${stepsText}`;
}
