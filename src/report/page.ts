/** A report as one page that refers to nothing outside itself. */

import { forestPlot } from '../printing/html/forest-plot.js';
import { htmlTable } from '../printing/html/html-table.js';
import { html, type Markup } from '../printing/html/markup.js';
import { htmlPage } from '../printing/html/page.js';
import { kindsOf, PLOT_SCRIPT, type PlotKinds, scatterPlot } from '../printing/html/scatter-plot.js';
import { figuresLead } from '../printing/html.js';
import type { ResultRow } from '../records/evaluation.js';
import { publishedSection } from './published-section.js';
import { otherNote, type Repetition, repetitionOf, suiteNote } from './repetition.js';
import type { Report, SampleTexts, Section } from './report.js';
import { environmentSection, sectionsOf } from './sections.js';

const STYLE = `
main { max-width: 72rem; } p, ul.notes { max-width: 60rem; } table { margin: .4rem 0 .8rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; padding: 0; margin: 0; }
a { color: var(--series-0); }
ul.notes { padding-left: 1.1rem; color: var(--soft); font-size: .9rem; }
tbody tr:hover { background: var(--raised); }
details > summary { cursor: pointer; }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--paper); }
tbody tr:hover td:first-child { background: var(--raised); }
@media print { nav { display: none; } section { break-inside: auto; } h2 { break-after: avoid; } a { color: inherit; text-decoration: none; } }
`;

export function reportPage(report: Report): string {
  const published = report.published ? publishedSection(report.rows) : null;
  const sections = [...sectionsOf(report), ...(published ? [published] : [])];
  const kinds = kindsOf(sections.flatMap((section) => (section.plots ?? []).map(({ plot }) => plot)));
  const parts = sections.map((section) => ({
    title: section.title,
    body: sectionBody(section, kinds),
  }));
  if (report.samples.length > 0)
    parts.push({ title: 'Samples', body: html`${report.samples.map(samplesBody)}` });
  if (!report.paper)
    parts.push({ title: 'Where it ran', body: sectionBody(environmentSection(report), kinds) });
  if (!report.paper)
    parts.push({ title: 'How to repeat it', body: repetitionBody(repetitionOf(report.rows)) });
  return htmlPage({
    title: report.title,
    lead: leadOf(report.rows),
    body: html`<nav aria-label="Contents"><ul>${parts.map(({ title }) => html`<li><a href="#${anchor(title)}">${title}</a></li>`)}</ul></nav>
${parts.map(
  ({ title, body }) => html`<section id="${anchor(title)}"><h2>${title}</h2>
${body}</section>
`,
)}`,
    script: PLOT_SCRIPT,
    style: STYLE,
  });
}

function leadOf(rows: readonly ResultRow[]): string {
  const models = [...new Set(rows.map(({ model }) => model))];
  const sets = [
    ...new Set(rows.filter(({ evaluation }) => evaluation?.scoresText).map(({ dataset }) => dataset)),
  ];
  const count = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
  const on = sets.length > 0 ? ` on ${count(sets.length, 'data set')}` : '';
  return `${count(rows.length, 'result')} of ${count(models.length, 'model')}${on}. ${figuresLead(rows.map(({ record }) => record))}`;
}

const anchor = (title: string) => title.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** @param kinds of the whole page, so that each has one colour or shape in all its plots */
function sectionBody({ tables, notes, plots = [], forests = [] }: Section, kinds: PlotKinds): Markup {
  return html`${tables.map(({ head, rows }) => htmlTable(head, rows))}
${notes.length > 0 ? html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>` : null}
${plots.map(({ title, plot }) => html`<h3>${title}</h3>${scatterPlot(plot, kinds)}`)}
${forests.map((forest) => html`<h3>${forest.figure}</h3>${forestPlot(forest)}`)}`;
}

function samplesBody({ model, sampling, texts, count, file }: SampleTexts): Markup {
  return html`<h3>${model}</h3>
<p class="note">${sampling}; the first ${texts.length} of ${count} in ${file}.</p>
${texts.map(
  (text) => html`<p class="sample">${text}</p>
`,
)}`;
}

function repetitionBody({ suites, runs, others }: Repetition): Markup {
  return html`${suites.length > 0 ? html`<p class="note">${suiteNote(suites.length)}</p>` : null}
${runs.map(
  ({ file, command }, i) => html`<h3>${file}</h3>
<pre>${suites[i]}</pre>
<pre>${command}</pre>
`,
)}${others.map(
  ({ why, commands }) => html`<p class="note">${otherNote(why, commands.length)}</p>
${commands.length > 0 ? html`<pre>${commands.join('\n')}</pre>` : null}
`,
)}`;
}
