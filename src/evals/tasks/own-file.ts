/** Our own form of task files: a few keys, templates in Jinja. docs/tasks.md describes it; the schema says what each key is. */
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { FUNCTION_NAMES, functionsFor, type PartFunction } from './functions.js';
import { METRICS, type OutputType, type Part, type Task } from './task.js';
import { Template } from './template.js';

/** `!function module.name` in a task file: a name, never run. */
export class FunctionName {
  constructor(readonly name: string) {}
}

export const functionTag = {
  tag: '!function',
  resolve: (text: string) => new FunctionName(text),
};

export const functionName = z.instanceof(FunctionName);
/** A list of files, or one. */
export const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);

const KINDS = {
  choices: 'multiple_choice',
  continuation: 'loglikelihood',
  text: 'loglikelihood_rolling',
  generation: 'generate_until',
} as const satisfies Record<string, OutputType>;

const template = z.string();
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,99}$/,
    'a name has letters, digits, points, hyphens and underscores, at most 100',
  );

export const ownTask = z.strictObject({
  task: name,
  version: z.number().default(1),
  about: z.string().max(200).optional(),
  kind: z.enum(['choices', 'continuation', 'text', 'generation']),
  data: z.strictObject({
    hub: z
      .string()
      .regex(/^[\w.-]+\/[\w.-]+$/, 'a data set of the hub is owner/name')
      .optional(),
    configs: z
      .array(z.string().regex(/^[\w.-]+$/))
      .min(1)
      .optional(),
    files: z.record(z.string(), oneOrMore).optional(),
    lists: z
      .strictObject({
        count: z.int().min(1).max(100_000),
        length: z.int().min(2).max(25),
        seed: z.int().nonnegative().default(1),
      })
      .optional(),
  }),
  split: z.string(),
  documents: functionName.optional(),
  description: template.optional(),
  prompt: z.union([template, functionName]).optional(),
  choices: z.union([template, z.array(z.string()).min(2), functionName]).optional(),
  target: z.union([template, z.int().nonnegative(), functionName]),
  targetDelimiter: z.string().default(' '),
  fewShot: z
    .strictObject({
      count: z.int().min(0).max(100).default(0),
      split: z.string().optional(),
      order: z.enum(['first', 'drawn']).default('drawn'),
      delimiter: z.string().default('\n\n'),
    })
    .optional(),
  metrics: z.array(z.string()).min(1).optional(),
  scoring: z.union([functionName, z.enum(['sudoku', 'countdown', 'replace', 'shuffle'])]).optional(),
  cluster: template.optional(),
  generation: z
    .strictObject({
      until: z.array(z.string().min(1)).default([]),
      tokens: z.int().min(1).max(4096),
      ignoreCase: z.boolean().default(false),
      ignorePunctuation: z.boolean().default(false),
      draw: z.boolean().default(false),
      trim: z.boolean().default(true),
    })
    .optional(),
});
export type OwnTask = z.infer<typeof ownTask>;

/** Where a task comes from. */
export interface TaskOrigin {
  /** As a user named it; null: built in. */
  path: string | null;
  /** What names it in errors. */
  label: string;
  sha256: string;
}

/** @throws UsageError */
export function taskOfOwnFile(file: OwnTask, origin: TaskOrigin): Task {
  const { label } = origin;
  const repo = file.data.hub ?? null;
  const output = KINDS[file.kind];
  const part = (key: string, value: string | number | readonly string[] | FunctionName) =>
    partOf(value, { where: `${key} of ${label}`, repo });
  const shots = file.fewShot;
  if (output === 'generate_until' && !file.generation) throw withoutLimit(label);
  return {
    name: file.task,
    version: file.version,
    about: file.about ?? null,
    path: origin.path,
    sha256: origin.sha256,
    output,
    data: {
      ...{ repo, configs: file.data.configs ?? [null], files: filesBySplit(file.data.files) },
      lists: file.data.lists ?? null,
    },
    split: file.split,
    documents: file.documents ? documentsOf(file.documents, { where: `documents of ${label}`, repo }) : null,
    description:
      file.description === undefined ? null : new Template(file.description, `description of ${label}`),
    prompt: part('prompt', file.prompt ?? ''),
    choices: file.choices === undefined ? null : part('choices', file.choices),
    target: part('target', file.target),
    targetDelimiter: file.targetDelimiter,
    shotDelimiter: shots?.delimiter ?? '\n\n',
    shots: {
      count: shots?.count ?? 0,
      split: shots?.split ?? null,
      order: shots?.order ?? 'drawn',
      spare: file.split !== 'test',
      documents: null,
    },
    metrics: checkedMetrics(file.metrics ?? METRICS[output], output, label),
    scoring:
      file.scoring instanceof FunctionName
        ? scoringOf(file.scoring, { where: `scoring of ${label}`, repo })
        : (file.scoring ?? null),
    cluster: file.cluster === undefined ? null : new Template(file.cluster, `cluster of ${label}`),
    generation: file.generation ?? null,
  };
}

export function filesBySplit(
  files: Readonly<Record<string, string | readonly string[]>> | undefined,
): Readonly<Record<string, readonly string[]>> | null {
  if (files === undefined) return null;
  return Object.fromEntries(
    Object.entries(files).map(([split, named]) => [split, typeof named === 'string' ? [named] : named]),
  );
}

interface NamedPlace {
  where: string;
  repo: string | null;
}

/** @throws UsageError for a template that is none, or a function that is not known */
export function partOf(
  value: string | number | readonly string[] | FunctionName,
  { where, repo }: NamedPlace,
): Part {
  if (value instanceof FunctionName)
    return { kind: 'function', of: known<PartFunction>(functionsFor(repo).parts, value, where) };
  if (typeof value === 'string') return { kind: 'template', template: new Template(value, where) };
  return { kind: 'constant', value };
}

/** @throws UsageError */
export const documentsOf = (value: FunctionName, { where, repo }: NamedPlace) =>
  known(functionsFor(repo).documents, value, where);

/** @throws UsageError */
export const scoringOf = (value: FunctionName, { where, repo }: NamedPlace) =>
  known(functionsFor(repo).results, value, where);

function known<F>(functions: Readonly<Record<string, F>> = {}, { name }: FunctionName, where: string): F {
  if (Object.hasOwn(functions, name)) return functions[name];
  throw new UsageError({
    code: 'unknown-task-function',
    message: `${where}: the function ${JSON.stringify(name)} is not known here, and Python of a task file is never run.`,
    hint: `Write a template in its place. Known: ${FUNCTION_NAMES.join('; ')}.`,
  });
}

/** @throws UsageError for a metric that the output has not */
export function checkedMetrics(
  metrics: readonly string[],
  output: OutputType,
  label: string,
): readonly string[] {
  const bad = metrics.find((metric) => !METRICS[output].includes(metric));
  if (bad === undefined) return metrics;
  throw new UsageError({
    code: 'unknown-metric',
    message: `${label}: tasks of the output ${output} have no metric ${JSON.stringify(bad)}.`,
    hint: `They have: ${METRICS[output].join(', ')}.`,
  });
}

function withoutLimit(label: string): UsageError {
  return new UsageError({
    code: 'task-file-incomplete',
    message: `${label} generates text and does not say how much.`,
    hint: 'Give generation: {tokens: 32}.',
  });
}
