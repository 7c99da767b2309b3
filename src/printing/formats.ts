/** The printers by name. Each turns a results file into text; the caller prints or writes it. */
import type { Evaluations } from '../records/evaluation.js';
import type { ResultsFile } from '../records/record.js';
import type { Screen } from './table.js';

const FORMATS = ['table', 'csv', 'json', 'markdown', 'html'] as const;
export type Format = (typeof FORMATS)[number];
export type { Screen };

/** @param screen of the table; a file is written with width 100 and no colour */
export async function formatResults(
  file: ResultsFile,
  format: Format,
  evaluations: Evaluations,
  screen: Screen = { width: 100, color: false },
): Promise<string> {
  switch (format) {
    case 'table':
      return (await import('./table.js')).formatTable(file, evaluations, screen);
    case 'csv':
      return (await import('./csv.js')).formatCsv(file, evaluations);
    case 'json':
      return (await import('./json.js')).formatJson(file);
    case 'markdown':
      return (await import('./markdown.js')).formatMarkdown(file, evaluations);
    case 'html':
      return (await import('./html.js')).formatHtml(file, evaluations);
    default:
      throw new TypeError(`No printer for ${format satisfies never}`);
  }
}
