/**
 * Results as one self-contained page: the tables of the other printers, whole, and the plots of their evaluations. A report
 * over several files is report/page.ts.
 */
import { byEvaluation, type Evaluation, type Evaluations, labelOf } from '../records/evaluation.js';
import type { AnyResult, ResultsFile } from '../records/record.js';
import { columnSet, type Heading, withSettings } from './columns.js';
import { type ForestRow, forestPlot } from './html/forest-plot.js';
import { htmlTable } from './html/html-table.js';
import { html, type Markup } from './html/markup.js';
import { htmlPage } from './html/page.js';
import { kindsOf, PLOT_SCRIPT, scatterPlot } from './html/scatter-plot.js';
import { COMPARISON_TITLE, comparisonTable, notesOf } from './notes.js';

/** What the columns of a page of results have in common. */
export const figuresLead = (results: readonly AnyResult[]): string =>
  `± is a standard error and brackets are 95% intervals; ${results.some(({ samples }) => samples) ? 'figures of a whole set of texts (distinct-n, compression) and costs have' : 'costs have'} neither.`;

export function formatHtml(file: ResultsFile, evaluations: Evaluations): string {
  const groups = byEvaluation(file.results, evaluations);
  const [first = { evaluation: evaluations.all[0] }] = groups;
  const notes = notesOf(file, evaluations);
  return htmlPage({
    title: first.evaluation.pageTitle ?? first.evaluation.title,
    lead: figuresLead(file.results),
    body: html`${groups.map(({ evaluation, results }) => resultSection(evaluation, results))}
${comparisonSection(file)}
${notes.length > 0 ? html`<ul class="note">${notes.map((note) => html`<li>${note}</li>`)}</ul>` : null}
${environments(file)}`,
    script: PLOT_SCRIPT,
  });
}

/** Plots above the table. */
function resultSection(evaluation: Evaluation, results: readonly AnyResult[]): Markup {
  const own = columnSet(evaluation.columns, evaluation.table, results);
  const { essential, further } = withSettings(results, own, (result) => labelOf(evaluation, result));
  const columns = [...essential, ...further];
  const plots = evaluation.plots?.(results) ?? [];
  const kinds = kindsOf(plots.map(({ plot }) => plot));
  return html`${plots.map(({ title, plot }) => html`<h2>${title}</h2>${scatterPlot(plot, kinds)}`)}
<h2>${evaluation.title}</h2>
${htmlTable(
  columns.map(({ title, align, unit }): Heading => [title, align, unit]),
  results.map((result) => columns.map(({ cell }) => cell(result))),
)}`;
}

function comparisonSection({ comparisons }: ResultsFile): Markup | null {
  if (comparisons.length === 0) return null;
  const { head, rows } = comparisonTable(comparisons);
  const drawn = comparisons.flatMap(({ a, b, dataset, seed, deltaNll: value, ...errors }): ForestRow[] => {
    const place = seed === undefined ? dataset : `${dataset}, seed ${seed}`;
    return value === null ? [] : [{ pair: `${a} − ${b}`, place, value, ...errors, judgedBy: 'pairs' }];
  });
  return html`<h2>${COMPARISON_TITLE}</h2>
${drawn.length > 0 ? forestPlot({ figure: 'nats per text token', rows: drawn }) : null}
${htmlTable(head, rows)}`;
}

/** Where it ran: one line where all results ran alike. */
function environments({ results }: ResultsFile): Markup {
  const lines = results.map(({ environment }) => {
    const { tool, node, onnxruntime, provider, threads, cpu } = environment ?? {};
    return [
      tool,
      node && `Node ${node}`,
      onnxruntime && `onnxruntime ${onnxruntime}`,
      provider && (threads ? `${provider}, ${threads} threads` : provider),
      cpu,
    ]
      .filter(Boolean)
      .join(' · ');
  });
  return html`<p class="note">${[...new Set(lines)].map((line) => html`${line}<br>`)}</p>`;
}
