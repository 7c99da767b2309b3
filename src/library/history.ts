/** Results over time: entries of a folder or versions of a file on a branch, as trends with their changes. */
import { UsageError } from '../errors.js';
import type { Trend } from '../history/trends.js';

export interface HistoryTask {
  /** The path is a file of this branch; by default it is a folder of result files. */
  branch?: string;
  /** Patterns, in which `*` stands for anything; by default all. */
  models?: readonly string[];
  datasets?: readonly string[];
  /** By default the first figure of each row. */
  metrics?: readonly string[];
  /** Only so many of the last runs. */
  last?: number;
}

/** @throws FileError, DataError where there is no history, UsageError where no row of it matches */
export async function readTrends(path: string, task: HistoryTask = {}): Promise<Trend[]> {
  const { branch, models, datasets, metrics = [], last } = task;
  const { EVALUATIONS } = await import('../evals/registry.js');
  const { matches } = await import('../comparison/gate/config.js');
  const { entriesOfBranch, entriesOfFolder } = await import('../history/entries.js');
  const { trendsOf } = await import('../history/trends.js');
  const entries =
    branch === undefined
      ? entriesOfFolder(path, EVALUATIONS)
      : await entriesOfBranch(branch, path, EVALUATIONS);
  const chosen = last === undefined ? entries : entries.slice(-last);
  const fits = (name: string, patterns?: readonly string[]) =>
    !patterns || patterns.some((one) => matches(one, name));
  const trends = trendsOf(chosen, {
    isOfInterest: ({ model, dataset }) => fits(model, models) && fits(dataset, datasets),
    metrics,
  }).filter(({ points }) => points.length > 0);
  if (trends.length > 0) return trends;
  const figures = new Set(chosen.flatMap(({ rows }) => rows.flatMap((row) => [...row.figures.keys()])));
  throw new UsageError({
    code: 'no-such-trend',
    message: `No row of ${path} has the models, data sets and figures that were asked for.`,
    hint: `Its figures are ${[...figures].slice(0, 20).join(', ')}.`,
  });
}
