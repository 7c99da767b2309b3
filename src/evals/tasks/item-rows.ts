/**
 * What a record needs of each item, and the record from it. A part of the items (`--shard i/n`) holds its rows as columns, so that
 * parts join to the record of all: the same rows in the same order, and so the same bits.
 */
import type { Figure } from '../../records/figures.js';
import { sha256OfBytes } from '../../storage/digest.js';
import {
  clusteredRatio,
  type ItemOutcome,
  type ItemRow,
  itemFigures,
  METRIC_NAMES,
  type MetricName,
  SHARES,
  type TaskFigures,
  taskFigures,
  unitsOf,
  wordsAndBytes,
} from './outcomes.js';
import type { TasksResult } from './record.js';
import { isGenerated, type Task } from './task.js';
import type { TaskItem } from './task-items.js';

export function rowOf(task: Task, item: TaskItem, outcome: ItemOutcome): ItemRow {
  const { errors, flip, cut, tokens } = outcome;
  return {
    ...{
      index: item.index,
      cluster: item.cluster === null ? null : sha256OfBytes(item.cluster).slice(0, 16),
    },
    ...{ figures: itemFigures(task, item, outcome), flip, cut, tokens },
    variance: errors.reduce((total, error) => total + error ** 2, 0),
    ceiling: outcome.ceiling ?? null,
    ...(isGenerated(task)
      ? { written: outcome.written ?? null, calls: outcome.calls }
      : { written: null, calls: null }),
    chance: task.choices === null ? null : item.answers.length / Math.max(1, item.choices.length),
    ...wordsAndBytes(item.targets[0] ?? ''),
  };
}

/** A record but for what comes from its items. */
export type RecordOfRun = Omit<TasksResult, 'metrics' | 'items' | 'cost' | 'byItem' | 'part'>;
type Part = NonNullable<TasksResult['part']>;

interface RunCost {
  modelCalls: number;
  /** Null where they are not counted. */
  readTokens: number | null;
  seconds: number | null;
}

/** @param byItem whether the record holds what came out for each item   @param part of all items; null: these are all */
export function resultOfRows(
  run: RecordOfRun,
  rows: readonly ItemRow[],
  { modelCalls, readTokens, seconds }: RunCost,
  { byItem, part }: { byItem: boolean; part: Pick<Part, 'part' | 'of'> | null },
): TasksResult {
  const { metrics, units } = taskFigures(run.task.metrics, rows);
  const total = (value: (row: ItemRow) => number) => rows.reduce((sum, row) => sum + value(row), 0);
  const tokens = total((row) => row.tokens);
  const mean = (name: 'chance' | 'ceiling') =>
    rows.some((row) => row[name] === null) ? null : total((row) => row[name] ?? 0) / rows.length;
  const { environment, ...named } = run;
  return {
    ...named,
    metrics: { ...withExponentials(metrics), ...parallelismOf(rows) },
    items: {
      ...{ count: rows.length, units, clustered: rows.some(({ cluster }) => cluster !== null) },
      cut: rows.filter(({ cut }) => cut > 0).length,
      flips: total(({ flip }) => flip),
      ...{ chance: mean('chance'), ceiling: mean('ceiling') },
    },
    cost: {
      ...{ sequences: rows.length, tokens, readTokens, modelCalls, wallSeconds: seconds },
      tokensPerSecond: seconds !== null && seconds > 0 ? tokens / seconds : null,
    },
    environment,
    ...(part && { part: { ...part, items: columnsOf(rows) } }),
    ...(byItem && { byItem: itemColumns(rows) }),
  };
}

/** The record of all items, from those of all parts, whose times and calls add up. @param parts of one run, each once */
export function joinedParts(parts: readonly TasksResult[]): TasksResult {
  const [first] = parts;
  const rows = parts.flatMap(({ part }) => (part ? rowsOf(part.items) : []));
  rows.sort((a, b) => a.index - b.index);
  const { metrics: _, items: __, cost: ___, byItem: ____, part: _____, ...run } = first;
  const total = (values: readonly (number | null | undefined)[]) =>
    values.some((value) => value === null || value === undefined)
      ? null
      : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return resultOfRows(
    run,
    rows,
    {
      modelCalls: parts.reduce((sum, { cost }) => sum + cost.modelCalls, 0),
      readTokens: total(parts.map(({ cost }) => cost.readTokens)),
      seconds: total(parts.map(({ cost }) => cost.wallSeconds)),
    },
    { byItem: parts.every(({ byItem }) => byItem !== undefined), part: null },
  );
}

function columnsOf(rows: readonly ItemRow[]): Part['items'] {
  const clusters = rows.map(({ cluster }) => cluster);
  const chances = rows.map(({ chance }) => chance);
  const ceilings = rows.map(({ ceiling }) => ceiling);
  const [written, calls] = [rows.map((row) => row.written), rows.map((row) => row.calls)];
  const isKnown = <T>(values: readonly (T | null)[]): values is readonly T[] => !values.includes(null);
  const column = (name: 'index' | 'flip' | 'variance' | 'cut' | 'tokens' | 'words' | 'bytes') =>
    rows.map((row) => row[name]);
  return {
    ...{ index: column('index'), flip: column('flip'), variance: column('variance') },
    ...{ cut: column('cut'), tokens: column('tokens'), words: column('words'), bytes: column('bytes') },
    ...(isKnown(clusters) && { cluster: [...clusters] }),
    ...(isKnown(chances) && { chance: [...chances] }),
    ...(isKnown(ceilings) && { ceiling: [...ceilings] }),
    ...(isKnown(written) && isKnown(calls) && { written: [...written], calls: [...calls] }),
    ...figureColumns(rows, METRIC_NAMES),
  };
}

/** Figures that every item has. */
function figureColumns<Name extends MetricName>(
  rows: readonly ItemRow[],
  names: readonly Name[],
): Partial<Record<Name, number[]>> {
  const known = names.flatMap((name) => {
    const values = rows.map(({ figures }) => figures[name]);
    return values.every((value) => value !== undefined) ? [[name, values] as const] : [];
  });
  return Object.fromEntries(known) as Partial<Record<Name, number[]>>;
}

function rowsOf({
  cluster,
  chance,
  ceiling,
  written,
  calls,
  words,
  bytes,
  ...columns
}: Part['items']): ItemRow[] {
  return columns.index.map((index, i) => ({
    ...{ index, cluster: cluster?.[i] ?? null, chance: chance?.[i] ?? null, ceiling: ceiling?.[i] ?? null },
    ...{
      flip: columns.flip[i],
      variance: columns.variance[i],
      cut: columns.cut[i],
      tokens: columns.tokens[i],
    },
    ...{ words: words[i], bytes: bytes[i], written: written?.[i] ?? null, calls: calls?.[i] ?? null },
    figures: Object.fromEntries(
      METRIC_NAMES.flatMap((name) => {
        const values = columns[name];
        return values ? [[name, values[i]]] : [];
      }),
    ),
  }));
}

function itemColumns(rows: readonly ItemRow[]): NonNullable<TasksResult['byItem']> {
  const nats = figureColumns(rows, ['answerNll', 'wordNll']);
  const values = nats.answerNll ?? nats.wordNll;
  const { written, calls } = columnsOf(rows);
  return {
    index: rows.map(({ index }) => index),
    unit: unitsOf(rows),
    flip: rows.map(({ flip }) => flip),
    ...figureColumns(rows, SHARES),
    ...(values && { nats: values }),
    ...(written && calls && { written, calls }),
  };
}

/** TPF of generated answers: their tokens over the model calls that wrote them. */
function parallelismOf(rows: readonly ItemRow[]): Pick<TasksResult['metrics'], 'tokensPerForward'> {
  const { written, calls } = columnsOf(rows);
  if (!written || !calls || calls.length === 0 || calls.includes(0)) return {};
  return { tokensPerForward: { ...clusteredRatio(written, calls, unitsOf(rows)), mcStderr: null } };
}

/** With the exponentials of the figures that have one. */
function withExponentials(metrics: TaskFigures['metrics']): TasksResult['metrics'] {
  const exponential = (nll: Figure | null) => {
    if (nll === null || nll.value === null) return null;
    const value = Math.exp(nll.value);
    return {
      value,
      stderr: nll.stderr === null ? null : value * nll.stderr,
      ci95: nll.ci95 && ([Math.exp(nll.ci95[0]), Math.exp(nll.ci95[1])] as [number, number]),
      mcStderr: nll.mcStderr === null ? null : value * nll.mcStderr,
    };
  };
  return {
    ...metrics,
    perplexity: exponential(metrics.answerNll),
    wordPerplexity: exponential(metrics.wordNll),
    bytePerplexity: exponential(metrics.byteNll),
  };
}
