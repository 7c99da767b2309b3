/**
 * Flags of the commands, and keys of the suites, that would give results again, read from their records; what a record does not determine is
 * left out.
 */
import {
  fieldOf,
  numberOf,
  type ResultRow,
  type SuiteEntry,
  type SuiteEntryContext,
} from '../records/evaluation.js';
import { samplerOptions, samplers, samplersFor } from '../samplers/registry.js';

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
  return isName(name) ? `${name}=${path}` : path;
}

const isName = (name: string): boolean => /^[A-Za-z0-9][\w.+-]*$/.test(name);

/** The model of a row in a suite; null where its record does not say which file it is. */
export function suiteModel(row: ResultRow, { at }: SuiteEntryContext): SuiteEntry['model'] | null {
  const path = textOf(row, 'model.path');
  if (path === null) return null;
  return { ...(isName(row.model) && { name: row.model }), path: at(path) };
}

export const NO_MODEL = 'the record does not say which file the model is';

/** Keys without those that are null. */
export const knownKeys = (keys: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== null && value !== undefined));

/** The judge as a suite names it. */
export function suiteJudge(row: ResultRow, { at }: SuiteEntryContext): Record<string, unknown> | null {
  const [path, name] = [textOf(row, 'judge.path'), textOf(row, 'judge.name')];
  if (path === null) return null;
  return knownKeys({ name, path: at(path), context: numberOf(row, 'judge.context') });
}

/** What texts are compared with, as a suite says it: real text, MAUVE's model, BrierLM's prompts, naive samplers. */
export function suiteMeasures(
  row: ResultRow,
  { realText, controls, at }: SuiteEntryContext,
): Record<string, unknown> {
  const path = textOf(row, 'mauve.model.path');
  const model = { name: textOf(row, 'mauve.model.name'), context: numberOf(row, 'mauve.model.context') };
  return knownKeys({
    references: realText.length > 0 ? realText : null,
    mauve: path === null ? null : knownKeys({ ...model, path: at(path) }),
    brier: numberOf(row, 'brier.items'),
    controls: (controls && realText.length > 0) || null,
  });
}

/** The same as flags of a command. */
export const measureFlags = (row: ResultRow): CommandFlag[] => {
  const path = textOf(row, 'mauve.model.path');
  return [
    ['mauve', path && nameAndPath(textOf(row, 'mauve.model.name') ?? '', path)],
    ['brier', numberOf(row, 'brier.items')],
  ];
};

/** The sampler of a row as a suite lists it, its number of steps, and its seed. An ar model takes one step per token. */
export function suiteSampling(
  row: ResultRow,
  { at }: SuiteEntryContext,
): Pick<SuiteEntry, 'lists' | 'usual' | 'any'> {
  const options = Object.fromEntries(samplerOptionsOf(row));
  const isModule = samplerFieldOf(row, 'module') !== undefined;
  const name = isModule ? at(samplerOf(row)) : samplerOf(row);
  const own = isModule ? undefined : samplers.find((one) => one.name === name);
  const isPlain = JSON.stringify(options) === JSON.stringify(own ? samplerOptions(own, []) : {});
  const family = textOf(row, 'model.family');
  const usual = family !== null && isPlain && samplersFor(family as never)[0] === name;
  const lists = {
    samplers: isPlain ? name : { name, options },
    seeds: numberOf(row, 'samples.seed') ?? numberOf(row, 'protocol.seed'),
  };
  const more = usual ? { usual: ['samplers'] } : {};
  return isBaseline(row)
    ? { lists, ...more, any: ['steps'] }
    : { lists: { ...lists, steps: stepsOf(row) }, ...more };
}

/** What all texts of a part share, and their judge. */
export const suiteTexts = (row: ResultRow, context: SuiteEntryContext): Record<string, unknown> =>
  knownKeys({
    judge: suiteJudge(row, context),
    protocol: textOf(row, 'protocol.name'),
    samples: numberOf(row, 'samples.count'),
    length: numberOf(row, 'samples.length'),
    temperature: numberOf(row, 'samples.temperature'),
    topK: numberOf(row, 'samples.topK'),
    topP: numberOf(row, 'samples.topP'),
  });
