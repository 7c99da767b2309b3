/** A report as one page that refers to nothing outside itself. */

import { htmlTable } from '../printing/html/html-table.js';
import { html, type Markup } from '../printing/html/markup.js';
import { htmlPage } from '../printing/html/page.js';
import { PLOT_SCRIPT, type PlotPoint, scatterPlot } from '../printing/html/scatter-plot.js';
import { intervalOf as interval, plain, valueWithError } from '../printing/numbers.js';
import { apartTexts, settingsOf } from '../records/distinctions.js';
import { fieldOf, numberOf, type ResultRow, type RowFigure } from '../records/rows.js';
import { publishedSection } from './published-section.js';
import { commandsOf } from './repetition.js';
import type { Report, SampleTexts } from './report.js';
import {
  entropiesMatch,
  environmentSection,
  isGenerated,
  type Section,
  sectionsOf,
  throughputOf,
} from './sections.js';

const STYLE = `
main { max-width: 72rem; } p, ul.notes { max-width: 60rem; } table { margin: .4rem 0 .8rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; padding: 0; margin: 0; }
a { color: var(--series-0); }
ul.notes { padding-left: 1.1rem; color: var(--soft); font-size: .9rem; }
tbody tr:hover { background: var(--raised); }
details > summary { cursor: pointer; }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--paper); }
tbody tr:hover td:first-child { background: var(--raised); }
@media print { nav { display: none; } table { font-size: .7rem; } th, td { padding: .15rem .35rem; white-space: normal; } section { break-inside: auto; } h2 { break-after: avoid; } a { color: inherit; text-decoration: none; } }
`;

export function reportPage(report: Report): string {
  const published = report.published ? publishedSection(report.rows) : null;
  const parts: { title: string; body: Markup }[] = [];
  const ofPage = [...new Set(report.rows.map(seriesOf))];
  for (const section of sectionsOf(report)) {
    parts.push({ title: section.title, body: sectionBody(section) });
    if (section.title === 'At matched entropy') {
      const plot = frontierPlot(
        report.rows.filter((row) => row.eval === 'frontier'),
        ofPage,
      );
      if (plot) parts[parts.length - 1].body = html`${parts[parts.length - 1].body}${plot}`;
    }
    if (section.title === 'Generated text') {
      const plots = plotsOf(report.rows.filter(isGenerated), ofPage);
      if (plots.length > 0) parts.push({ title: 'Speed, quality and diversity', body: html`${plots}` });
    }
  }
  if (published) parts.push({ title: published.title, body: sectionBody(published) });
  if (report.samples.length > 0)
    parts.push({ title: 'Samples', body: html`${report.samples.map(samplesBody)}` });
  parts.push({ title: 'Where it ran', body: sectionBody(environmentSection(report)) });
  const commands = commandsOf(report.rows);
  if (commands.length > 0) parts.push({ title: 'How to repeat it', body: repetitionBody(commands) });
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
  const sets = [...new Set(rows.filter((row) => row.eval === 'ppl').map(({ dataset }) => dataset))];
  const count = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
  const on = sets.length > 0 ? ` on ${count(sets.length, 'data set')}` : '';
  return `${count(rows.length, 'result')} of ${count(models.length, 'model')}${on}. ± is a standard error and brackets are 95% intervals; figures of a whole set of texts (distinct-n, compression) and costs have neither.`;
}

const anchor = (title: string) => title.toLowerCase().replace(/[^a-z0-9]+/g, '-');

function sectionBody({ tables, notes }: Section): Markup {
  return html`${tables.map(({ head, rows }) => htmlTable(head, rows))}
${notes.length > 0 ? html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>` : null}`;
}

function samplesBody({ model, sampling, texts, count, file }: SampleTexts): Markup {
  return html`<h3>${model}</h3>
<p class="note">${sampling}; the first ${texts.length} of ${count} in ${file}.</p>
${texts.map(
  (text) => html`<p class="sample">${text}</p>
`,
)}`;
}

function repetitionBody(commands: readonly string[]): Markup {
  return html`<p class="note">Data sets are known by their names here: see duo-eval datasets list. Same seed, same figure.</p>
<pre>${commands.join('\n')}</pre>
`;
}

/** Speed against quality, and quality against diversity, without which it means little. */
function plotsOf(rows: readonly ResultRow[], ofPage: readonly string[]): Markup[] {
  const judged = rows.filter((row) => row.figures.get('genPpl')?.value);
  const apart = apartOf(judged);
  const plots: Markup[] = [];
  const matched = entropiesMatch(judged);
  const fast = judged.filter((row) => throughputOf(row) !== null);
  if (fast.length > 1) {
    const points = fast.map((row) =>
      pointOf(row, throughputOf(row)!, row.figures.get('tokensPerSecond')?.ci95 ?? null, apart),
    );
    plots.push(
      scatterPlot({
        x: { title: 'tokens a second', scale: 'log' },
        y: { title: 'generative perplexity', scale: 'log' },
        points: points.map((point) => ({ ...point, onFront: matched && onFront(point, points) })),
        ofPage,
        caption: matched
          ? 'Right and down is better. Bars are 95% intervals. Speeds are of the machines that sampled.'
          : 'Right and down is better, but entropies differ by more than 0.1 nats, so no front is drawn: a low perplexity may be dull text.',
      }),
    );
  }
  const diverse = judged.filter((row) => row.figures.get('entropy')?.value);
  if (diverse.length > 1) {
    plots.push(
      scatterPlot({
        x: { title: 'unigram entropy, nats', scale: 'linear' },
        y: { title: 'generative perplexity', scale: 'log' },
        points: diverse.map((row) => {
          const { value, ci95 } = row.figures.get('entropy')!;
          return pointOf(row, value!, ci95, apart);
        }),
        ofPage,
        caption: 'At the same entropy, lower is better. Bars are 95% intervals.',
      }),
    );
  }
  return plots;
}

/** @returns null where fewer than two rows have a place in it */
function frontierPlot(rows: readonly ResultRow[], ofPage: readonly string[]): Markup | null {
  const placed = rows.filter((row) => row.figures.get('genPpl')?.value && throughputOf(row) !== null);
  if (placed.length < 2) return null;
  const apart = apartOf(placed);
  return scatterPlot({
    x: { title: 'tokens a second', scale: 'log' },
    y: { title: 'generative perplexity at one entropy', scale: 'log' },
    points: placed.map((row) => ({
      ...pointOf(row, throughputOf(row)!, null, apart),
      onFront: fieldOf(row, 'pareto') === true,
    })),
    ofPage,
    caption: 'Right and down is better. Bars are 95% intervals.',
  });
}

/** What tells rows apart whose points would have one label. */
function apartOf(rows: readonly ResultRow[]): ReadonlyMap<ResultRow, string> {
  const texts = apartTexts(rows, labelOf, ({ record }) => settingsOf(record));
  return new Map(rows.map((row, i) => [row, texts[i]]));
}

const stepsOf = (row: ResultRow) => numberOf(row, 'samples.sampler.steps') ?? numberOf(row, 'sampler.steps');

const labelOf = (row: ResultRow): string =>
  stepsOf(row) === null ? row.model : `${row.model}, ${stepsOf(row)}`;

const seriesOf = (row: ResultRow): string =>
  fieldOf(row, 'samples.sampler') || fieldOf(row, 'sampler') ? row.model : `${row.model} (real text)`;

function pointOf(
  row: ResultRow,
  x: number,
  xInterval: RowFigure['ci95'],
  apart: ReadonlyMap<ResultRow, string>,
): PlotPoint {
  const perplexity = row.figures.get('genPpl')!;
  const details: [string, string][] = [
    ['drawn by', row.dataset],
    ['with', apart.get(row) ?? ''],
    [
      'perplexity',
      `${valueWithError(perplexity)} ${interval({ ci95: perplexity.ci95 && [...perplexity.ci95], stderr: perplexity.stderr })}`,
    ],
    ['entropy', valueWithError(row.figures.get('entropy') ?? { value: null, stderr: null })],
    ['tokens/s', plain(throughputOf(row))],
    ['model calls', plain(numberOf(row, 'samples.nfe'))],
    ['temperature', plain(numberOf(row, 'samples.temperature'))],
  ];
  return {
    x,
    y: perplexity.value!,
    xInterval,
    yInterval: perplexity.ci95,
    series: seriesOf(row),
    label: labelOf(row),
    details: details.filter(([, value]) => value.trim() !== ''),
    onFront: false,
  };
}

function onFront(point: PlotPoint, points: readonly PlotPoint[]): boolean {
  return !points.some(
    (other) =>
      other !== point && other.x >= point.x && other.y <= point.y && (other.x > point.x || other.y < point.y),
  );
}
