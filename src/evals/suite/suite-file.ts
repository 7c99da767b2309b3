/**
 * suite.yaml: which models are evaluated on what. Paths are relative to the file. It is expanded into cells, one per result,
 * in an order that depends on the file only, so that parts of it can run anywhere.
 *
 *     models:
 *       - mine.onnx
 *       - name: theirs
 *         path: other/duo.onnx
 *     datasets: [sotu, {name: ptb, path: ptb.valid.txt}]
 *     ppl: {draws: 4}     # and gen, bench, frontier, tasks: each kind of cells says what it takes
 */
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { isModulePath } from '../../samplers/user/user-sampler.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { readYaml } from '../../strict-yaml.js';
import { CELL_KINDS, kindOf, type SuiteCell } from './kinds.js';
import { datasetSchema, datasetsOf, modelOf, modelSchema } from './named-files.js';

const NAMES = CELL_KINDS.map(({ name }) => name);

/** Keys by the names of the kinds, each with what that kind asks for. */
type Asked = Readonly<Record<string, unknown>>;

const suiteSchema = CELL_KINDS.filter(({ readsDatasets }) => readsDatasets).reduce<z.ZodType<SuiteContent>>(
  (schema, { name }) =>
    schema.refine((suite) => suite[name] === undefined || suite.datasets.length > 0, {
      error: `${name} needs data sets`,
      path: ['datasets'],
    }),
  z
    .strictObject({
      name: z.string().optional(),
      models: z.array(modelSchema).min(1),
      datasets: z.array(datasetSchema).default([]),
      ...Object.fromEntries(CELL_KINDS.map(({ name, schema }) => [name, schema.optional()])),
    })
    .refine((suite: Asked) => NAMES.some((name) => suite[name] !== undefined), {
      error: `it asks for nothing: give ${NAMES.slice(0, -1).join(', ')} or ${NAMES.at(-1)}`,
    }),
);

type SuiteContent = Asked & {
  name?: string;
  models: z.infer<typeof modelSchema>[];
  datasets: z.infer<typeof datasetSchema>[];
};

/** Every checkpoint that a cell opens, the judge among them. */
export function checkpointsOf(cell: SuiteCell): string[] {
  return kindOf(cell).checkpoints(cell);
}

/** @throws UsageError for a suite that would run a module of someone's, unless that is allowed */
export function checkCode(cells: readonly SuiteCell[], allowed: boolean): void {
  const module = cells.flatMap((cell) => kindOf(cell).samplers(cell)).find(isModulePath);
  if (module === undefined || allowed) return;
  throw new UsageError({
    code: 'code-not-allowed',
    message: `The suite would run the code of ${module}.`,
    hint: 'If you trust it, say so: --allow-code.',
  });
}

export interface Suite {
  name: string;
  /** Digest of the cells, with paths as written and not the contents of the files. */
  sha256: string;
  cells: SuiteCell[];
}

/** @param folder that paths in it are relative to   @throws FileError; UsageError that names line and key */
export function readSuite(path: string, folder = dirname(path)): Suite {
  const { value } = readYaml(path, suiteSchema, 'a suite file');
  const models = value.models.map((one) => modelOf(one, folder));
  const datasets = value.datasets.flatMap((one) => datasetsOf(one, folder));
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
  const cells: SuiteCell[] = [];
  for (const { name, requests } of CELL_KINDS) {
    if (value[name] === undefined) continue;
    cells.push(...(requests(value[name], { models, datasets, folder, first: cells.length }) as SuiteCell[]));
  }
  return { name: value.name ?? basename(path).replace(/\.ya?ml$/i, ''), sha256: digestOf(value), cells };
}

/** Digest of the suite. Parts may use different batches, which change no figure, except where the figures are speeds. */
function digestOf(value: SuiteContent): string {
  const ofBatch = new Set(CELL_KINDS.filter(({ dependsOnBatch }) => dependsOnBatch).map(({ name }) => name));
  const entries = Object.entries(value);
  const rest = Object.fromEntries(entries.filter(([key]) => !ofBatch.has(key)));
  const decisive = (key: string, inner: unknown) => (key === 'batch' ? undefined : inner);
  const whole = entries.filter(([key]) => ofBatch.has(key)).map(([, inner]) => JSON.stringify(inner));
  return sha256OfBytes([JSON.stringify(rest, decisive), ...whole].join(''));
}
