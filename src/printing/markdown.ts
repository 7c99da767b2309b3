/** Results as a GitHub-flavoured table, for an issue, a README or a paper's notes. All columns, no width to fit. */

import { frontierColumns } from '../evals/frontier/columns.js';
import { generativeColumns } from '../evals/generation/columns.js';
import { benchColumns } from '../evals/throughput/columns.js';
import { type Result, type ResultsFile, resultsOf } from '../records/record.js';
import { plainText } from '../terminal-text.js';
import { type ColumnSet, perplexityColumns } from './columns.js';
import { COMPARISON_TITLE, datasetOf, markOf, notesOf } from './notes.js';
import { intervalOf, valueWithError } from './numbers.js';
import { escaped, pipeTable } from './pipe-table.js';

export function formatMarkdown(file: ResultsFile): string {
  const ppl = resultsOf(file, 'ppl');
  const bench = resultsOf(file, 'bench');
  const frontier = resultsOf(file, 'frontier');
  const gen = resultsOf(file, 'gen');
  const parts = [
    resultTable(ppl, perplexityColumns(ppl)),
    resultTable(bench, benchColumns(bench)),
    resultTable(frontier, frontierColumns(frontier)),
    resultTable(gen, generativeColumns(gen)),
  ].filter((part) => part !== '');
  if (file.comparisons.length > 0) {
    const rows = file.comparisons.map((row) => [
      markOf(row),
      `${plainText(row.a)} − ${plainText(row.b)}`,
      plainText(datasetOf(row)),
      valueWithError({ value: row.deltaNll, stderr: row.stderr }),
      intervalOf(row),
    ]);
    const head: [string, 'left' | 'right'][] = [
      ['', 'left'],
      ['models', 'left'],
      ['dataset', 'left'],
      ['difference', 'right'],
      ['95% interval', 'right'],
    ];
    parts.push(`${COMPARISON_TITLE}:\n\n${pipeTable(head, rows)}`);
  }
  const notes = notesOf(file).map((note) => `- ${escaped(note)}`);
  if (notes.length > 0) parts.push(notes.join('\n'));
  return `${parts.join('\n\n')}\n`;
}

function resultTable<R extends Result>(results: readonly R[], { essential, further }: ColumnSet<R>): string {
  if (results.length === 0) return '';
  const columns = [...essential, ...further];
  return pipeTable(
    columns.map(({ title, align }) => [title, align]),
    results.map((result) => columns.map((column) => column.cell(result))),
  );
}
