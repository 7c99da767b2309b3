/**
 * Lines over steps: a band for the scatter, lines through it, and marks with intervals on top. Lines beyond an axis are
 * clipped at the frame. Plain SVG, complete without a script; with `PLOT_SCRIPT` marks show their details.
 */
import * as Plot from '@observablehq/plot';
import type { PlotAxis } from './axis.js';
import {
  addText,
  atBothWidths,
  axes,
  colourOf,
  type DrawingSize,
  drawing,
  gatherMarks,
  legendLine,
  legendMark,
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
        Plot.ruleX(shown, {
          ...{ x: 'x', y1: endOf(0), y2: endOf(1) },
          ...{ stroke: colourOf(marks?.series ?? 0), className: 'intervals' },
        }),
        Plot.dot(shown, { x: 'x', y: 'y', r: 3.5, fill: colourOf(marks?.series ?? 0), className: 'shapes' }),
      ],
    },
    (plot) => {
      gatherMarks(plot, shown, ['intervals', 'shapes'], 9);
      for (const { x, label } of places) addText(plot, label, beside(plot.across(x), TOP + 11, size));
      for (const { y, label } of levels)
        addText(plot, label, beside(size.width - MARGIN_RIGHT, plot.up(height(y)) - 5, size));
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

/** A name stands on the side of its place where there is room. */
function beside(x: number, y: number, { width }: DrawingSize): Record<string, string> {
  const before = x > width / 2;
  return {
    ...{ class: 'tick', 'text-anchor': before ? 'end' : 'start' },
    ...{ x: String(before ? x - 5 : x + 5), y: String(y) },
  };
}
