/**
 * suite.yaml: which models are evaluated on what. Paths are relative to the file. It is expanded into cells, one per result,
 * in an order that depends on the file only, so that parts of it can run anywhere.
 *
 *     models:
 *       - mine.onnx
 *       - name: theirs
 *         path: other/duo.onnx
 *     datasets: [sotu, {name: ptb, path: ptb.valid.txt}]
 *     ppl:
 *       protocol: duo
 *       draws: 4
 *       seeds: [1, 2]
 */
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { isModulePath } from '../../samplers/user/user-sampler.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { readYaml } from '../../strict-yaml.js';
import type { PerplexityOptions } from '../perplexity/zero-shot-perplexity.js';
import { frontierCells, frontierSchema } from './frontier.js';
import { type GenerationCell, generationCells, generationSchema } from './generation.js';
import type { MeasuringCell } from './measuring.js';
import {
  datasetOf,
  datasetSchema,
  modelOf,
  modelSchema,
  type SuiteDataset,
  type SuiteModel,
} from './named-files.js';
import { throughputCells, throughputSchema } from './throughput.js';

const count = z.int().min(1);
const seed = z.int().nonnegative();

const suiteSchema = z
  .strictObject({
    name: z.string().optional(),
    models: z.array(modelSchema).min(1),
    datasets: z.array(datasetSchema).default([]),
    ppl: z
      .strictObject({
        protocol: z.enum(['duo', 'strict']).default('duo'),
        length: count.min(3).optional(),
        draws: count.optional(),
        until: z.number().positive().optional(),
        estimator: z.enum(['control-variate', 'plain', 'exact-count']).default('control-variate'),
        limit: count.optional(),
        first: count.optional(),
        seeds: z.array(seed).min(1).default([1]),
        batch: count.max(4096).optional(),
      })
      .refine(({ limit, first }) => limit === undefined || first === undefined, {
        error: 'limit and first exclude each other',
      })
      .optional(),
    gen: generationSchema.optional(),
    bench: throughputSchema.optional(),
    frontier: frontierSchema.optional(),
  })
  .refine(({ ppl, gen, bench, frontier }) => [ppl, gen, bench, frontier].some((one) => one !== undefined), {
    error: 'it asks for nothing: give ppl, gen, bench or frontier',
  })
  .refine(({ ppl, datasets }) => ppl === undefined || datasets.length > 0, {
    error: 'ppl needs data sets',
    path: ['datasets'],
  });
type SuiteContent = z.infer<typeof suiteSchema>;

/** One perplexity: a model on a data set, from one seed. */
export interface PerplexityCell {
  eval: 'ppl';
  /** Index in the suite, from 0. */
  index: number;
  model: SuiteModel;
  dataset: SuiteDataset;
  options: PerplexityOptions;
  length?: number;
  /** Whether its seed is not the first, which gives nothing new for a model whose loss is exact. */
  isRepeat: boolean;
}

export type SuiteCell = PerplexityCell | GenerationCell | MeasuringCell;

/** Every checkpoint that a cell opens, the judge among them. */
export function checkpointsOf(cell: SuiteCell): string[] {
  const models = cell.eval === 'bench' ? cell.models : [cell.model];
  const judge = cell.eval === 'ppl' ? null : cell.judge;
  return [...models.map(({ path }) => path), ...(judge ? [judge.path] : [])];
}

/** @throws UsageError for a suite that would run a module of someone's, unless that is allowed */
export function checkCode(cells: readonly SuiteCell[], allowed: boolean): void {
  const module = cells.flatMap(samplersNamed).find(isModulePath);
  if (module === undefined || allowed) return;
  throw new UsageError({
    code: 'code-not-allowed',
    message: `The suite would run the code of ${module}.`,
    hint: 'If you trust it, say so: --allow-code.',
  });
}

function samplersNamed(cell: SuiteCell): string[] {
  if (cell.eval === 'ppl') return [];
  if (cell.eval === 'gen') return cell.sampler === null ? [] : [cell.sampler];
  return cell.samplers.map(({ spec }) => spec);
}

export interface Suite {
  name: string;
  /** Digest of the cells, with paths as written and not the contents of the files. */
  sha256: string;
  cells: SuiteCell[];
}

/** Draws that `until` may take when `draws` is not given. */
const MOST_DRAWS = 256;

/** @throws FileError; UsageError that names line and key */
export function readSuite(path: string): Suite {
  const { value } = readYaml(path, suiteSchema as z.ZodType<SuiteContent>, 'a suite file');
  const folder = dirname(path);
  const models = value.models.map((one) => modelOf(one, folder));
  const datasets = value.datasets.map((one) => datasetOf(one, folder));
  for (const [kind, names] of [
    ['models', models.map((one) => one.name)],
    ['data sets', datasets.map((one) => one.name)],
  ] as const) {
    const twice = names.find((one, i) => names.indexOf(one) !== i);
    if (twice === undefined) continue;
    throw new UsageError({
      code: 'duplicate-name',
      message: `Two ${kind} of ${path} are called "${twice}".`,
      hint: 'Give each a name of its own: {name: …, path: …}.',
    });
  }
  const cells: SuiteCell[] = perplexityCells(value, models, datasets);
  const { gen, bench, frontier } = value;
  if (gen) cells.push(...generationCells(gen, models, cells.length, folder));
  if (bench) cells.push(...throughputCells(bench, models, cells.length, folder));
  if (frontier) cells.push(...frontierCells(frontier, models, cells.length, folder));
  return { name: value.name ?? basename(path).replace(/\.ya?ml$/i, ''), sha256: digestOf(value), cells };
}

/** By data set, then model, then seed: a reader compares models on one data set. */
function perplexityCells(
  { ppl }: SuiteContent,
  models: readonly SuiteModel[],
  datasets: readonly SuiteDataset[],
): PerplexityCell[] {
  if (!ppl) return [];
  const { protocol, estimator, limit, first, until = null, batch = null, length } = ppl;
  const selection: PerplexityOptions['selection'] =
    first !== undefined
      ? { kind: 'first', count: first }
      : limit !== undefined
        ? { kind: 'spread', count: limit }
        : null;
  const draws = ppl.draws ?? (until === null ? 1 : MOST_DRAWS);
  const seeds = [...new Set(ppl.seeds)];
  return datasets
    .flatMap((one) =>
      models.flatMap((other) => seeds.map((own) => ({ dataset: one, model: other, seed: own }))),
    )
    .map(({ seed: own, ...cell }, index) => ({
      eval: 'ppl' as const,
      index,
      ...cell,
      length,
      isRepeat: own !== seeds[0],
      options: { protocol, draws, seed: own, estimator, selection, until, batch, sequences: true },
    }));
}

/** Digest of the suite. Parts may use different batches, which change no figure, except in `bench`, whose speeds depend on it. */
function digestOf({ bench, ...value }: SuiteContent): string {
  const decisive = (key: string, inner: unknown) => (key === 'batch' ? undefined : inner);
  const content = JSON.stringify(value, decisive);
  return sha256OfBytes(bench ? content + JSON.stringify(bench) : content);
}
