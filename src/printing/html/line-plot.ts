/**
 * Lines over steps: a band for the scatter, lines through it, and marks with intervals on top. Lines beyond an axis are
 * clipped at the frame. Plain SVG, complete without a script; with `PLOT_SCRIPT` marks show their details.
 */
import * as Plot from '@observablehq/plot';
import { wrap } from '../../terminal-text.js';
import type { PlotAxis } from './axis.js';
import {
  addText,
  atBothWidths,
  axes,
  CHARACTER,
  colourOf,
  type DrawingSize,
  type Drawn,
  drawing,
  gatherMarks,
  legendLine,
  legendMark,
  MARGIN_LEFT,
  MARGIN_RIGHT,
  type MarkedPlace,
  NARROW_WIDTH,
  plotFrame,
  WIDE_WIDTH,
} from './drawing.js';
import { html, type Markup } from './markup.js';

export interface LinePoint {
  x: number;
  y: number;
}

export interface PlotLine {
  label: string;
  /** From left to right. */
  points: readonly LinePoint[];
  /** Drawn faintly, behind the other lines. */
  faint?: boolean;
  /** Number of the colour. */
  series: number;
}

export interface PlotBand {
  label: string;
  /** From left to right, y between low and high. */
  points: readonly { x: number; low: number; high: number }[];
  series: number;
}

export interface MarkedPoint extends MarkedPlace {
  interval: readonly [number, number];
}

export interface PlotMarks {
  label: string;
  points: readonly MarkedPoint[];
  series: number;
}

export interface LinePlot {
  x: PlotAxis & { range: readonly [number, number] };
  y: PlotAxis & { range: readonly [number, number] };
  /** Drawn first, below all else. */
  band?: PlotBand | null;
  lines: readonly PlotLine[];
  marks?: PlotMarks | null;
  /** Places on the x axis, and heights, that mean something. */
  places?: readonly { x: number; label: string }[];
  levels?: readonly { y: number; label: string }[];
  caption: string;
}

const WIDE: DrawingSize = { width: WIDE_WIDTH, height: 340 };
const NARROW: DrawingSize = { width: NARROW_WIDTH, height: 300 };
const TOP = 22;

export function linePlot(plot: LinePlot): Markup {
  const { band, lines, marks, caption } = plot;
  return html`<figure class="plot">
${atBothWidths(WIDE, NARROW, (size) => drawn(plot, size))}
<ul class="legend">${lines.map(({ label, faint, series }) => html`<li>${legendLine({ stroke: colourOf(series), ...strengthOf(faint) })}${label}</li>`)}${
    band ? html`<li>${legendBand(band.series)}${band.label}</li>` : null
  }${
    marks && marks.points.length > 0
      ? html`<li>${legendMark(Plot.dot([[0, 0]], { r: 4, fill: colourOf(marks.series) }))}${marks.label}</li>`
      : null
  }</ul>
<div class="details" hidden></div>
<figcaption>${caption}</figcaption>
</figure>`;
}

function drawn({ x, y, band, lines, marks, places = [], levels = [] }: LinePlot, size: DrawingSize): Markup {
  const inX = { ...x, domain: x.range };
  const inY = { ...y, domain: y.range, nice: y.scale === 'linear' };
  // A log axis has no place for 0: far below the frame is where it is cut off.
  const height = (value: number) => (y.scale === 'log' && value <= 0 ? y.range[0] / 1e3 : value);
  const clip = true;
  const endOf = (end: 0 | 1) => (point: MarkedPoint) =>
    Math.min(y.range[1], Math.max(y.range[0], point.interval[end]));
  const shown = (marks?.points ?? []).filter((point) => point.y >= y.range[0] && point.y <= y.range[1]);
  return drawing(
    {
      ...plotFrame(inX, inY, { ...size, top: TOP }),
      marks: [
        ...axes(inX, inY, size),
        ...(band
          ? [
              Plot.areaY(band.points, {
                ...{ x: 'x', y1: (point) => height(point.low), y2: (point) => height(point.high) },
                ...{ fill: colourOf(band.series), fillOpacity: 0.22, clip, className: 'band' },
              }),
            ]
          : []),
        Plot.ruleY(levels, { y: (level) => height(level.y), clip, className: 'at' }),
        ...lines.map(({ points, faint, series }) =>
          Plot.line(points, {
            ...{
              x: 'x',
              y: (point) => height(point.y),
              stroke: colourOf(series),
              clip,
              strokeLinecap: 'round',
              className: 'line',
            },
            ...{ strokeWidth: 1, ...strengthOf(faint) },
          }),
        ),
        ...(marks && marks.points.length > 1
          ? [
              Plot.line(marks.points, {
                ...{ x: 'x', y: (point) => height(point.y), stroke: colourOf(marks.series) },
                ...{ strokeWidth: 1, clip, className: 'line' },
              }),
            ]
          : []),
        Plot.ruleX(places, { x: 'x', className: 'at' }),
        // Colours are functions: each mark has its own, and keeps it where marks are gathered.
        Plot.ruleX(shown, {
          ...{ x: 'x', y1: endOf(0), y2: endOf(1) },
          ...{ stroke: () => colourOf(marks?.series ?? 0), className: 'intervals' },
        }),
        Plot.dot(shown, {
          ...{ x: 'x', y: 'y', r: 3.5, fill: () => colourOf(marks?.series ?? 0) },
          className: 'shapes',
        }),
      ],
    },
    (plot) => {
      gatherMarks(plot, shown, ['intervals', 'shapes'], 9);
      const taken: Box[] = [];
      for (const { y, label } of levels) {
        const top = plot.up(height(y)) - 5 - TEXT_UP;
        addBeside(plot, label, { x: size.width - MARGIN_RIGHT, top, taken, size });
      }
      for (const { x, label } of places) addBeside(plot, label, { x: plot.across(x), top: TOP, taken, size });
    },
  );
}

const strengthOf = (faint = false) => (faint ? { strokeOpacity: 0.4 } : { strokeWidth: 2 });

function legendBand(series: number): Markup {
  const box = { x1: -7, x2: 7, y1: -5, y2: 5 };
  return legendMark(
    Plot.rect([box], {
      ...{ x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2' },
      ...{ fill: colourOf(series), fillOpacity: 0.22 },
    }),
  );
}

type Box = readonly [left: number, top: number, right: number, bottom: number];

const LINE = 14;
/** From the top of a line of text to its foot. */
const TEXT_UP = 11;

/** A name stands on the side of its place where there is more room, in lines that fit there, below what is there already. */
function addBeside(
  plot: Drawn,
  label: string,
  { x, top, taken, size: { width } }: { x: number; top: number; taken: Box[]; size: DrawingSize },
): void {
  const [before, after] = [x - MARGIN_LEFT - 5, width - x - 5];
  const isBefore = before > after;
  const lines = wrap(label, Math.max(8, Math.floor((isBefore ? before : after) / CHARACTER)));
  const wide = Math.max(...lines.map((line) => line.length)) * CHARACTER;
  const [left, right] = isBefore ? [x - 5 - wide, x - 5] : [x + 5, x + 5 + wide];
  const high = LINE * lines.length;
  let from = top;
  for (const below of [...taken].sort((a, b) => a[1] - b[1]))
    if (left < below[2] && below[0] < right && from < below[3] && below[1] < from + high) from = below[3];
  taken.push([left, from, right, from + high]);
  for (const [i, line] of lines.entries()) {
    addText(plot, line, {
      ...{ class: 'tick', 'text-anchor': isBefore ? 'end' : 'start' },
      ...{ x: String(isBefore ? x - 5 : x + 5), y: String(from + TEXT_UP + LINE * i) },
    });
  }
}
