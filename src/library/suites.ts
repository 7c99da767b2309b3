/** Suites: what a YAML file asks for, cell by cell, planned or run, all of it or some cells. */
import type { Result } from '../evals/registry.js';
import type { SuiteCell } from '../evals/suite/kinds.js';
import type { SuiteFile } from '../evals/suite/part-record.js';
import type { SuiteObserver, SuitePlan, SuiteRequest } from '../evals/suite/run-suite.js';
import type { Suite } from '../evals/suite/suite-file.js';
import { type Observer, partOf, verbOf } from '../observer.js';
import {
  fetchHubModel,
  openCheckpoint,
  type RuntimeSettings,
  runtimeOf,
  splitsOfHub,
} from './checkpoints.js';

export interface SuiteSettings extends RuntimeSettings {
  /** Runs every cell anew instead of reusing the results of earlier runs. */
  fresh?: boolean;
  /** Allows modules that the suite names, such as samplers. */
  allowCode?: boolean;
}

export interface SuiteTask extends SuiteSettings {
  /** Part `part` of `of` parts, from 1: every `of`-th cell. By default the whole suite. */
  shard?: { part: number; of: number };
}

/** Reads a suite file. @throws FileError; UsageError that names line and key */
export async function readSuite(path: string): Promise<Suite> {
  const { readSuite: read } = await import('../evals/suite/suite-file.js');
  return read(path);
}

/**
 * Which cells would run, and about how long they take. A model of unknown pace is timed first, on a few
 * sequences or some seconds of sampling.
 * @throws as runSuite
 */
export async function planSuite(
  suite: Suite,
  task: SuiteTask = {},
  observer: Observer = {},
): Promise<SuitePlan> {
  const cells = await cellsOf(suite, task);
  const { planSuite: plan } = await import('../evals/suite/run-suite.js');
  return plan(...(await asked(cells, task, observer)));
}

/**
 * Runs a suite, or a part of it that `duo-eval merge` joins with the others.
 * @throws what the evaluations do; UsageError where it names a module and `allowCode` is not given
 */
export async function runSuite(
  suite: Suite,
  task: SuiteTask = {},
  observer: Observer = {},
): Promise<SuiteFile> {
  const cells = await cellsOf(suite, task);
  const { runSuite: run } = await import('../evals/suite/run-suite.js');
  const { suiteFile } = await import('../evals/suite/part-record.js');
  const results = await run(...(await asked(cells, task, observer)));
  const { name, sha256 } = suite;
  return suiteFile({ name, sha256, cells: suite.cells.length }, results);
}

/**
 * Runs one cell of a suite, or reuses its kept result, as {@link runSuite} does.
 * @returns its results: several of `bench`, none of a cell that says nothing new, such as another seed of an exact loss
 * @throws as runSuite
 */
export async function runSuiteCell(
  cell: SuiteCell,
  settings: SuiteSettings = {},
  observer: Observer = {},
): Promise<readonly Result[]> {
  const { runSuite: run } = await import('../evals/suite/run-suite.js');
  const results = await run(...(await asked([cell], settings, observer)));
  return results.flatMap((one) => one.results);
}

async function cellsOf({ cells }: Suite, { shard }: SuiteTask): Promise<SuiteCell[]> {
  const { isInShard } = await import('../evals/shard.js');
  return cells.filter(({ index }) => isInShard(index, shard ?? null));
}

/** One progress over all cells; a notice that several cells give is passed on once. */
async function asked(
  cells: readonly SuiteCell[],
  settings: SuiteSettings,
  observer: Observer,
): Promise<[SuiteRequest, SuiteObserver]> {
  const { checkCode, checkpointsOf } = await import('../evals/suite/suite-file.js');
  checkCode(cells, settings.allowCode ?? false);
  const runtime = await runtimeOf(settings);
  const said = new Set<string>();
  const withoutRepeats = (speak: Observer['note']) => (text: string) => {
    if (said.has(text)) return;
    said.add(text);
    speak?.(text);
  };
  const heard: Observer = {
    ...observer,
    note: withoutRepeats(observer.note),
    warn: withoutRepeats(observer.warn),
  };
  for (const path of new Set(cells.flatMap(checkpointsOf)))
    if (path.startsWith('hf:')) await fetchHubModel(path, heard);
  let [finished, kept, name] = [0, 0, ''];
  const request: SuiteRequest = {
    ...runtime,
    cells,
    fresh: settings.fresh ?? false,
    open: ({ path, overrides, name }) => openCheckpoint(path, { ...overrides, name }, heard),
    fetchSplit: splitsOfHub(heard),
  };
  return [
    request,
    {
      ...heard,
      progress: (work, done, total, detail, overall) => {
        const cell = Math.min(finished + 1, cells.length);
        const named = (inner: string) => {
          const verb = verbOf(inner);
          const text = name === '' ? inner : verb === null ? name : `${name}, ${verb}`;
          return `cell ${cell} of ${cells.length}: ${text}`;
        };
        // Kept cells took no time, so they are no part of the work; the others count alike.
        const share = 1 / Math.max(1, cells.length - kept);
        const part = partOf(observer, { before: (finished - kept) * share, share, named });
        part.progress?.(work, done, total, detail, overall);
      },
      begins: ({ model, dataset, seed }) => {
        name = [
          dataset === '' ? model : `${model}, ${dataset}`,
          ...(seed === null ? [] : [`seed ${seed}`]),
        ].join(', ');
      },
      finished: (_cell, wasKept) => {
        finished++;
        if (wasKept) kept++;
        name = '';
      },
    },
  ];
}
