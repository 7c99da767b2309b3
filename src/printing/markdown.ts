/** Results as GitHub-flavoured tables, for an issue, a README or the notes of a paper. All columns, no width to fit. */
import { byEvaluation, type Evaluations, labelOf } from '../records/evaluation.js';
import type { ResultsFile } from '../records/record.js';
import { columnSet, withSettings } from './columns.js';
import { COMPARISON_TITLE, comparisonTable, notesOf } from './notes.js';
import { escapeMarkup, pipeTable } from './pipe-table.js';

export function formatMarkdown(file: ResultsFile, evaluations: Evaluations): string {
  const parts = byEvaluation(file.results, evaluations).map(({ evaluation, results }) => {
    const own = columnSet(evaluation.columns, evaluation.table, results);
    const set = withSettings(results, own, (result) => labelOf(evaluation, result));
    const columns = [...set.essential, ...set.further];
    return pipeTable(
      columns.map(({ title, align }) => [title, align]),
      results.map((result) => columns.map(({ cell }) => cell(result))),
    );
  });
  if (file.comparisons.length > 0) {
    const { head, rows } = comparisonTable(file.comparisons);
    parts.push(`${COMPARISON_TITLE}:\n\n${pipeTable(head, rows)}`);
  }
  const notes = notesOf(file, evaluations).map((note) => `- ${escapeMarkup(note)}`);
  if (notes.length > 0) parts.push(notes.join('\n'));
  return `${parts.join('\n\n')}\n`;
}
