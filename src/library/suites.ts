/** Suites: what a YAML file asks for, cell by cell, planned or run, all of it or some cells. */
import type { Result } from '../evals/registry.js';
import type { SuiteCell } from '../evals/suite/kinds.js';
import type { SuiteFile } from '../evals/suite/part-record.js';
import type { SuiteObserver, SuitePlan, SuiteRequest } from '../evals/suite/run-suite.js';
import type { Suite } from '../evals/suite/suite-file.js';
import type { Unit, UnitPlan } from '../evals/suite/units.js';
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
  /** Only these units of a plan (`planSuiteUnits`); what is found for ranges stays in the cache, for `gatherSuite`. */
  units?: readonly Unit[];
}

/** Reads a suite file. @param relativeTo folder that its paths are relative to; its own by default   @throws FileError; UsageError that names line and key */
export async function readSuite(path: string, relativeTo?: string): Promise<Suite> {
  const { readSuite: read } = await import('../evals/suite/suite-file.js');
  return read(path, relativeTo);
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
  const { shard, units } = task;
  if (cells.length === 0)
    observer.warn?.(`This part holds nothing: the suite has ${suite.cells.length} cells, fewer than parts.`);
  const [request, heard] = await asked(cells, task, observer);
  const { rangesOf } = await import('../evals/suite/units.js');
  const results = await run(units ? { ...request, ranges: rangesOf(units) } : request, heard);
  const { name, sha256 } = suite;
  const part = {
    ...(shard && { shard: `${shard.part}/${shard.of}` }),
    ...(units && { units: units.map(({ key }) => key) }),
  };
  return suiteFile({ name, sha256, cells: suite.cells.length, ...part }, results);
}

/**
 * Runs units of a plan as they come, each once the one before is done; results stay in the cache, for `gatherSuite`. A model stays
 * loaded while the next unit needs it. @param numbers of the cells that they may be of, from 1   @throws as runSuite
 */
export async function runSuiteUnits(
  suite: Suite,
  numbers: ReadonlySet<number>,
  units: AsyncIterable<Unit>,
  settings: SuiteSettings = {},
  observer: Observer = {},
): Promise<void> {
  const { runUnits } = await import('../evals/suite/run-suite.js');
  const cells = suite.cells.filter(({ index }) => numbers.has(index + 1));
  const [request, heard] = await asked(cells, settings, observer);
  // How far a unit is says more than how far these cells are, which others work on, too.
  await runUnits(request, { ...heard, progress: observer.progress, begins: undefined }, units);
}

/**
 * Cuts a suite into units of about equal weight for so many machines.
 * @param earlier a plan of the suite, taken if it is for as many machines and all that it plans is the same   @throws as runSuite
 */
export async function planSuiteUnits(
  suite: Suite,
  machines: number,
  settings: SuiteSettings = {},
  observer: Observer = {},
  earlier?: UnitPlan,
): Promise<UnitPlan> {
  const { planUnits } = await import('../evals/suite/run-suite.js');
  const request = await asked(suite.cells, settings, observer);
  const known = earlier?.plan.machines === machines ? earlier.plan.units : undefined;
  const units = await planUnits(...request, machines, known);
  const { name, sha256, cells } = suite;
  return { schemaVersion: 1, plan: { name, sha256, cells: cells.length, machines, units } };
}

export interface GatheredSuite {
  file: SuiteFile;
  /** Cells that are not finished, from 1. */
  missing: number[];
  /** Units of the plan that are not finished; empty without a plan. */
  units: Unit[];
}

/** Joins what machines with the same cache have finished, without running anything. @throws as runSuite */
export async function gatherSuite(
  suite: Suite,
  { plan, ...settings }: SuiteSettings & { plan?: UnitPlan } = {},
  observer: Observer = {},
): Promise<GatheredSuite> {
  const { runSuite: run, missingUnits } = await import('../evals/suite/run-suite.js');
  const { suiteFile } = await import('../evals/suite/part-record.js');
  const [request, heard] = await asked(suite.cells, settings, observer);
  const results = await run({ ...request, gathers: true }, heard);
  const there = new Set(results.map(({ index }) => index));
  const missing = suite.cells.flatMap(({ index }) => (there.has(index) ? [] : [index + 1]));
  const lacking = (plan?.plan.units ?? []).filter(({ cell }) => !there.has(cell - 1));
  const units = lacking.length > 0 ? await missingUnits(request, heard, lacking) : [];
  const { name, sha256, cells } = suite;
  return { file: suiteFile({ name, sha256, cells: cells.length }, results), missing, units };
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

async function cellsOf({ cells }: Suite, { shard, units }: SuiteTask): Promise<SuiteCell[]> {
  if (units) {
    const asked = new Set(units.map(({ cell }) => cell - 1));
    return cells.filter(({ index }) => asked.has(index));
  }
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
