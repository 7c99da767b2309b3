/** Differences between the rows of two files: for a terminal, as markdown, as CSV and as JSON. */

import type { Cell, Heading } from '../printing/columns.js';
import { csvTable } from '../printing/csv.js';
import type { Format, Screen } from '../printing/formats.js';
import { type ForestPlot, forestPlot } from '../printing/html/forest-plot.js';
import { htmlTable } from '../printing/html/html-table.js';
import { html } from '../printing/html/markup.js';
import { htmlPage } from '../printing/html/page.js';
import { PLOT_SCRIPT } from '../printing/html/scatter-plot.js';
import { formatJson } from '../printing/json.js';
import { dim, type FittedColumn, fittedTable, hasRoom } from '../printing/layout.js';
import { errorUnits, markOf } from '../printing/notes.js';
import { intervalOf, plain, valueWithError } from '../printing/numbers.js';
import { escapeMarkup, pipeTable } from '../printing/pipe-table.js';
import type { TextSampling } from '../records/figures.js';
import { SCHEMA_VERSION } from '../records/record.js';
import { plainText, wrap } from '../terminal-text.js';
import type { NamedDifference } from './compared-rows.js';
import { isSignificant } from './difference.js';

const TITLES = ['', 'models', 'data set', 'with', 'figure', 'difference', '95% interval', 'judged by'];
/** How columns shrink on a narrow screen. */
const NARROW: Readonly<Record<string, Partial<FittedColumn>>> = {
  models: { wraps: true, least: 15 },
  'data set': { wraps: true, least: 12 },
  with: { wraps: true },
  figure: { wraps: true, least: 10 },
  'judged by': { optional: true },
};
const RIGHT = new Set(['difference', '95% interval']);

export function formatDifferences(
  differences: readonly NamedDifference[],
  format: Format,
  screen: Screen = { width: 100, color: false },
): string {
  switch (format) {
    case 'json':
      return formatJson({ schemaVersion: SCHEMA_VERSION, comparisons: differences.map(comparisonOf) });
    case 'csv':
      return csvOf(differences);
    case 'html':
      return htmlPage({
        title: 'Differences',
        lead: 'The first model or file minus the second.',
        body: html`${forestsOf(differences).map((forest) => html`<h2>${forest.figure}</h2>${forestPlot(forest)}`)}
<h2>All differences</h2>
${htmlTable(headOf(differences), rowsOf(differences))}
<ul class="note">${notesOf(differences).map((note) => html`<li>${note}</li>`)}</ul>`,
        script: PLOT_SCRIPT,
      });
    case 'markdown':
      return `${pipeTable(headOf(differences), rowsOf(differences))}\n\n${notesOf(differences)
        .map((note) => `- ${escapeMarkup(note)}`)
        .join('\n')}\n`;
    case 'table':
      return tableOf(differences, screen);
    default:
      throw new TypeError(`No printer for ${format satisfies never}`);
  }
}

/** A forest per figure and unit, with the rows that have a difference. */
export function forestsOf(differences: readonly NamedDifference[]): ForestPlot[] {
  const known = differences.filter(({ value }) => value !== null);
  return [...new Set(known.map(({ metricName }) => metricName))].map((figure) => ({
    figure,
    rows: known
      .filter(({ metricName }) => metricName === figure)
      .map((one) => ({
        pair: pairOf(one),
        place: [one.dataset, one.apart].filter(Boolean).join(', '),
        // `known` leaves out null
        value: one.value!,
        stderr: one.stderr,
        ci95: one.ci95,
        judgedBy: judgedBy(one),
      })),
  }));
}

/** What is subtracted from what; of one model in two files, the files. */
export function pairOf({ modelA, modelB, fileA, fileB }: NamedDifference): string {
  if (modelA !== modelB) return plainText(`${modelA} − ${modelB}`);
  return plainText(fileA === fileB ? modelA : `${modelA}: ${fileA} − ${fileB}`);
}

export const judgedBy = ({ method, sequences }: NamedDifference): string =>
  method === 'paired' ? (sequences === null ? 'pairs' : `${sequences} pairs`) : 'intervals';

/** The column of settings appears only if some row has any. */
const titlesOf = (differences: readonly NamedDifference[]) =>
  TITLES.filter((title) => title !== 'with' || differences.some(({ apart }) => apart));

function headOf(differences: readonly NamedDifference[]): Heading[] {
  return titlesOf(differences).map((title) => [title, RIGHT.has(title) ? 'right' : 'left']);
}

function rowsOf(differences: readonly NamedDifference[]): string[][] {
  const shown = new Set(titlesOf(differences));
  return differences.map((one) => cellsOf(one).filter((_, i) => shown.has(TITLES[i])));
}

function cellsOf(one: NamedDifference): string[] {
  return [
    markOf({ significant: isSignificant(one) }),
    plainText(one.modelA === one.modelB ? one.modelA : `${one.modelA} − ${one.modelB}`),
    plainText(one.dataset),
    one.apart ?? '',
    one.metricName,
    valueWithError(one),
    intervalOf(one),
    judgedBy(one),
  ];
}

/** If the column of settings leaves no room for whole words, the settings go below the data set. */
function tableOf(differences: readonly NamedDifference[], screen: Screen): string {
  const wide = columnsOf(differences);
  const beneath = differences.map((one) => ({
    ...one,
    dataset: [one.dataset, one.apart].filter(Boolean).join(', '),
    apart: '',
  }));
  const shown = hasRoom(wide, rowsOf(differences), screen.width) ? differences : beneath;
  const notes = notesOf(differences).flatMap((note) => wrap(note, screen.width));
  const dimmed = notes.map((line) => (screen.color ? dim(line) : line));
  return `${fittedTable(columnsOf(shown), rowsOf(shown), screen)}\n\n${dimmed.join('\n')}\n`;
}

const columnsOf = (differences: readonly NamedDifference[]) =>
  headOf(differences).map(([title, align]): FittedColumn => ({ title, align, ...NARROW[title] }));

function notesOf(differences: readonly NamedDifference[]): string[] {
  const files = new Set(
    differences.map(({ fileA, fileB }) => `${plainText(fileA)} minus ${plainText(fileB)}`),
  );
  const notes = [
    `${[...files].join('; ')}. ± is the standard error of the difference${overUnits(differences)}.`,
  ];
  if (differences.some((one) => isSignificant(one) === false))
    notes.push('~ marks a difference whose 95% interval holds 0.');
  if (differences.some((one) => isSignificant(one) === null))
    notes.push('? marks a difference without an interval: whether it is chance is not known.');
  for (const file of new Set(differences.flatMap(({ earlier }) => earlier ?? [])))
    notes.push(
      `The intervals in ${plainText(file)} itself are of an earlier duo-eval and narrower than they should be; pairs are computed anew here.`,
    );
  const reasons = differences
    .filter(({ method }) => method === 'intervals')
    .flatMap(({ unpaired }) => unpaired ?? []);
  for (const reason of new Set(reasons))
    notes.push(`"intervals": ${reason}, so the two count as independent.`);
  const ratios = differences.flatMap(({ metric, value }) =>
    (metric === 'nll' || metric === 'genNll') && value !== null ? [Math.exp(value)] : [],
  );
  if (ratios.length > 0)
    notes.push(`exp(difference) is the ratio of perplexities, here ${ratios.map(plain).join(', ')}.`);
  return notes;
}

/** `, over 19 documents`: the units of an interval over text. */
function overUnits(differences: readonly NamedDifference[]): string {
  const units = new Set(differences.filter(({ unit }) => unit).map((one) => errorUnits(one)));
  return units.size === 0 ? '' : `, over ${[...units].join('; ')}`;
}

/** An entry of `comparisons` in a results file, with further fields. */
export function comparisonOf(one: NamedDifference): object {
  const { modelA, modelB, fileA, fileB, dataset, value, stderr, ci95, metric, method, sequences, a, b } = one;
  return {
    a: modelA,
    b: modelB,
    dataset,
    deltaNll: metric === 'textNll' || metric === 'nll' ? value : null,
    stderr,
    ci95,
    significant: isSignificant(one),
    eval: one.eval,
    metric,
    difference: value,
    valueA: a,
    valueB: b,
    method,
    sequences,
    ...samplingOf(one),
    fileA,
    fileB,
    settingsA: one.settingsA ?? {},
    settingsB: one.settingsB ?? {},
  };
}

/** For an interval over units of text. */
const samplingOf = ({
  unit,
  units,
  effectiveUnits,
  blockLength,
  designEffect,
}: NamedDifference): TextSampling =>
  unit === undefined ? {} : { unit, units, effectiveUnits, blockLength, designEffect };

const CSV_HEADER = [
  'eval',
  'a',
  'b',
  'dataset',
  'metric',
  'value_a',
  'value_b',
  'difference',
  'stderr',
  'ci95_low',
  'ci95_high',
  'significant',
  'method',
  'sequences',
  'file_a',
  'file_b',
  'seed_a',
  'seed_b',
  'settings_a',
  'settings_b',
  'unit',
  'units',
  'block_length',
  'design_effect',
];

const jsonOf = (settings: NamedDifference['settingsA']) => settings && JSON.stringify(settings);

function csvOf(differences: readonly NamedDifference[]): string {
  const rows = differences.map((one) => [
    one.eval,
    one.modelA,
    one.modelB,
    one.dataset,
    one.metric,
    one.a,
    one.b,
    one.value,
    one.stderr,
    one.ci95?.[0],
    one.ci95?.[1],
    isSignificant(one) === null ? null : String(isSignificant(one)),
    one.method,
    one.sequences,
    one.fileA,
    one.fileB,
    one.settingsA?.seed as Cell,
    one.settingsB?.seed as Cell,
    jsonOf(one.settingsA),
    jsonOf(one.settingsB),
    one.unit,
    one.units,
    one.blockLength,
    one.designEffect,
  ]);
  return csvTable([CSV_HEADER, ...rows]);
}
