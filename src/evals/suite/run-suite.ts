/**
 * Runs a suite cell by cell. A finished cell is cached under everything that determines its figures, so that later runs of this
 * or another suite reuse it. An interrupted cell continues from its journal.
 */
import type { Observer } from '../../observer.js';
import { cacheEntryPath, readCacheEntry, writeCacheEntry } from '../../storage/cache-entry.js';
import { type Cell, prepareCells } from '../perplexity/cells.js';
import type { PerplexityResult } from '../perplexity/record.js';
import { lossKey, runPerplexity } from '../perplexity/run.js';
import { runGeneration } from './generation.js';
import { renamed } from './kept-names.js';
import { runMeasuring } from './measuring.js';
import type { CellResult } from './part-record.js';
import type { PerplexityCell, SuiteCell } from './suite-file.js';
import type { SuiteObserver, SuiteSettings } from './suite-settings.js';

/** Increased whenever a cell kept under the same key would hold something else. */
const CELL_VERSION = 2;

export interface SuiteRequest extends SuiteSettings {
  cells: readonly SuiteCell[];
}

/** An opened cell: its inputs, and the path of its kept result. */
export interface OpenedCell extends Cell {
  cell: PerplexityCell;
  path: string;
  kept: PerplexityResult | null;
  /** A further seed of a model whose loss is exact. */
  unneeded: boolean;
}

export function isMissing({ kept, unneeded }: OpenedCell): boolean {
  return kept === null && !unneeded;
}

/** @throws what `ppl` does */
export async function runSuite(request: SuiteRequest, observer: SuiteObserver): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const group of byModel(perplexitiesOf(request.cells))) {
    const opened = await openCells(group, request, observer);
    try {
      for (const { cell, kept, unneeded } of opened) {
        if (kept === null && !unneeded) continue;
        // null only where the cell is unneeded
        results.push({ index: cell.index, results: unneeded ? [] : [kept!] });
        observer.finished(cell, true);
      }
      for (const missing of bySeed(opened.filter(isMissing)))
        results.push(...(await evaluateCells(missing, request, observer)));
    } finally {
      closeCells(opened);
    }
  }
  const texts = request.cells.filter((cell) => cell.eval === 'gen');
  results.push(...(await runGeneration(texts, request, observer)));
  const measured = request.cells.filter((cell) => cell.eval === 'bench' || cell.eval === 'frontier');
  return [...results, ...(await runMeasuring(measured, request, observer))];
}

export function perplexitiesOf(cells: readonly SuiteCell[]): PerplexityCell[] {
  return cells.filter((cell) => cell.eval === 'ppl');
}

export function closeCells(opened: readonly OpenedCell[]): void {
  for (const stream of new Set(opened.map((one) => one.stream))) stream.close();
}

/** Cells of one model, with their data packed. The caller closes them. */
export async function openCells(
  cells: readonly PerplexityCell[],
  { open, provider, fresh }: SuiteRequest,
  notices: Observer,
): Promise<OpenedCell[]> {
  const [{ model, options, length }] = cells;
  const checkpoint = await open(model);
  const datasets = new Map(cells.map(({ dataset }) => [dataset.name, dataset]));
  const prepared = await prepareCells(
    { checkpoints: [checkpoint], datasets: [...datasets.values()], length, options, provider, fresh },
    notices,
  );
  const names = [...datasets.keys()];
  const opened: OpenedCell[] = [];
  for (const cell of cells) {
    const { stream } = prepared[names.indexOf(cell.dataset.name)];
    const key = {
      cell: CELL_VERSION,
      losses: await lossKey(checkpoint, stream, cell.options, provider),
      draws: checkpoint.family === 'ar' ? 1 : cell.options.draws,
      until: cell.options.until,
    };
    const path = cacheEntryPath('cells', key, '.json');
    const unneeded = checkpoint.family === 'ar' && cell.isRepeat;
    opened.push({
      cell,
      checkpoint,
      stream,
      path,
      unneeded,
      kept: fresh ? null : await keptResult(path, cell),
    });
  }
  return opened;
}

/** Reads a kept result and renames it to the names in this suite. */
async function keptResult(
  path: string,
  { model, dataset }: PerplexityCell,
): Promise<PerplexityResult | null> {
  const bytes = await readCacheEntry(path);
  if (!bytes) return null;
  const result = JSON.parse(bytes.toString('utf8')) as PerplexityResult;
  result.model = renamed(result.model, model);
  result.dataset = { ...result.dataset, name: dataset.name };
  return result;
}

/** Evaluates cells of one model and seed that differ only in their data. */
async function evaluateCells(
  opened: readonly OpenedCell[],
  request: SuiteRequest,
  observer: SuiteObserver,
): Promise<CellResult[]> {
  const [{ checkpoint, cell }] = opened;
  const results: CellResult[] = [];
  const run = await runPerplexity(
    { ...request, checkpoints: [checkpoint], datasets: [], options: cell.options },
    opened,
    {
      ...observer,
      async evaluated(result, stream) {
        // the stream is that of an opened cell
        const one = opened.find((other) => other.stream === stream)!;
        await writeCacheEntry(one.path, Buffer.from(JSON.stringify(result)));
        results.push({ index: one.cell.index, results: [result] });
        observer.finished(one.cell, false);
      },
    },
  );
  run.finish();
  return results;
}

function byModel(cells: readonly PerplexityCell[]): PerplexityCell[][] {
  return grouped(cells, ({ model }) => model.name);
}

function bySeed(opened: readonly OpenedCell[]): OpenedCell[][] {
  return grouped(opened, ({ cell }) => String(cell.options.seed));
}

export function grouped<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return [...groups.values()];
}
