/**
 * The part `gen` of a suite: every model, by every sampler and number of steps, from every seed, judged. A cell is not
 * needed where its sampler does not support the family of the model, or where it repeats an ar model, which takes one step
 * per token, with another number of steps.
 *
 *     gen:
 *       judge: gpt2.onnx
 *       samplers: [ancestral, {name: psi, options: {preset: remdm-cap, eta: 0.04}}, ./mine.mjs]
 *       steps: [8, 32]
 *       samples: 64
 */
import { z } from 'zod';
import { loadTokenizer } from '../../datasets/tokenizer.js';
import { UsageError } from '../../errors.js';
import { prepareSampling } from '../../sampling/prepare-sampling.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import { samplesKey } from '../../sampling/sample-run.js';
import { type CacheKey, cacheEntryPath, readCacheEntry, writeCacheEntry } from '../../storage/cache-entry.js';
import type { GenerativeResult } from '../generation/record.js';
import { reportGenerative } from '../generation/request.js';
import { renamed } from './kept-names.js';
import { judgeOf, judgeSchema, type SuiteJudge, type SuiteModel } from './named-files.js';
import type { CellResult } from './part-record.js';
import { sampledCells, samplersOf, samplingKeys, unique } from './sampling-keys.js';
import type { SuiteObserver, SuiteSettings } from './suite-settings.js';

export const generationSchema = z.strictObject({
  ...samplingKeys,
  judge: judgeSchema.optional(),
  temperature: z.number().positive().default(1),
  batch: z.int().min(1).max(4096).optional(),
});
export type Generation = z.infer<typeof generationSchema>;

/** One set of texts: a model, how it is sampled, from a seed. */
export interface GenerationCell {
  eval: 'gen';
  index: number;
  model: SuiteModel;
  generation: Omit<Generation, 'samplers' | 'steps' | 'seeds' | 'judge'>;
  judge: SuiteJudge | null;
  /** Null: the first that supports the model. */
  sampler: string | null;
  samplerOptions: string[];
  steps: number;
  /** Whether its number of steps is not the first in the list. */
  isOtherSteps: boolean;
  seed: number;
  /** Settings that its name includes: those that the suite varies, other than the seed. */
  varied: { sampler: boolean; steps: boolean };
}

/** @param first the index of the first cell   @param folder the suite's */
export function generationCells(
  { samplers, steps, seeds, judge, ...generation }: Generation,
  models: readonly SuiteModel[],
  first: number,
  folder: string,
): GenerationCell[] {
  const chosen = samplers === undefined ? [null] : samplersOf(samplers, folder);
  const cells = sampledCells(models, chosen, { steps, seeds }, (sampler) => ({
    eval: 'gen' as const,
    generation,
    judge: judge === undefined ? null : judgeOf(judge, folder),
    sampler: sampler?.spec ?? null,
    samplerOptions: [...(sampler?.options ?? [])],
    varied: { sampler: chosen.length > 1, steps: unique(steps).length > 1 },
  }));
  return cells.map((cell, i) => ({ ...cell, index: first + i }));
}

/** Increased whenever a cell kept under the same key would hold something else. */
const CELL_VERSION = 2;

export interface OpenedGeneration {
  cell: GenerationCell;
  /** Null where the cell is not needed. */
  request: SampleRequest | null;
  path: string;
  kept: GenerativeResult | null;
}

export async function openGeneration(cell: GenerationCell, suite: SuiteSettings): Promise<OpenedGeneration> {
  const checkpoint = await suite.open(cell.model);
  const unneeded = { cell, request: null, path: '', kept: null };
  if (checkpoint.family === 'ar' && cell.isOtherSteps) return unneeded;
  const { provider, threads, timeoutMs, fresh } = suite;
  const { samples, length, temperature, topK, topP, protocol, batch } = cell.generation;
  const { samplerOptions, steps, seed } = cell;
  let request: SampleRequest;
  try {
    request = await prepareSampling({
      ...{ checkpoint, samplerOptions, steps, seed, samples, length, temperature, protocol, batch },
      ...{ provider, threads, timeoutMs, fresh },
      sampler: cell.sampler ?? undefined,
      tokenizer: cell.model.overrides.tokenizer,
      topK: topK ?? null,
      topP: topP ?? null,
      traced: false,
    });
  } catch (error) {
    if (error instanceof UsageError && error.code === 'sampler-does-not-fit') return unneeded;
    throw error;
  }
  const key = {
    cell: CELL_VERSION,
    texts: await samplesKey(request, provider),
    samples,
    protocol,
    tokenizer: request.tokenizer.sha256,
    judge: await judgeKey(cell, suite),
  };
  const path = cacheEntryPath('cells', key, '.json');
  const bytes = fresh ? null : await readCacheEntry(path);
  const kept = bytes && (JSON.parse(bytes.toString('utf8')) as GenerativeResult);
  if (kept) {
    kept.model = kept.model && renamed(kept.model, cell.model);
    kept.samples = { ...kept.samples, name: nameOf(cell, request) };
  }
  return { cell, request, path, kept };
}

/** `uniform psi eta=0.04 8`, with sampler and steps only where the suite varies them. */
function nameOf(
  { model, sampler, samplerOptions, steps, varied }: GenerationCell,
  request: SampleRequest,
): string {
  const counted = varied.steps && request.checkpoint.family !== 'ar';
  const drawn = varied.sampler && sampler !== null ? [sampler, ...samplerOptions] : [];
  return [model.name, ...drawn, ...(counted ? [steps] : [])].join(' ');
}

/** Everything that determines the losses of a judge. */
async function judgeKey({ judge }: GenerationCell, { open }: SuiteSettings): Promise<CacheKey> {
  if (!judge) return null;
  const { path, name = path, tokenizer, context = null } = judge;
  const checkpoint = await open({ name, path, overrides: {} });
  const read = tokenizer ?? checkpoint.fields.tokenizer.value;
  const { bosTokenId, eosTokenId } = checkpoint.fields;
  return {
    model: await checkpoint.sha256(),
    tokenizer: read === null ? null : (await loadTokenizer(read)).sha256,
    tokens: [bosTokenId.value, eosTokenId.value],
    context,
  };
}

/** Samples and judges the cells without kept results. */
export async function runGeneration(
  cells: readonly GenerationCell[],
  suite: SuiteSettings,
  observer: SuiteObserver,
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  const { provider, threads, timeoutMs, fresh } = suite;
  for (const cell of cells) {
    const { request, path, kept } = await openGeneration(cell, suite);
    if (kept || !request) {
      results.push({ index: cell.index, results: kept ? [kept] : [] });
      observer.finished(cell, true);
      continue;
    }
    const { protocol, batch } = cell.generation;
    const { results: file, finish } = await reportGenerative(
      {
        files: [],
        sampling: request,
        references: [],
        protocol,
        seed: cell.seed,
        bySample: true,
        judge: cell.judge && { ...cell.judge, provider, threads, timeoutMs, fresh, batch },
      },
      observer,
    );
    const [result] = file.results;
    result.samples = { ...result.samples, name: nameOf(cell, request) };
    await writeCacheEntry(path, Buffer.from(JSON.stringify(result)));
    await finish();
    results.push({ index: cell.index, results: [result] });
    observer.finished(cell, false);
  }
  return results;
}
