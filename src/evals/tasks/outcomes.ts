/** What came out for the items of a task, as figures: shares of right answers and likelihoods, with errors over items. */
import type { Figure } from '../../records/figures.js';
import { sum } from '../../statistics/numbers.js';
import { ratio } from '../../statistics/ratio.js';
import { studentQuantile95 } from '../../statistics/student.js';
import { bestOf } from '../likelihood/margins.js';
import { solvesList } from './lists.js';
import { solvesCountdown, solvesSudoku } from './puzzles.js';
import type { Task } from './task.js';
import type { TaskItem } from './task-items.js';

/** An item, asked: what a journal keeps. */
export interface ItemOutcome {
  index: number;
  /** ln p of each choice, or of the one continuation, nats; of a text of several windows their sum. */
  logLikelihoods: number[];
  /** Monte Carlo standard error of each; 0: exact. */
  errors: number[];
  /** Whether every token was the most probable one; null where tokens do not come one by one. */
  isGreedy: (boolean | null)[];
  /** Chance that more draws would pick another choice; 0 where nothing is drawn. */
  flip: number;
  /** Model calls that its continuations need alone. */
  calls: number;
  /** Tokens that were cut from the beginnings of its contexts. */
  cut: number;
  /** Tokens that were scored. */
  tokens: number;
  /** Tokens of a generated answer, up to its end; of files of earlier versions absent. */
  written?: number;
  /** What was generated, where that is asked for, and how often an ideal model is right (lists.ts); null: not known. */
  generated?: string;
  ceiling?: number | null;
}

/** What one item says of each metric; absent where it says nothing. */
export type ItemFigures = Partial<Record<MetricName, number>>;

/** What a record needs of an item. */
export interface ItemRow {
  /** Place of its document in the split. */
  index: number;
  /** Digest of what its cluster shares; null: items are independent. */
  cluster: string | null;
  /** Numerators by metric. */
  figures: ItemFigures;
  /** Chance that more draws would pick another choice. */
  flip: number;
  /** Monte Carlo variance of its ln p; 0: exact. */
  variance: number;
  /** Tokens that were cut from its contexts, and that were scored. */
  cut: number;
  tokens: number;
  /** Share that a pick at random gets right; null without choices. */
  chance: number | null;
  /** Share that an ideal model gets right; null: not known. */
  ceiling: number | null;
  /** Tokens of a generated answer up to its end, and the model calls that wrote it; null where nothing was generated. */
  written: number | null;
  calls: number | null;
  /** Of its text: what figures per word and per byte divide by. */
  words: number;
  bytes: number;
}

/** Metrics of records, and how they come from items: Σ of one column over Σ of another. */
export const METRIC_NAMES = [
  ...['acc', 'accNorm', 'accBytes', 'exactMatch', 'answerNll', 'wordNll', 'byteNll', 'bitsPerByte'],
] as const;
export type MetricName =
  | 'acc'
  | 'accNorm'
  | 'accBytes'
  | 'exactMatch'
  | 'answerNll'
  | 'wordNll'
  | 'byteNll'
  | 'bitsPerByte';

const characters = (text: string): number => [...text].length;
const bytes = (text: string): number => Buffer.byteLength(text);
const isRight = (answers: readonly number[], pick: number): number => Number(answers.includes(pick));

/** @returns numerators; {@link weightOf} has the denominators */
export function itemFigures(task: Task, item: TaskItem, outcome: ItemOutcome): ItemFigures {
  const { logLikelihoods: scores, isGreedy } = outcome;
  switch (task.output) {
    case 'multiple_choice': {
      const { answers, choices } = item;
      const per = (size: (text: string) => number) =>
        isRight(answers, bestOf(scores.map((score, i) => score / size(choices[i]))));
      const greedy = answers.map((answer) => isGreedy[answer]);
      return {
        acc: task.scoring === 'mc2' ? shareOfTrue(scores, answers) : isRight(answers, bestOf(scores)),
        accNorm: per(characters),
        accBytes: per(bytes),
        ...(!greedy.includes(null) && { exactMatch: Number(greedy.includes(true)) }),
      };
    }
    case 'loglikelihood':
      return { answerNll: -scores[0], ...(isGreedy[0] !== null && { acc: Number(isGreedy[0]) }) };
    case 'loglikelihood_rolling':
      return { wordNll: -scores[0], byteNll: -scores[0], bitsPerByte: -scores[0] / Math.LN2 };
    case 'generate_until':
      return { exactMatch: Number(isSolved(task, item, outcome.generated ?? '')) };
  }
}

function isSolved(task: Task, { puzzle, targets }: TaskItem, generated: string): boolean {
  if (task.scoring === 'sudoku') return solvesSudoku(puzzle, generated);
  if (task.scoring === 'countdown') return solvesCountdown(puzzle, generated);
  if (task.scoring === 'replace' || task.scoring === 'shuffle')
    return solvesList(task.scoring, puzzle, generated);
  return targets.some((target) => isSame(task, generated, target));
}

/** At least 1 of each. */
export const wordsAndBytes = (text: string) => ({
  words: Math.max(1, text.split(/\s+/).length),
  bytes: Math.max(1, bytes(text)),
});

/** What Σ over items divides by: items, or the words or bytes of their texts. */
function weightOf(metric: MetricName, { words, bytes: ofText }: ItemRow): number {
  if (metric === 'wordNll') return words;
  return metric === 'byteNll' || metric === 'bitsPerByte' ? ofText : 1;
}

/** TruthfulQA's mc2: the share of probability of the true choices. */
function shareOfTrue(scores: readonly number[], answers: readonly number[]): number {
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  return sum(answers.map((answer) => weights[answer])) / sum(weights);
}

function isSame({ generation }: Task, generated: string, target: string): boolean {
  const plain = (text: string) => {
    let plainer = generation?.trim ? text.trim() : text;
    if (generation?.ignoreCase) plainer = plainer.toLowerCase();
    if (generation?.ignorePunctuation) plainer = plainer.replace(/[!-/:-@[-`{-~]/g, '');
    return plainer;
  };
  return plain(generated) === plain(target);
}

export interface TaskFigures {
  metrics: Record<MetricName, Figure | null>;
  /** Units of the errors: clusters, or items. */
  units: number;
}

/** @param asked metrics by the names of task files   @param rows of the items, in their order */
export function taskFigures(asked: readonly string[], rows: readonly ItemRow[]): TaskFigures {
  const units = unitsOf(rows);
  const metrics = Object.fromEntries(
    METRIC_NAMES.map((name) => {
      const values = rows.map(({ figures }) => figures[name]);
      if (values.some((value) => value === undefined) || !asked.includes(ASKED_AS[name])) return [name, null];
      return [name, figureOf(name, values as number[], rows, units)];
    }),
  ) as TaskFigures['metrics'];
  return { metrics, units: new Set(units).size };
}

/** The names that task files use. */
const ASKED_AS: Readonly<Record<MetricName, string>> = {
  ...{ acc: 'acc', accNorm: 'acc_norm', accBytes: 'acc_bytes', exactMatch: 'exact_match' },
  ...{ answerNll: 'perplexity', wordNll: 'word_perplexity', byteNll: 'byte_perplexity' },
  bitsPerByte: 'bits_per_byte',
};

/** Shares of items. */
export const SHARES = ['acc', 'accNorm', 'accBytes', 'exactMatch'] as const satisfies readonly MetricName[];
const isShareOfItems = (name: MetricName): boolean => (SHARES as readonly MetricName[]).includes(name);

/** The unit of each item: the number of its cluster, or of itself. */
export function unitsOf(items: readonly Pick<ItemRow, 'cluster'>[]): number[] {
  const numbers = new Map<string, number>();
  return items.map(({ cluster }, i) => {
    const key = cluster === null ? `item ${i}` : `cluster ${cluster}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

/** A ratio of sums, with the variance of units that are sums over clusters. */
export function clusteredRatio(
  values: readonly number[],
  weights: readonly number[],
  units: readonly number[],
): ReturnType<typeof ratio> {
  const count = units.reduce((most, unit) => Math.max(most, unit + 1), 0);
  const [top, bottom] = [new Float64Array(count), new Float64Array(count)];
  for (const [i, unit] of units.entries()) {
    top[unit] += values[i];
    bottom[unit] += weights[i];
  }
  return ratio(top, bottom);
}

function figureOf(
  name: MetricName,
  values: readonly number[],
  rows: readonly ItemRow[],
  units: readonly number[],
): Figure {
  const weights = rows.map((row) => weightOf(name, row));
  const { value, stderr, ci95 } = clusteredRatio(values, weights, units);
  const count = new Set(units).size;
  const isShare = isShareOfItems(name);
  return {
    ...{ value, stderr, ci95: isShare ? wilsonInterval(value, stderr, count) : ci95 },
    mcStderr: isShare ? errorOfPicks(rows) : errorOfSum(name, rows, sum(weights)),
  };
}

/** Of a share of picks, over draws: each item's pick is another with its chance. */
function errorOfPicks(rows: readonly ItemRow[]): number {
  return Math.sqrt(sum(rows.map(({ flip }) => flip * (1 - flip)))) / rows.length;
}

function errorOfSum(name: MetricName, rows: readonly ItemRow[], weight: number): number {
  const variance = sum(rows.map((row) => row.variance));
  return Math.sqrt(variance) / weight / (name === 'bitsPerByte' ? Math.LN2 : 1);
}

/**
 * The interval of a share (Wilson, JASA 22, 1927), which has a width also where every answer is right. The number of independent
 * answers is that which has the standard error of the share, so that clusters count.
 */
function wilsonInterval(share: number | null, stderr: number | null, units: number): [number, number] | null {
  if (share === null || stderr === null) return null;
  const answers = stderr > 0 ? (share * (1 - share)) / stderr ** 2 : units;
  const z2 = studentQuantile95(units - 1) ** 2;
  const centre = (share + z2 / (2 * answers)) / (1 + z2 / answers);
  const half =
    (Math.sqrt(z2) / (1 + z2 / answers)) * Math.sqrt((share * (1 - share) + z2 / (4 * answers)) / answers);
  return [Math.max(0, Math.min(share, centre - half)), Math.min(1, Math.max(share, centre + half))];
}
