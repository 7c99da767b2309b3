/**
 * suite.yaml: which models are evaluated on what. Paths are relative to the file. What it says is unfolded into cells, one a
 * result, in an order that the file alone decides, so that parts of it can run anywhere.
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
import { basename, dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import type { CheckpointOverrides } from '../../models/checkpoint.js';
import { FAMILIES } from '../../models/family.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { readYaml } from '../../strict-yaml.js';
import type { PerplexityOptions } from '../zero-shot-perplexity.js';
import { type GenerationCell, generationCells, generationSchema } from './generation.js';

const name = z.string().regex(/^[A-Za-z0-9][\w.+-]*$/, {
  error: 'it takes letters, digits and . + - _, a letter or digit first',
});
const count = z.int().min(1);
const seed = z.int().nonnegative();

const model = z.union([
  z.string().min(1),
  z.strictObject({
    name: name.optional(),
    path: z.string().min(1),
    family: z.enum(FAMILIES).optional(),
    tokenizer: z.string().optional(),
    vocabSize: count.optional(),
    maskTokenId: z.int().nonnegative().optional(),
    schedule: z.enum(['log-linear', 'cosine']).optional(),
  }),
]);

const dataset = z.union([
  z.string().min(1),
  z.strictObject({ name, path: z.string().min(1).optional(), textColumn: z.string().optional() }),
]);

const suiteSchema = z
  .strictObject({
    name: z.string().optional(),
    models: z.array(model).min(1),
    datasets: z.array(dataset).default([]),
    ppl: z
      .strictObject({
        protocol: z.enum(['duo', 'strict']).default('duo'),
        length: count.min(3).optional(),
        draws: count.optional(),
        until: z.number().positive().optional(),
        estimator: z.enum(['control-variate', 'plain']).default('control-variate'),
        limit: count.optional(),
        seeds: z.array(seed).min(1).default([1]),
        batch: count.max(4096).optional(),
      })
      .optional(),
    gen: generationSchema.optional(),
  })
  .refine(({ ppl, gen }) => ppl !== undefined || gen !== undefined, {
    error: 'it asks for nothing: give ppl or gen',
  })
  .refine(({ ppl, datasets }) => ppl === undefined || datasets.length > 0, {
    error: 'ppl needs data sets',
    path: ['datasets'],
  });
type SuiteContent = z.infer<typeof suiteSchema>;

export interface SuiteModel {
  name: string;
  path: string;
  overrides: CheckpointOverrides;
}

export interface SuiteDataset {
  name: string;
  /** As --dataset takes it. */
  spec: string;
  textColumn?: string;
}

/** One perplexity: a model on a data set, from one seed. */
export interface PerplexityCell {
  eval: 'ppl';
  /** Place in the suite, from 0. */
  index: number;
  model: SuiteModel;
  dataset: SuiteDataset;
  options: PerplexityOptions;
  length?: number;
  /** Of a seed after the first: says nothing new of a model whose loss is exact. */
  isRepeat: boolean;
}

export type SuiteCell = PerplexityCell | GenerationCell;

export interface Suite {
  name: string;
  /** Of what the cells are, paths as written and not what lies there. */
  sha256: string;
  cells: SuiteCell[];
}

/** Draws that `until` may take when `draws` says nothing. */
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
  const perplexities = perplexityCells(value, models, datasets);
  const texts = value.gen
    ? generationCells(value.gen, models, perplexities.length, (one) => beside(folder, one))
    : [];
  const cells = [...perplexities, ...texts];
  return { name: value.name ?? basename(path).replace(/\.ya?ml$/i, ''), sha256: digestOf(value), cells };
}

/** By data set, then model, then seed: models side by side are what one compares. */
function perplexityCells(
  { ppl }: SuiteContent,
  models: readonly SuiteModel[],
  datasets: readonly SuiteDataset[],
): PerplexityCell[] {
  if (!ppl) return [];
  const { protocol, estimator, limit = null, until = null, batch = null, length } = ppl;
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
      options: { protocol, draws, seed: own, estimator, limit, until, batch, sequences: true },
    }));
}

function modelOf(one: SuiteContent['models'][number], folder: string): SuiteModel {
  if (typeof one === 'string') return { name: nameOfModel(one), path: beside(folder, one), overrides: {} };
  const { family, vocabSize, maskTokenId, schedule, tokenizer, path } = one;
  return {
    name: one.name ?? nameOfModel(path),
    path: beside(folder, path),
    overrides: {
      family,
      vocabSize,
      maskTokenId,
      tokenizer: tokenizer && beside(folder, tokenizer),
      schedule: schedule && { type: schedule, eps: 1e-3 },
    },
  };
}

function nameOfModel(path: string): string {
  return basename(path).replace(/\.onnx$/i, '');
}

function datasetOf(one: SuiteContent['datasets'][number], folder: string): SuiteDataset {
  if (typeof one === 'string') {
    const isPath = /[\\/]/.test(one) || /\.[a-z]+$/i.test(one);
    if (!isPath) return { name: one, spec: one };
    const own = basename(one).replace(/(\.[a-z]+)+$/i, '');
    return { name: own, spec: `${own}=${beside(folder, one)}` };
  }
  const { path, textColumn } = one;
  const spec = path === undefined ? one.name : `${one.name}=${beside(folder, path)}`;
  return { name: one.name, spec, textColumn };
}

/** A path of the file as one of where the program runs; `hf:` names are no paths. */
function beside(folder: string, path: string): string {
  return isAbsolute(path) || path.startsWith('hf:') ? path : join(folder, path);
}

/** Batch changes no figure, so parts may differ in it. */
function digestOf(value: SuiteContent): string {
  const decisive = (key: string, inner: unknown) => (key === 'batch' ? undefined : inner);
  return sha256OfBytes(JSON.stringify(value, decisive));
}
