/**
 * Results of any evaluation as rows of figures, read from result files: what comparing, judging and reporting need to know
 * of ppl, gen and what comes later alike. Each evaluation's own record (record.ts) says more; here a row is what was
 * evaluated, on what, by which protocol, and its figures by name.
 */
import { z } from 'zod';
import { sampling } from './figure-schema.js';
import { plausibleColumns, plausibleFigure, RANGE_OF_METRIC, RANGES } from './plausible.js';
import { SCHEMA_VERSION, type TextSampling } from './record.js';
import { invalidResults, parseResultsJson, readResultsJson, refusal } from './results-json.js';
import type { SampleColumns } from './sample-columns.js';
import { ROW_SCHEMAS } from './schema.js';
import type { SequencesRecord } from './sequences-record.js';

/** A figure, as far as an evaluation gives one: what it leaves out is null. */
export interface RowFigure extends TextSampling {
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
  mcStderr: number | null;
}

export interface ResultRow {
  /** The file it is from, as given, and its place there. */
  file: string;
  place: number;
  /** ppl, gen, … */
  eval: string;
  /** What was evaluated: the model's name, else that of its texts. */
  model: string;
  /** On what: the data set's name, else how texts were drawn. */
  dataset: string;
  /** By name: ppl, nll, bitsPerByte; genPpl, genNll, entropy; … */
  figures: ReadonlyMap<string, RowFigure>;
  sequences: SequencesRecord | null;
  /** The record as it was read. */
  record: ResultRecord;
}

/** Of `bench --against`: a figure that is a change already, over rounds. */
export const THROUGHPUT_RATIO = 'throughputRatio';

const known = z.number().nullable();
const figure = z.looseObject({
  value: known,
  stderr: known.default(null),
  ci95: z.tuple([z.number(), z.number()]).nullable().default(null),
  mcStderr: known.default(null),
  ...sampling,
});
const column = z.array(z.number());
const sequences = z
  .looseObject({
    ...{ nats: column, tokens: column, textNats: column, textTokens: column },
    ...{ textBytes: column.optional(), index: column.optional(), document: column.optional() },
  })
  .superRefine(plausibleColumns)
  .refine(({ index, document }) => isRising(index, 1) && isRising(document, 0), {
    error: 'its sequences are not in the order of the text',
  });
function isRising(column: readonly number[] | undefined, least: 0 | 1): boolean {
  return !column?.some((value, i) => i > 0 && value - column[i - 1] < least);
}

const bySample = z
  .looseObject({
    nats: column.nullable(),
    tokens: column.nullable(),
    entropy: column,
    repetition4: column.nullable(),
  })
  .superRefine(plausibleColumns) satisfies z.ZodType<SampleColumns>;
const named = z.looseObject({ name: z.string() });
const record = z.looseObject({
  eval: z.string(),
  model: named.nullish(),
  dataset: named.nullish(),
  samples: z
    .looseObject({
      name: z.string(),
      sampler: z.looseObject({ name: z.string(), steps: z.number().nullish() }).nullish(),
    })
    .nullish(),
  /** Of frontier: what drew the texts. */
  sampler: z.looseObject({ name: z.string(), steps: z.number().nullish() }).nullish(),
  /** Of bench. */
  throughput: z
    .looseObject({
      tokensPerSecond: figure.nullish(),
      against: z.looseObject({ ratio: figure.nullish() }).nullish(),
    })
    .nullish(),
  protocol: z.looseObject({}).default({}),
  metrics: z.record(z.string(), figure.nullable()),
  cost: z.looseObject({}).nullish(),
  environment: z.looseObject({}).nullish(),
  sequences: sequences.nullish(),
  bySample: bySample.nullish(),
});
const comparison = z
  .looseObject({
    ...{ a: z.string(), b: z.string(), dataset: z.string() },
    ...{ deltaNll: known.optional(), stderr: known.optional() },
    ci95: z.tuple([z.number(), z.number()]).nullish(),
  })
  .superRefine(({ deltaNll, stderr, ci95 }, context) =>
    plausibleFigure(RANGES.difference)({ value: deltaNll, stderr, ci95 }, context),
  );
const file = z.looseObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  results: z.array(record),
  comparisons: z.array(comparison).default([]),
});

export type ResultRecord = z.infer<typeof record>;
export type RowsFile = z.infer<typeof file>;

/** @throws FileError when the file cannot be read, is no results file of this version, or holds no results */
export function readRows(path: string): ResultRow[] {
  return rowsOf(readRowsFile(path), path);
}

/** The file itself, for what rewrites it. @throws FileError */
export function readRowsFile(path: string): RowsFile {
  return checkedRows(readResultsJson(path), path);
}

/** @param name what errors call the content   @throws FileError */
export function parseRowsFile(content: Uint8Array | string, name: string): RowsFile {
  return checkedRows(parseResultsJson(content, name), name);
}

/** Of an evaluation that this version does not know. */
const otherRow = z.looseObject({
  metrics: z.record(z.string(), figure.nullable()).superRefine((metrics, context) => {
    for (const [name, one] of Object.entries(metrics))
      if (one) plausibleFigure(RANGE_OF_METRIC[name], { at: [name] })(one, context);
  }),
});

/** Rows of a known evaluation are what its own schema says; of any other, what all have in common. */
function checkedRows(value: unknown, name: string): RowsFile {
  const parsed = file.safeParse(value);
  if (!parsed.success) throw invalidResults(name, parsed.error.issues);
  for (const [place, row] of (value as RowsFile).results.entries()) {
    const checked = (ROW_SCHEMAS.get(row.eval) ?? otherRow).safeParse(row);
    if (!checked.success) throw invalidResults(name, checked.error.issues, ['results', place]);
  }
  return parsed.data;
}

/** @throws FileError when there are no results in it */
export function rowsOf({ results }: RowsFile, path: string): ResultRow[] {
  if (results.length === 0) throw refusal('no-results', `${path} holds no results.`);
  return results.map((one, place) => rowOf(one, path, place));
}

function rowOf(one: ResultRecord, path: string, place: number): ResultRow {
  const figures = Object.entries(one.metrics).filter(([, value]) => value !== null) as [string, RowFigure][];
  const { genPpl, genNll } = one.metrics;
  if (genPpl && !genNll) figures.push(['genNll', logarithmOf(genPpl)]);
  const speed = one.throughput?.tokensPerSecond;
  if (speed) figures.push(['tokensPerSecond', speed]);
  const ratio = one.throughput?.against?.ratio;
  if (ratio) figures.push([THROUGHPUT_RATIO, ratio]);
  return {
    file: path,
    place,
    eval: one.eval,
    model: one.model?.name ?? one.samples?.name ?? one.dataset?.name ?? `result ${place + 1}`,
    dataset: samplingOf(one.samples?.sampler ?? one.sampler) ?? one.dataset?.name ?? one.samples?.name ?? '',
    figures: new Map(figures),
    sequences: one.sequences ?? null,
    record: one,
  };
}

/** Of a sweep, which has its perplexity alone: differences are of nats. */
function logarithmOf({ value, stderr, ci95 }: RowFigure): RowFigure {
  return {
    value: value && Math.log(value),
    stderr: value && stderr && stderr / value,
    ci95: ci95 && [Math.log(ci95[0]), Math.log(ci95[1])],
    mcStderr: null,
  };
}

/** `ancestral, 32 steps`; null where nothing was drawn. */
function samplingOf(sampler: ResultRecord['sampler']): string | null {
  if (!sampler) return null;
  const { name, steps } = sampler;
  return steps === null || steps === undefined ? name : `${name}, ${steps} step${steps === 1 ? '' : 's'}`;
}

/** Of a record, by path: `at(row, 'protocol.length')`; undefined where there is none. */
export function fieldOf(row: ResultRow, path: string): unknown {
  let value: unknown = row.record;
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** {@link fieldOf} where it is a number. */
export function numberOf(row: ResultRow, path: string): number | null {
  const value = fieldOf(row, path);
  return typeof value === 'number' ? value : null;
}
