/**
 * The cells of `bench` and `frontier`: opened, looked up and measured by the functions of the commands. Results of `bench` are
 * kept per machine and versions; an interrupted sweep continues from its journals.
 */

import { environmentOf } from '../../models/machine.js';
import { samplesKey } from '../../sampling/sample-run.js';
import { type CacheKey, cacheEntryPath, readCacheEntry, writeCacheEntry } from '../../storage/cache-entry.js';
import { checkComparable, measureFrontier } from '../frontier/run.js';
import type { Judge } from '../generation/judge.js';
import type { Result } from '../registry.js';
import type { Configuration } from '../throughput/configurations.js';
import { type ChosenSampler, configurations } from '../throughput/configurations.js';
import { measureThroughput } from '../throughput/run.js';
import { type MeasuringRequest, type Setup, withSetUp } from '../throughput/setup.js';
import { type FrontierCell, samplerOfCell } from './frontier.js';
import type { CellResult } from './part-record.js';
import type { SuiteObserver, SuiteSettings } from './suite-settings.js';
import type { ThroughputCell } from './throughput.js';

export type MeasuringCell = ThroughputCell | FrontierCell;

/** Increased whenever a cell kept under the same key would hold something else. */
const CELL_VERSION = 1;

/** An opened cell: its inputs, and the path of its kept results. */
export interface OpenedMeasuring {
  setup: Setup;
  path: string;
  kept: Result[] | null;
}

/** Measures the cells without kept results. @throws what `bench` and `frontier` do */
export async function runMeasuring(
  cells: readonly MeasuringCell[],
  suite: SuiteSettings,
  observer: SuiteObserver,
): Promise<CellResult[]> {
  const found: CellResult[] = [];
  await checkSweeps(cells, suite);
  for (const cell of cells) {
    await withCell(cell, suite, observer, async (opened) => {
      if (opened === null || opened.kept) {
        found.push({ index: cell.index, results: opened?.kept ?? [] });
        return observer.finished(cell, true);
      }
      const { setup, path } = opened;
      const measured = await measure(cell, setup, observer);
      await writeCacheEntry(path, Buffer.from(JSON.stringify(measured.results)));
      await measured.finish();
      found.push({ index: cell.index, results: measured.results });
      observer.finished(cell, false);
    });
  }
  return found;
}

/** Checks sweeps before any is sampled. @throws UsageError where their entropies do not compare */
async function checkSweeps(cells: readonly MeasuringCell[], suite: SuiteSettings): Promise<void> {
  const swept: Configuration[] = [];
  for (const cell of cells) {
    if (cell.eval !== 'frontier') continue;
    const request = await requestOf(cell, suite);
    if (!request) continue;
    const { samplers, steps, sampling } = request;
    const models = [{ checkpoint: await suite.open(cell.model), path: cell.model.path }];
    swept.push(...(await configurations({ models, samplers, steps, flags: sampling })));
  }
  if (swept.length > 0) checkComparable(swept);
}

/** @param work receives null where the cell is not needed */
export async function withCell<T>(
  cell: MeasuringCell,
  suite: SuiteSettings,
  observer: SuiteObserver,
  work: (opened: OpenedMeasuring | null) => Promise<T>,
): Promise<T> {
  const request = await requestOf(cell, suite);
  if (request === null) return work(null);
  return withSetUp(request, observer, async (setup) => {
    const path = cacheEntryPath('cells', await keyOf(cell, setup, suite), '.json');
    return work({ setup, path, kept: suite.fresh ? null : await keptResults(path, setup) });
  });
}

async function requestOf(cell: MeasuringCell, suite: SuiteSettings): Promise<MeasuringRequest | null> {
  const { provider, threads, timeoutMs, fresh } = suite;
  let samplers: ChosenSampler[];
  let references = cell.eval === 'bench' ? cell.references : [];
  if (cell.eval === 'bench') samplers = cell.samplers;
  else {
    const sampler = await samplerOfCell(cell, await suite.open(cell.model));
    if (sampler === null) return null;
    samplers = [sampler];
    if (typeof cell.target !== 'number') references = [cell.target];
  }
  const { topK, topP, ...sampling } = cell.sampling;
  return {
    models: cell.eval === 'bench' ? cell.models : [cell.model],
    samplers,
    steps: cell.eval === 'bench' ? cell.steps : [cell.steps],
    sampling: {
      ...{ temperature: 1, ...sampling, topK: topK ?? null, topP: topP ?? null },
      ...{ samplerOptions: [], seed: cell.seed, traced: false },
      ...{ provider, threads, timeoutMs, fresh },
    },
    judge: cell.judge && { ...cell.judge, provider, threads, timeoutMs, fresh },
    references,
  };
}

/** Everything that determines the results of a cell. */
async function keyOf(
  cell: MeasuringCell,
  { configurations, judge, references }: Setup,
  { provider, threads }: SuiteSettings,
): Promise<CacheKey> {
  const { samples, protocol } = cell.sampling;
  const texts: CacheKey[] = [];
  for (const { request } of configurations)
    texts.push([await samplesKey(request, provider), request.tokenizer.sha256]);
  const key = {
    cell: CELL_VERSION,
    eval: cell.eval,
    ...{ texts, samples, protocol },
    judge: judge && (await judgeKey(judge)),
    // references are data sets
    references: references.map(({ dataset }) => dataset!.sha256),
  };
  if (cell.eval === 'frontier') {
    const entropy = typeof cell.target === 'number' ? cell.target : null;
    return { ...key, temperatures: [...cell.temperatures].sort((a, b) => a - b), entropy };
  }
  const { batch } = cell.sampling;
  return {
    ...key,
    batch,
    memory: cell.memory,
    machine: { ...environmentOf({ provider, threads: threads ?? null }) },
  };
}

async function judgeKey({ checkpoint, tokenizer, context }: Judge): Promise<CacheKey> {
  const { bosTokenId, eosTokenId } = checkpoint.fields;
  return {
    model: await checkpoint.sha256(),
    tokenizer: tokenizer.sha256,
    tokens: [bosTokenId.value, eosTokenId.value],
    context,
  };
}

/** Renames kept results to the names in this suite. */
async function keptResults(
  path: string,
  { configurations, references, judge }: Setup,
): Promise<Result[] | null> {
  const bytes = await readCacheEntry(path);
  if (!bytes) return null;
  const results = JSON.parse(bytes.toString('utf8')) as Result[];
  const judgeRecord = judge && (await judge.record());
  for (const [i, result] of results.entries()) {
    if (result.eval === 'ppl') continue;
    const configuration = configurations[i];
    const real = configuration ? references[0] : references[i - configurations.length];
    if (configuration && result.model) {
      const { name, path } = configuration.request.checkpoint;
      result.model = { ...result.model, name, path };
    }
    if (result.eval === 'frontier') result.target.dataset = real?.name ?? null;
    else result.samples.name = (configuration ?? real).name;
    if (!configuration && result.eval === 'gen' && result.dataset) result.dataset.name = real.name;
    if (judgeRecord && result.judge) result.judge = judgeRecord;
  }
  return results;
}

/** Measures a cell as its command does. */
async function measure(
  cell: MeasuringCell,
  { configurations, judge, references }: Setup,
  observer: SuiteObserver,
): Promise<{ results: Result[]; finish(): Promise<void> }> {
  const { seed } = cell;
  if (cell.eval === 'frontier') {
    const { temperatures, target } = cell;
    const real = typeof target === 'number' ? target : references[0];
    // `frontier` requires a judge
    return measureFrontier(configurations, { temperatures, target: real, judge: judge!, seed }, observer);
  }
  const options = { judge, references, seed, memory: cell.memory };
  const results = await measureThroughput(configurations, options, observer);
  return { results, finish: async () => judge?.finish() };
}
