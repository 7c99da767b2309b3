/** Flags that say which history is read, and which trends of it: of `history show`, `plot` and `export`. */
import type { Trend } from '../history/trends.js';
import { integer, repeatable, string } from './flags.js';

export const historyFlags = {
  branch: string({
    summary: 'The argument is a file of this branch: its versions, commit by commit, are the history.',
    helpValue: '<name>',
  }),
  model: repeatable({
    char: 'm',
    summary: 'Only these models; * matches anything. Repeatable.',
    helpValue: '<name>',
  }),
  dataset: repeatable({
    char: 'd',
    summary: 'Only these data sets; * matches anything. Repeatable.',
    helpValue: '<name>',
  }),
  metric: repeatable({
    summary: 'Figures, as gate --list names them. Repeatable. [default: the first of each row]',
    helpValue: '<name>',
  }),
  last: integer({ min: 1, summary: 'Only the last runs.' }),
};

interface HistoryFlagValues {
  branch?: string;
  model?: string[];
  dataset?: string[];
  metric?: string[];
  last?: number;
}

/** @param path a folder of result files, or with --branch a file   @throws FileError, DataError, UsageError where nothing matches */
export async function trendsOfFlags(path: string, flags: HistoryFlagValues): Promise<Trend[]> {
  const { readTrends } = await import('../library/results.js');
  const { branch, model: models, dataset: datasets, metric: metrics, last } = flags;
  return readTrends(path, { branch, models, datasets, metrics, last });
}
