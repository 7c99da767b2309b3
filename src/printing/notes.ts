/** The lines under the tables of a results file, and the table of its comparisons, the same in every form they are printed in. */
import { byEvaluation, type Evaluations } from '../records/evaluation.js';
import type { TextSampling } from '../records/figures.js';
import type { Comparison, ResultsFile } from '../records/record.js';
import { plainText } from '../terminal-text.js';
import type { Heading } from './columns.js';
import { intervalOf, valueWithError } from './numbers.js';

/** One paragraph per entry, plain text, each once. @param shows whether the table of an evaluation has a column */
export function notesOf(
  { results, comparisons }: ResultsFile,
  evaluations: Evaluations,
  shows: (evaluation: string, title: string) => boolean = () => true,
): string[] {
  const notes = byEvaluation(results, evaluations).flatMap(
    ({ evaluation, results: own }) =>
      evaluation.notes?.(own, {
        results,
        comparisons,
        shows: (title) => shows(evaluation.name, title),
      }) ?? [],
  );
  if (comparisons.some(({ significant }) => significant === false))
    notes.push('~ marks a difference whose 95% interval holds 0.');
  return [...new Set(notes)];
}

export const COMPARISON_TITLE = 'Difference in nats per text token, first model minus second';

/** Comparisons of models on the same text: its column `models` is `a − b`. */
export function comparisonTable(comparisons: readonly Comparison[]): { head: Heading[]; rows: string[][] } {
  return {
    head: [
      ['', 'left'],
      ['models', 'left'],
      ['data set', 'left'],
      ['difference', 'right'],
      ['95% interval', 'right'],
    ],
    rows: comparisons.map((row) => [
      markOf(row),
      `${plainText(row.a)} − ${plainText(row.b)}`,
      plainText(row.seed === undefined ? row.dataset : `${row.dataset}, seed ${row.seed}`),
      valueWithError({ value: row.deltaNll, stderr: row.stderr }),
      intervalOf(row),
    ]),
  };
}

/** `~` when a difference may be chance, `?` when there is too little to say. */
export function markOf({ significant }: Pick<Comparison, 'significant'>): string {
  if (significant === null) return '?';
  return significant ? '' : '~';
}

/** What an error is over: `19 documents`, `22 blocks of 102 sequences`. */
export function errorUnits({ unit, units, blockLength }: TextSampling): string {
  const counted = (n: number | null | undefined, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
  if (unit === 'document') return counted(units, 'document');
  if (blockLength === 1) return counted(units, 'sequence');
  return `${counted(units, 'block')} of ${counted(blockLength, 'sequence')}`;
}
