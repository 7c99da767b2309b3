/** Flags of the commands that would give results again, read from their records; what a record does not determine is left out. */
import { fieldOf, numberOf, type ResultRow } from '../records/evaluation.js';

export type CommandFlag = readonly [string, string | number | null];

export const commandFlags = (name: string, values: readonly (string | number)[]): CommandFlag[] =>
  values.map((value) => [name, value]);

export function textOf(row: ResultRow, path: string): string | null {
  const value = fieldOf(row, path);
  return typeof value === 'string' ? value : null;
}

/** The sampler of a row's texts. An ar model uses its own number of steps. */
export function samplerFlags(row: ResultRow): CommandFlag[] {
  return [
    ['sampler', samplerOf(row)],
    ...samplerOptionFlags(row),
    ['steps', isBaseline(row) ? null : stepsOf(row)],
  ];
}

export function samplerOptionFlags(row: ResultRow): CommandFlag[] {
  return samplerOptionsOf(row).map(([name, value]) => ['sampler-option', `${name}=${value}`]);
}

/** Sampling flags of every sampler. */
export function drawFlags(row: ResultRow): CommandFlag[] {
  return [
    ['samples', numberOf(row, 'samples.count')],
    ['length', numberOf(row, 'samples.length')],
    ['temperature', numberOf(row, 'samples.temperature')],
    ['top-k', numberOf(row, 'samples.topK')],
    ['top-p', numberOf(row, 'samples.topP')],
  ];
}

export function judgeFlags(row: ResultRow): CommandFlag[] {
  const path = textOf(row, 'judge.path');
  return [
    ['judge', path && nameAndPath(textOf(row, 'judge.name') ?? '', path)],
    ['context', path && numberOf(row, 'judge.context')],
    ['protocol', textOf(row, 'protocol.name')],
    ['seed', numberOf(row, 'protocol.seed')],
  ];
}

export const isBaseline = (row: ResultRow): boolean => textOf(row, 'model.family') === 'ar';

/** Name of a sampler, or path of a user's module. */
export function samplerOf(row: ResultRow): string {
  const module = samplerFieldOf(row, 'module') as { path?: string } | undefined;
  return module?.path ?? String(samplerFieldOf(row, 'name') ?? '');
}

export const stepsOf = (row: ResultRow) => (samplerFieldOf(row, 'steps') ?? null) as number | null;

export const samplerOptionsOf = (row: ResultRow): [string, unknown][] =>
  Object.entries((samplerFieldOf(row, 'options') ?? {}) as object);

function samplerFieldOf(row: ResultRow, key: string): unknown {
  return fieldOf(row, `samples.sampler.${key}`) ?? fieldOf(row, `sampler.${key}`);
}

export function modelOf(row: ResultRow): string {
  const path = textOf(row, 'model.path');
  return path === null ? row.model : nameAndPath(row.model, path);
}

/** `name=path` where a name can be told from a path, and says more than it. */
export function nameAndPath(name: string, path: string): string {
  return /^[A-Za-z0-9][\w.+-]*$/.test(name) ? `${name}=${path}` : path;
}
