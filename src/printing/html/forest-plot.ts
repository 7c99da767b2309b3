/**
 * A forest plot: differences with their 95% intervals below each other, and a line at 0. What holds 0, and may be chance, is grey,
 * dashed and marked ~, so that it is told apart without colour, too. Names stand above their intervals: they fit at any width.
 */
import * as Plot from '@observablehq/plot';
import { plainText, truncateMiddle } from '../../terminal-text.js';
import type { Heading } from '../columns.js';
import { intervalOf, valueWithError } from '../numbers.js';
import type { PlotAxis } from './axis.js';
import {
  addText,
  atBothWidths,
  axes,
  CHARACTER,
  colourOf,
  type DrawingSize,
  drawing,
  gatherMarks,
  legendLine,
  NARROW_WIDTH,
  plotFrame,
  WIDE_WIDTH,
} from './drawing.js';
import { htmlTable } from './html-table.js';
import { html, type Markup } from './markup.js';

export interface ForestRow {
  /** What is subtracted from what: `duo − mdlm`. */
  pair: string;
  /** On which data set, with which settings. */
  place: string;
  value: number;
  stderr: number | null;
  ci95: readonly [number, number] | null;
  /** `38 pairs`, or `intervals`. */
  judgedBy: string;
}

export interface ForestPlot {
  /** With its unit: `nats/token`. */
  figure: string;
  /** From top to bottom. */
  rows: readonly ForestRow[];
}

/** More rows than these stand in the table alone. */
const MOST_ROWS = 60;
const ROW_HEIGHT = 36;
const TOP = 8;
const BOTTOM = 52;
const MARGIN = 12;

const mayBeChance = ({ ci95 }: ForestRow): boolean => ci95 !== null && ci95[0] <= 0 && ci95[1] >= 0;
const isSure = ({ ci95 }: ForestRow): boolean => ci95 !== null && (ci95[0] > 0 || ci95[1] < 0);

export function forestPlot({ figure, rows }: ForestPlot): Markup {
  const drawable = rows.filter(({ value }) => Number.isFinite(value));
  const shown = drawable.slice(0, MOST_ROWS);
  const height = TOP + ROW_HEIGHT * shown.length + BOTTOM;
  const legend: [boolean, Markup][] = [
    [shown.some(isSure), html`<li>${legendLine(SURE)}the interval leaves out 0</li>`],
    [shown.some(mayBeChance), html`<li>${legendLine(CHANCE)}~ it holds 0: may be chance</li>`],
    [shown.some(({ ci95 }) => ci95 === null), html`<li>? hollow: no interval</li>`],
  ];
  return html`<figure class="plot forest">
${atBothWidths({ width: WIDE_WIDTH, height }, { width: NARROW_WIDTH, height }, (size) => drawn(figure, shown, size))}
<ul class="legend">${legend.flatMap(([is, entry]) => (is ? [entry] : []))}</ul>
<div class="details" hidden></div>
<figcaption>Differences of ${figure}, first minus second: left of the line at 0 the first has less of it. Lines are 95% intervals, each for itself.${
    shown.length < drawable.length
      ? ` The first ${shown.length} of ${drawable.length} are drawn; the table has all.`
      : null
  }</figcaption>
${figuresOf(figure, rows)}
</figure>`;
}

const SURE = { stroke: colourOf(0), strokeWidth: 3 };
const CHANCE = { stroke: 'var(--soft)', strokeWidth: 1.5, strokeDasharray: '3 3' };

function drawn(figure: string, rows: readonly ForestRow[], size: DrawingSize): Markup {
  const x: PlotAxis = { title: `difference of ${figure}`, scale: 'linear' };
  const ends = [0, ...rows.flatMap(({ value, ci95 }) => [value, ...(ci95 ?? [])])].filter(Number.isFinite);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = 0.04 * (high - low || 1);
  const inX = { ...x, domain: [low - room, high + room] as const };
  const inY = { title: '', scale: 'linear' as const, domain: [rows.length, 0] as const };
  const points = rows.map((row, i) => ({ ...row, at: i + 0.74 }));
  const of = (is: (row: ForestRow) => boolean) => points.filter(is);
  const interval = {
    x1: ({ ci95 }: ForestRow) => ci95?.[0],
    x2: ({ ci95 }: ForestRow) => ci95?.[1],
    y: 'at',
  };
  const [grid, , below, , line] = axes(inX, inY, size);
  return drawing(
    {
      ...plotFrame(inX, inY, { ...size, top: TOP }),
      ...{ marginLeft: MARGIN, marginRight: MARGIN, marginBottom: BOTTOM },
      marks: [
        ...[grid, below, line],
        Plot.ruleX([0], { className: 'zero' }),
        Plot.ruleY(of(isSure), { ...interval, ...SURE, className: 'sure' }),
        Plot.ruleY(of(mayBeChance), { ...interval, ...CHANCE, className: 'chance' }),
        Plot.dot(points, {
          ...{ x: 'value', y: 'at', r: 4.5, strokeWidth: 1.8, className: 'shapes' },
          // Hollow where there is no interval, as in every plot.
          fill: (row: ForestRow) =>
            isSure(row) ? colourOf(0) : mayBeChance(row) ? 'var(--soft)' : 'var(--paper)',
          stroke: (row: ForestRow) => (isSure(row) ? colourOf(0) : 'var(--soft)'),
        }),
      ],
    },
    (plot) => {
      const marks = points.map((row) => ({
        ...{ x: row.value, y: row.at, label: nameOf(row) },
        details: [
          [figure, valueWithError(row)],
          ['95% interval', intervalOf(row) || 'none'],
          ['judged by', row.judgedBy],
        ] as const,
      }));
      gatherMarks(plot, marks, ['shapes'], 11);
      const most = Math.floor((size.width - 2 * MARGIN) / CHARACTER);
      for (const [i, row] of rows.entries()) {
        const place = { x: String(MARGIN), y: String(plot.up(i + 0.36)), 'text-anchor': 'start' };
        addText(plot, truncateMiddle(nameOf(row), most), { class: 'name', ...place });
      }
    },
  );
}

const markOfRow = (row: ForestRow) => (row.ci95 === null ? '? ' : mayBeChance(row) ? '~ ' : '');
const nameOf = (row: ForestRow): string =>
  plainText(`${markOfRow(row)}${row.pair}${row.place === '' ? '' : `, ${row.place}`}`);

function figuresOf(figure: string, rows: readonly ForestRow[]): Markup {
  const head: Heading[] = [
    ['', 'left'],
    ['first − second', 'left'],
    ['on', 'left'],
    [`difference of ${figure}`, 'right'],
    ['95% interval', 'right'],
    ['judged by', 'left'],
  ];
  return html`<details class="figures"><summary>Figures of this plot</summary>
${htmlTable(
  head,
  rows.map((row) => [
    markOfRow(row).trim(),
    plainText(row.pair),
    plainText(row.place),
    valueWithError(row),
    intervalOf(row),
    row.judgedBy,
  ]),
)}</details>`;
}
