/**
 * Runs or plans a suite, group by group. A finished cell is cached under everything that determines its figures, so that later
 * runs of this or another suite reuse it. An interrupted cell continues from its journal. Draws that `until` may save are not
 * predicted.
 */
import { DuoEvalError, InterruptedError } from '../../errors.js';
import { grouped, groupedBy } from '../../grouped.js';
import type { Observer } from '../../observer.js';
import { sha256OfBytes } from '../../storage/digest.js';
import type { Lock } from '../../storage/lock.js';
import type { WorkRange } from '../../storage/work-journal.js';
import type { Result } from '../registry.js';
import type { Cell, CellKind, Estimate, PlannedCell, SuiteSettings } from './cell.js';
import { acquireCell, freeCell, keepResults, keptResults } from './kept-cells.js';
import { CELL_KINDS, kindOf, type SuiteCell } from './kinds.js';
import type { CellResult } from './part-record.js';
import { Paces } from './sampling-pace.js';
import { type PlannedWork, stillHold, type Unit, unitsOf } from './units.js';

export interface SuiteRequest extends SuiteSettings {
  cells: readonly SuiteCell[];
  /** By the index of a cell: the sequences that are evaluated, for others to join; null: all. By default all of every cell. */
  ranges?: ReadonlyMap<number, readonly WorkRange[] | null>;
  /** Takes what is kept, and runs nothing. */
  gathers?: boolean;
}

export interface SuiteObserver extends Observer {
  /** A cell begins to run. */
  begins?(cell: Omit<PlannedCell, 'cell' | 'eval' | 'seconds'>): void;
  /** A cell is done. @param kept by an earlier run */
  finished(cell: { index: number }, kept: boolean): void;
}

export interface SuitePlan {
  cells: PlannedCell[];
  /** Total of the known estimates. */
  seconds: number;
}

/**
 * A cell that fails ends the run. With units, or when it gathers, the others go on: machines that wait for nobody would else all
 * end because of one data set.
 * @throws what the commands of its evaluations do; with units, the first failure, once the others are done
 */
export async function runSuite(request: SuiteRequest, observer: SuiteObserver): Promise<CellResult[]> {
  const done: CellResult[] = [];
  const failures = request.ranges || request.gathers ? new Failures(request, observer) : null;
  const attempt = async (cell: { index: number }, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!failures?.goesOnAfter(error, cell)) throw error;
    }
  };
  for (const kind of CELL_KINDS) await kind.check?.(cellsOf(kind, request), request);
  const runGroup = async (opened: readonly OpenedCell[]): Promise<void> => {
    for (const { cell, kept, state } of opened) {
      if (state === 'to run') continue;
      done.push({ index: cell.index, results: kept ?? [] });
      observer.finished(cell, true);
    }
    // Cells of other processes come last.
    const busy: OpenedCell[] = [];
    for (const one of opened) {
      if (one.state !== 'to run') continue;
      const ranges = request.ranges?.get(one.cell.index) ?? null;
      if (ranges) {
        observer.begins?.(one.cell.plan('to run'));
        await attempt(one.cell, () =>
          runParts(one.cell, ranges, request.fresh, (work) => attempt(one.cell, work)),
        );
        observer.finished(one.cell, false);
        continue;
      }
      const lock = freeCell(one.cell.key, whatOf(one));
      if (lock === null) busy.push(one);
      else await attempt(one.cell, () => runWhole(one, lock, request, observer, done));
    }
    for (const one of busy)
      await attempt(one.cell, async () =>
        runWhole(one, await acquireCell(one.cell.key, whatOf(one)), request, observer, done),
      );
  };
  await forEachGroup(request, observer, runGroup, failures);
  if (request.ranges && failures?.first !== undefined) throw failures.first;
  return done;
}

/** Runs a cell, unless the process that had its lock before has finished it, and adds its results. */
async function runWhole(
  { kind, cell }: OpenedCell,
  lock: Lock,
  request: SuiteRequest,
  observer: SuiteObserver,
  done: CellResult[],
): Promise<void> {
  try {
    const { kept } = await lookedUp(kind, cell, request);
    if (kept) {
      done.push({ index: cell.index, results: kept });
      observer.finished(cell, true);
      return;
    }
    const plan = cell.plan('to run');
    if (request.gathers && !(await isWhole(cell, plan))) return;
    observer.begins?.(plan);
    await cell.run(async (results) => {
      await keepResults(kind, cell.key, results);
      done.push({ index: cell.index, results });
      observer.finished(cell, false);
    });
  } finally {
    lock.release();
  }
}

/**
 * Runs units as they come. What a unit needs stays open while the next is of the same model. Results stay in the cache.
 * @param units the next is asked for once the one before is done   @throws as runSuite
 */
export async function runUnits(
  request: SuiteRequest,
  observer: SuiteObserver,
  units: AsyncIterable<Unit>,
): Promise<void> {
  const coming = units[Symbol.asyncIterator]();
  let next = await coming.next();
  while (!next.done) {
    const { cell: first } = next.value;
    const asked = request.cells.find(({ index }) => index === first - 1)!; // the caller's units are of this suite
    const kind = kindOf(asked);
    await kind.check?.([asked], request);
    const group = groupsOf(kind, request).find((cells) => cells.includes(asked))!; // every cell is in one
    await kind.open(group, request, observer, async (cells) => {
      while (!next.done) {
        const { cell: number, from, to } = next.value;
        const cell = cells.find(({ index }) => index === number - 1);
        if (cell === undefined) return;
        const one = await lookedUp(kind, cell, request);
        if (one.state === 'to run') {
          if (from === null || to === null)
            await runWhole(one, await acquireCell(cell.key, whatOf(one)), request, observer, []);
          else {
            observer.begins?.(cell.plan('to run'));
            await runParts(cell, [{ from, to }], request.fresh, (work) => work());
          }
        }
        next = await coming.next();
      }
    });
  }
}

/** Failures of cells, while others go on. */
class Failures {
  first: DuoEvalError | undefined;

  constructor(
    private readonly request: SuiteRequest,
    private readonly observer: Observer,
  ) {}

  /** Notes the failure. A signal, and what is a fault of this program, end the run. */
  goesOnAfter(error: unknown, { index }: { index: number }): boolean {
    const { observer, request } = this;
    if (!(error instanceof DuoEvalError) || error instanceof InterruptedError || observer.signal?.aborted)
      return false;
    this.first ??= error;
    observer.warn?.(
      request.gathers
        ? `Cell ${index + 1} cannot be looked up: ${error.message}`
        : `Cell ${index + 1} failed, and the others go on: ${error.message}`,
    );
    return true;
  }
}

async function isWhole({ parts }: Cell, { sequences }: { sequences: number }): Promise<boolean> {
  return parts !== undefined && (await parts.areKept([{ from: 0, to: sequences }])).every(Boolean);
}

/** Those that nobody has finished, or all with `fresh`. @param attempt goes on after a failure, or throws it */
async function runParts(
  { parts }: Cell,
  ranges: readonly WorkRange[],
  fresh: boolean,
  attempt: (work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const areKept = fresh ? [] : ((await parts?.areKept(ranges)) ?? []);
  for (const [i, range] of ranges.entries()) if (!areKept[i]) await attempt(async () => parts?.run(range));
}

/** The units of a suite for so many machines. @param earlier taken if they still hold   @throws as runSuite */
export async function planUnits(
  request: SuiteRequest,
  observer: SuiteObserver,
  machines: number,
  earlier?: Unit[],
): Promise<Unit[]> {
  const works: PlannedWork[] = [];
  await forEachGroup(request, observer, async (opened) => {
    for (const { kind, cell, state } of opened) {
      works.push({
        planned: { cell: cell.index + 1, eval: kind.name, ...cell.plan(state) },
        digest: sha256OfBytes(JSON.stringify(cell.key)),
        grain: cell.parts ? (cell.parts.grain ?? 1) : null,
      });
      observer.finished(cell, true);
    }
  });
  works.sort((a, b) => a.planned.cell - b.planned.cell);
  return earlier && stillHold(earlier, works) ? earlier : unitsOf(works, machines);
}

/** Which of these units nobody has finished. @throws as runSuite */
export async function missingUnits(
  request: SuiteRequest,
  observer: Observer,
  units: readonly Unit[],
): Promise<Unit[]> {
  const byCell = groupedBy(units, ({ cell }) => cell);
  const missing: Unit[] = [];
  const look = async (opened: readonly OpenedCell[]): Promise<void> => {
    for (const { cell, state } of opened) {
      const own = state === 'to run' ? (byCell.get(cell.index + 1) ?? []) : [];
      byCell.delete(cell.index + 1);
      const ranges = own.flatMap(({ from, to }) => (from === null || to === null ? [] : [{ from, to }]));
      const areKept = ranges.length > 0 ? ((await cell.parts?.areKept(ranges)) ?? []) : [];
      let next = 0;
      for (const unit of own) if (unit.from === null || !areKept[next++]) missing.push(unit);
    }
  };
  await forEachGroup(request, observer, look, new Failures({ ...request, gathers: true }, observer));
  // Of a cell that cannot be opened, nobody knows what is kept.
  return [...missing, ...[...byCell.values()].flat()];
}

/** A cell for the message of whoever waits for it. */
const whatOf = ({ kind, cell }: OpenedCell): string => `Cell ${cell.index + 1} (${kind.name})`;

/** Which cells would run, and about how long that takes. @throws as runSuite */
export async function planSuite(request: SuiteRequest, observer: SuiteObserver): Promise<SuitePlan> {
  const paces = new Paces(observer);
  const planned: { entry: Omit<PlannedCell, 'seconds'>; estimate: Estimate | null }[] = [];
  await forEachGroup(request, observer, async (opened) => {
    for (const { cell, kept } of opened) if (kept) cell.learn(kept, paces);
    for (const { kind, cell, state } of opened) {
      planned.push({
        entry: { cell: cell.index + 1, eval: kind.name, ...cell.plan(state) },
        estimate: state === 'to run' ? await cell.estimate(paces) : null,
      });
    }
  });
  const cells: PlannedCell[] = [];
  for (const { entry, estimate } of planned)
    cells.push({ ...entry, seconds: estimate === null ? 0 : await estimate() });
  cells.sort((a, b) => a.cell - b.cell);
  return { cells, seconds: cells.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) };
}

interface OpenedCell {
  kind: CellKind;
  cell: Cell;
  /** With the names of this suite. */
  kept: Result[] | null;
  state: PlannedCell['state'];
}

/** Opens the groups one after another. @param failures go on after a cell that cannot be opened; by default it ends the work */
async function forEachGroup(
  request: SuiteRequest,
  observer: Observer,
  work: (opened: readonly OpenedCell[]) => Promise<void>,
  failures: Failures | null = null,
): Promise<void> {
  const openGroup = async (kind: CellKind, group: readonly SuiteCell[]): Promise<void> => {
    let isOpen = false;
    try {
      await kind.open(group, request, observer, async (cells) => {
        const opened: OpenedCell[] = [];
        for (const cell of cells) opened.push(await lookedUp(kind, cell, request));
        isOpen = true;
        await work(opened);
      });
    } catch (error) {
      if (isOpen || failures === null) throw error;
      // One of them cannot be opened: each alone shows which.
      if (group.length > 1) for (const cell of group) await openGroup(kind, [cell]);
      else if (!failures.goesOnAfter(error, group[0])) throw error;
    }
  };
  for (const kind of CELL_KINDS) for (const group of groupsOf(kind, request)) await openGroup(kind, group);
}

async function lookedUp(kind: CellKind, cell: Cell, { fresh }: SuiteSettings): Promise<OpenedCell> {
  if (cell.key === null) return { kind, cell, kept: null, state: 'not needed' };
  const found = fresh ? null : await keptResults(cell.key);
  const kept = found && (await cell.named(found));
  return { kind, cell, kept, state: kept ? 'kept' : 'to run' };
}

function cellsOf(kind: CellKind, { cells }: SuiteRequest): SuiteCell[] {
  return cells.filter((cell) => kindOf(cell) === kind);
}

function groupsOf(kind: CellKind, request: SuiteRequest): SuiteCell[][] {
  return grouped(cellsOf(kind, request), (cell) => kind.group?.(cell) ?? String(cell.index));
}
