/**
 * When two rows may be compared: the same evaluation, of the same text, by the same protocol. Fields that
 * affect only the precision of a figure (seed, draws, estimator) may differ; any other difference in the protocol is an error
 * that names the field.
 */
import { UsageError } from '../errors.js';
import { fieldOf, numberOf, type ResultRow } from '../records/evaluation.js';

/** Fields of `protocol` that change the error of a figure, not what it estimates. */
const OF_THE_ESTIMATE = new Set([
  'mcDegreesOfFreedom',
  'interval',
  'draws',
  'seed',
  'estimator',
  'until',
  'randomizations',
  'integration',
  'resamples',
]);
/** Fields outside `protocol`, causes first: a different tokenizer also changes the token stream. */
const OF_THE_TEXT = [
  'dataset.split',
  'dataset.sourceSha256',
  'dataset.sha256',
  'judge.sha256',
  'samples.length',
  'length',
  'target.entropy',
];
/** Fields that a figure of speed depends on. */
const OF_THE_MACHINE = ['environment.cpu', 'environment.provider', 'environment.threads'];

export interface FieldDifference {
  /** Path in the JSON: `protocol.length`. */
  field: string;
  a: unknown;
  b: unknown;
}

/** Fields that must agree but differ; the rows are comparable if there are none. */
export function fieldsThatDiffer(a: ResultRow, b: ResultRow): FieldDifference[] {
  const keys = new Set([...Object.keys(a.record.protocol ?? {}), ...Object.keys(b.record.protocol ?? {})]);
  const protocol = [...keys]
    .filter((key) => !OF_THE_ESTIMATE.has(key) && !(key === 'version' && haveIntervalsOfOtherVersions(a, b)))
    .map((key) => `protocol.${key}`);
  const machine = isOfSpeed(a) || isOfSpeed(b) ? OF_THE_MACHINE : [];
  return ['eval', ...protocol, ...OF_THE_TEXT, ...machine]
    .map((field) => ({ field, a: comparedValue(a, field), b: comparedValue(b, field) }))
    .filter((one) => differ(one.a, one.b));
}

const LIKELIHOOD = 'protocol.likelihood';

/** A row without an exact likelihood is a bound, unless its model has no noise: then it agrees with either. */
function comparedValue(row: ResultRow, field: string): unknown {
  const value = fieldOf(row, field);
  if (field !== LIKELIHOOD || value !== undefined) return value;
  return fieldOf(row, 'protocol.estimator') === 'exact' ? null : 'a bound';
}

/** Version 2 kept the figures and changed the intervals: over units of text, and bootstrap-t for samples. */
export function haveIntervalsOfOtherVersions(a: ResultRow, b: ResultRow): boolean {
  const versions = [a, b].map((row) => numberOf(row, 'protocol.version'));
  return versions.includes(1) && versions.includes(2);
}

/** @throws UsageError that says which field differs */
export function checkComparable(a: ResultRow, b: ResultRow): void {
  const differing = fieldsThatDiffer(a, b);
  if (differing.length === 0) return;
  const differences = differing.map(
    (one) => `${one.field} is ${formatValue(one.a)} and ${formatValue(one.b)}`,
  );
  const ofTheMachine = differing.every(({ field }) => OF_THE_MACHINE.includes(field));
  throw new UsageError({
    code: 'different-protocols',
    message: `${nameOf(a)} and ${nameOf(b)} cannot be compared: ${differences.slice(0, 3).join('; ')}.`,
    hint: differing.some(({ field }) => field === LIKELIHOOD)
      ? 'The exact likelihood of a sampler and a bound on that of a model do not differ by how good the models are: evaluate both with --likelihood exact, or both without.'
      : ofTheMachine
        ? 'Machines differ in speed: time both in one job, duo-eval bench --against, and gate its throughputRatio.'
        : 'A figure compares with another only of the same text and protocol: evaluate one of them anew.',
  });
}

/** `duo on ptb (a.json)`. */
export function nameOf({ model, dataset, file }: ResultRow): string {
  return `${model}${dataset ? ` on ${dataset}` : ''} (${file})`;
}

/** An unknown or inapplicable value (an exact model has no range of times) agrees with any other. */
function differ(a: unknown, b: unknown): boolean {
  if (a === undefined || a === null || b === undefined || b === null) return false;
  return JSON.stringify(a) !== JSON.stringify(b);
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 12)}…` : text;
}

/** Whether the evaluation measures speed, which depends on the machine; judged by name for an unknown version. */
function isOfSpeed({ evaluation, figures }: ResultRow): boolean {
  return [...figures].some(([name, { declared }]) =>
    evaluation ? declared.isOfMachine : /perSecond|throughput|latency|seconds/i.test(name),
  );
}
