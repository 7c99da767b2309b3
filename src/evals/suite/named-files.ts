/** Models, judges and data sets as a suite names them: paths are relative to the suite's file. */
import { existsSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { looksLikePath, nameOfFiles } from '../../datasets/data-files.js';
import { type DatasetRequest, datasetSpecs } from '../../datasets/resolve-dataset.js';
import type { CheckpointOverrides } from '../../models/checkpoint.js';
import { FAMILIES } from '../../models/family.js';
import type { ModelRecord } from '../../records/record.js';

const name = z.string().regex(/^[A-Za-z0-9][\w.+-]*$/, {
  error: 'it takes letters, digits and . + - _, a letter or digit first',
});
const count = z.int().min(1);

/** Of keys that select items or sequences: how many spread evenly, or how many of the first. */
export const ONE_SELECTION = [
  ({ limit, first }: { limit?: number; first?: number }): boolean =>
    limit === undefined || first === undefined,
  { error: 'limit and first exclude each other' },
] as const;

export const modelSchema = z.union([
  z.string().min(1),
  z.strictObject({
    name: name.optional(),
    path: z.string().min(1),
    family: z.enum(FAMILIES).optional(),
    tokenizer: z.string().optional(),
    vocabSize: count.optional(),
    maskTokenId: z.int().nonnegative().optional(),
    bosTokenId: z.int().nonnegative().optional(),
    eosTokenId: z.int().nonnegative().optional(),
    schedule: z.enum(['log-linear', 'cosine']).optional(),
  }),
]);

export const datasetSchema = z.union([
  z.string().min(1),
  z.strictObject({
    name,
    path: z.string().min(1).optional(),
    textColumn: z.string().optional(),
    skipNull: z.boolean().optional(),
  }),
]);

export const judgeSchema = z.union([
  z.string().min(1),
  z.strictObject({
    name: z.string().optional(),
    path: z.string().min(1),
    tokenizer: z.string().optional(),
    context: count.min(2).optional(),
  }),
]);

export interface SuiteModel {
  name: string;
  path: string;
  overrides: CheckpointOverrides;
}

export interface SuiteDataset extends DatasetRequest {
  name: string;
}

export interface SuiteJudge {
  path: string;
  name?: string;
  tokenizer?: string;
  context?: number;
}

export function modelOf(one: z.infer<typeof modelSchema>, folder: string): SuiteModel {
  if (typeof one === 'string')
    return { name: nameOfModel(one), path: resolveFrom(folder, one), overrides: {} };
  const { family, vocabSize, maskTokenId, bosTokenId, eosTokenId, schedule, tokenizer, path } = one;
  return {
    name: one.name ?? nameOfModel(path),
    path: resolveFrom(folder, path),
    overrides: {
      family,
      vocabSize,
      maskTokenId,
      bosTokenId,
      eosTokenId,
      tokenizer: tokenizer && resolveFrom(folder, tokenizer),
      schedule: schedule && { type: schedule, eps: 1e-3 },
    },
  };
}

/** The record of a model, with its name and path in this suite; a hub model keeps its commit. */
export function modelRecordIn({ name, path }: SuiteModel, record: ModelRecord): ModelRecord {
  return { ...record, name, path: path.startsWith('hf:') ? record.path : path };
}

export function nameOfModel(path: string): string {
  return basename(path).replace(/\.onnx$/i, '');
}

/** Data sets of one entry: a plain name may stand for several (resolve-dataset.ts). */
export const datasetsOf = (one: z.infer<typeof datasetSchema>, folder: string): SuiteDataset[] =>
  (typeof one === 'string' ? datasetSpecs(one) : [one]).map((each) => datasetOf(each, folder));

export function datasetOf(one: z.infer<typeof datasetSchema>, folder: string): SuiteDataset {
  if (typeof one === 'string') {
    const isPath = looksLikePath(one) || /\.[a-z]+$/i.test(one);
    if (!isPath) return { name: one, spec: one };
    const own = nameOfFiles(one).replace(/(\.[a-z]+)+$/i, '');
    return { name: own, spec: `${own}=${dataPaths(folder, one)}` };
  }
  const { path, textColumn, skipNull } = one;
  const spec = path === undefined ? one.name : `${one.name}=${dataPaths(folder, path)}`;
  return { name: one.name, spec, textColumn, skipNull };
}

/** Splits a list of paths at commas, unless a file of the whole name exists. */
function dataPaths(folder: string, path: string): string {
  if (existsSync(resolveFrom(folder, path))) return resolveFrom(folder, path);
  return path
    .split(',')
    .map((one) => resolveFrom(folder, one))
    .join(',');
}

export function judgeOf(one: z.infer<typeof judgeSchema>, folder: string): SuiteJudge {
  if (typeof one === 'string') return { path: resolveFrom(folder, one) };
  return {
    ...one,
    path: resolveFrom(folder, one.path),
    tokenizer: one.tokenizer && resolveFrom(folder, one.tokenizer),
  };
}

/** Resolves a path relative to the suite's folder; `hf:` names are not paths. */
export function resolveFrom(folder: string, path: string): string {
  if (isAbsolute(path) || path.startsWith('hf:')) return path;
  const joined = join(folder, path);
  return joined.startsWith('hf:') ? `./${joined}` : joined; // a file of that name, given with ./
}
