/**
 * When two rows may be compared: the same evaluation, of the same text, by the same protocol. Fields that only say how well
 * a figure was estimated (seed, draws, estimator) may differ; any other difference of protocol is a refusal that names it.
 */
import { UsageError } from '../errors.js';
import { fieldOf, numberOf, type ResultRow } from '../records/evaluation.js';

/** Of `protocol`: these change the error of a figure, not what is estimated. */
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
/** Beside `protocol`, in the order in which they explain: a tokenizer changes the stream too. */
const OF_THE_TEXT = [
  'dataset.split',
  'dataset.sourceSha256',
  'dataset.sha256',
  'judge.sha256',
  'samples.length',
  'length',
  'target.entropy',
];
/** What a figure of speed depends on. */
const OF_THE_MACHINE = ['environment.cpu', 'environment.provider', 'environment.threads'];

export interface FieldDifference {
  /** As in the JSON: `protocol.length`. */
  field: string;
  a: unknown;
  b: unknown;
}

/** Fields in which the rows differ though they must not; none means that they may be compared. */
export function fieldsThatDiffer(a: ResultRow, b: ResultRow): FieldDifference[] {
  const keys = new Set([...Object.keys(a.record.protocol ?? {}), ...Object.keys(b.record.protocol ?? {})]);
  const protocol = [...keys]
    .filter((key) => !OF_THE_ESTIMATE.has(key) && !(key === 'version' && haveIntervalsOfOtherVersions(a, b)))
    .map((key) => `protocol.${key}`);
  const machine = isOfSpeed(a) || isOfSpeed(b) ? OF_THE_MACHINE : [];
  return ['eval', ...protocol, ...OF_THE_TEXT, ...machine]
    .map((field) => ({ field, a: fieldOf(a, field), b: fieldOf(b, field) }))
    .filter((one) => differ(one.a, one.b));
}

/** From version 1 to 2 figures stayed and intervals changed: over units of text, and by bootstrap-t of few samples. */
export function haveIntervalsOfOtherVersions(a: ResultRow, b: ResultRow): boolean {
  const versions = [a, b].map((row) => numberOf(row, 'protocol.version'));
  return versions.includes(1) && versions.includes(2);
}

/** @throws UsageError that says which field differs */
export function checkComparable(a: ResultRow, b: ResultRow): void {
  const differing = fieldsThatDiffer(a, b);
  if (differing.length === 0) return;
  const told = differing.map((one) => `${one.field} is ${formatValue(one.a)} and ${formatValue(one.b)}`);
  const ofTheMachine = differing.every(({ field }) => OF_THE_MACHINE.includes(field));
  throw new UsageError({
    code: 'different-protocols',
    message: `${nameOf(a)} and ${nameOf(b)} cannot be compared: ${told.slice(0, 3).join('; ')}.`,
    hint: ofTheMachine
      ? 'Machines differ in speed: time both in one job, duo-eval bench --against, and gate its throughputRatio.'
      : 'A figure compares with another only of the same text and protocol: evaluate one of them anew.',
  });
}

/** `duo on ptb (a.json)`. */
export function nameOf({ model, dataset, file }: ResultRow): string {
  return `${model}${dataset ? ` on ${dataset}` : ''} (${file})`;
}

/** What is unknown, or does not apply (an exact model has no range of times), contradicts nothing. */
function differ(a: unknown, b: unknown): boolean {
  if (a === undefined || a === null || b === undefined || b === null) return false;
  return JSON.stringify(a) !== JSON.stringify(b);
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 12)}…` : text;
}

/** A figure of it depends on the machine; in an evaluation of another version, by its name. */
function isOfSpeed({ evaluation, figures }: ResultRow): boolean {
  return [...figures].some(([name, { declared }]) =>
    evaluation ? declared.isOfMachine : /perSecond|throughput|latency|seconds/i.test(name),
  );
}
