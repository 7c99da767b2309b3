/**
 * Throughput against quality, and plots like it: a mark per configuration with its intervals, and the Pareto front of
 * the configurations. The drawing is plain SVG and complete without a script; with `PLOT_SCRIPT` a
 * mark shows its details when the pointer or the keyboard reaches it.
 */
import * as Plot from '@observablehq/plot';
import {
  type AxisRange,
  addText,
  axes,
  colourOf,
  type Drawn,
  drawing,
  gatherMarks,
  legendLine,
  legendMark,
  MARGIN_BOTTOM,
  MARGIN_LEFT,
  type MarkedPlace,
  PLOT_WIDTH,
  type PlotAxis,
  plotFrame,
  symbolOf,
} from './drawing.js';
import { html, type Markup } from './markup.js';

/** Its label is a short name beside the mark. */
export interface PlotPoint extends MarkedPlace {
  /** 95% intervals; null where there is none. */
  xInterval: readonly [number, number] | null;
  yInterval: readonly [number, number] | null;
  /** Points of one series share colour and shape. */
  series: string;
  onFront: boolean;
}

export interface ScatterPlot {
  x: PlotAxis;
  y: PlotAxis;
  /** Points that are not finite, or not positive on a log axis, cannot be drawn and are left out. */
  points: readonly PlotPoint[];
  caption: string;
  /** Points of a series joined by a line, from left to right; by default they are not. */
  joined?: boolean;
  /** All series of the page, so that each has one colour and shape in all its plots; by default those drawn here. */
  ofPage?: readonly string[];
  /** A place on the x axis to compare at. */
  at?: { x: number; label: string };
}

const HEIGHT = 460;
const TOP = 16;

export function scatterPlot({ x, y, points, caption, joined = false, ofPage, at }: ScatterPlot): Markup {
  const drawn = points.filter((point) => canBeDrawn(point.x, x) && canBeDrawn(point.y, y));
  const left = points.length - drawn.length;
  const series = [...new Set(drawn.map((point) => point.series))];
  const place = (name: string) => (ofPage ?? series).indexOf(name);
  const colour = (point: PlotPoint) => colourOf(place(point.series));
  const front = drawn.filter(({ onFront }) => onFront).sort((a, b) => a.x - b.x);
  const inX = {
    ...x,
    ...rangeOf(x, [...drawn.flatMap((p) => extent(p.x, p.xInterval, x)), ...(at ? [at.x] : [])]),
  };
  const inY = {
    ...y,
    ...rangeOf(
      y,
      drawn.flatMap((p) => extent(p.y, p.yInterval, y)),
    ),
  };
  // Without an interval a bar of no length: bars stay as many as points, and none is seen.
  const barX = (end: 0 | 1) => (point: PlotPoint) => withinAxis(point.xInterval, x)?.[end] ?? point.x;
  const barY = (end: 0 | 1) => (point: PlotPoint) => withinAxis(point.yInterval, y)?.[end] ?? point.y;
  const svg = drawing(
    {
      ...plotFrame(inX, inY, { height: HEIGHT, top: TOP }),
      symbol: { type: 'identity' },
      marks: [
        ...axes(inX, inY),
        Plot.line(front.length > 1 ? front : [], { x: 'x', y: 'y', className: 'front' }),
        Plot.line(joined ? [...drawn].sort((a, b) => a.x - b.x) : [], {
          ...{ x: 'x', y: 'y', z: 'series', stroke: colour },
          className: 'joined',
        }),
        ...(at ? [Plot.ruleX([at.x], { className: 'at' })] : []),
        Plot.ruleY(drawn, { x1: barX(0), x2: barX(1), y: 'y', stroke: colour, className: 'across' }),
        Plot.ruleX(drawn, { y1: barY(0), y2: barY(1), x: 'x', stroke: colour, className: 'up' }),
        // Hollow where no interval says how sure the figure is.
        Plot.dot(drawn, {
          ...{ x: 'x', y: 'y', r: 5, symbol: (point: PlotPoint) => symbolOf(place(point.series)) },
          fill: (point: PlotPoint) => (point.yInterval ? colour(point) : 'var(--paper)'),
          stroke: (point: PlotPoint) => (point.yInterval ? 'var(--paper)' : colour(point)),
          strokeWidth: 1.5,
          className: 'shapes',
        }),
      ],
    },
    (plot) => {
      gatherMarks(plot, drawn, ['across', 'up', 'shapes'], 11);
      addLabels(plot, drawn, at);
    },
  );
  return html`<figure class="plot">
<div class="scroll">${svg}</div>
<ul class="legend">${series.map((name) => html`<li>${legendShape(place(name))}${name}</li>`)}${
    front.length > 1
      ? html`<li>${legendLine({ className: 'front' })}front: no other is better in both</li>`
      : null
  }${
    drawn.some(({ yInterval }) => yInterval === null)
      ? html`<li>${legendMark(Plot.dot([[0, 0]], { r: 5, stroke: 'currentColor', fill: 'var(--paper)' }))}hollow: no 95% interval</li>`
      : null
  }</ul>
<div class="details" hidden></div>
<figcaption>${caption}${left > 0 ? ` ${left} of ${points.length} configurations have no place here: their figures are not known or not positive.` : null}</figcaption>
</figure>`;
}

function legendShape(series: number): Markup {
  const colour = colourOf(series);
  return legendMark(Plot.dot([[0, 0]], { r: 5, symbol: symbolOf(series), fill: colour }));
}

function canBeDrawn(value: number, { scale }: PlotAxis): boolean {
  return Number.isFinite(value) && (scale === 'linear' || value > 0);
}

function extent(value: number, interval: readonly [number, number] | null, axis: PlotAxis): number[] {
  return [value, ...(interval ?? [])].filter((end) => canBeDrawn(end, axis));
}

function withinAxis(interval: readonly [number, number] | null, axis: PlotAxis) {
  return interval?.every((end) => canBeDrawn(end, axis)) ? interval : null;
}

/** The range of all values, with a margin. */
function rangeOf({ scale }: PlotAxis, values: readonly number[]): AxisRange {
  const low = Math.min(...values, ...(values.length === 0 ? [1] : []));
  const high = Math.max(...values, ...(values.length === 0 ? [10] : []));
  if (scale === 'log') return { domain: [low / 1.15, high * 1.15] };
  const room = 0.06 * (high - low || 1);
  return { domain: [low - room, high + room], nice: true };
}

const LABEL_HEIGHT = 14;
const CHARACTER_WIDTH = 6.6;

/** Names beside the marks, those of the front first; one that would cover another is left to the details. */
function addLabels(plot: Drawn, points: readonly PlotPoint[], at: ScatterPlot['at']): void {
  const { across, up } = plot;
  if (at) {
    const place = { x: String(across(at.x) + 5), y: String(TOP + 10) };
    addText(plot, at.label, { class: 'tick', 'text-anchor': 'start', ...place });
  }
  const taken: [number, number, number, number][] = points.map((point) => {
    const [x, y] = [across(point.x), up(point.y)];
    return [x - 6, y - 6, x + 6, y + 6];
  });
  for (const point of [...points].sort((a, b) => Number(b.onFront) - Number(a.onFront))) {
    const [x, y] = [across(point.x), up(point.y)];
    const width = point.label.length * CHARACTER_WIDTH;
    const places = [
      { left: x + 7, anchor: 'start', top: y - LABEL_HEIGHT - 3 },
      { left: x + 9, anchor: 'start', top: y - LABEL_HEIGHT / 2 },
      { left: x - 9 - width, anchor: 'end', top: y - LABEL_HEIGHT / 2 },
      { left: x - width / 2, anchor: 'middle', top: y - 10 - LABEL_HEIGHT },
      { left: x - width / 2, anchor: 'middle', top: y + 10 },
    ];
    const place = places.find(({ left, top }) => {
      const inside =
        left >= MARGIN_LEFT &&
        left + width <= PLOT_WIDTH &&
        top >= 0 &&
        top + LABEL_HEIGHT <= HEIGHT - MARGIN_BOTTOM;
      return (
        inside &&
        taken.every(([l, t, r, b]) => left + width < l || left > r || top + LABEL_HEIGHT < t || top > b)
      );
    });
    if (!place) continue;
    taken.push([place.left, place.top, place.left + width, place.top + LABEL_HEIGHT]);
    const anchored = place.anchor === 'start' ? place.left : place.anchor === 'end' ? place.left + width : x;
    addText(plot, point.label, {
      x: String(anchored),
      y: String(place.top + 11),
      'text-anchor': place.anchor,
    });
  }
}

/** Shows a mark's details beside it. Text only: nothing of a label becomes markup. */
export const PLOT_SCRIPT = `
for (const figure of document.querySelectorAll('figure.plot')) {
  const box = figure.querySelector('.details');
  const show = (mark) => {
    const list = document.createElement('dl');
    for (const [name, value] of JSON.parse(mark.dataset.details)) {
      list.append(Object.assign(document.createElement('dt'), { textContent: name }), Object.assign(document.createElement('dd'), { textContent: value }));
    }
    box.replaceChildren(Object.assign(document.createElement('strong'), { textContent: mark.dataset.label }), list);
    box.hidden = false;
    const frame = figure.getBoundingClientRect();
    const at = mark.querySelector('.shape').getBoundingClientRect();
    box.style.left = Math.max(0, Math.min(at.right - frame.left + 8, frame.width - box.offsetWidth)) + 'px';
    box.style.top = Math.max(0, at.top - frame.top - box.offsetHeight - 4) + 'px';
  };
  for (const mark of figure.querySelectorAll('.mark')) {
    mark.addEventListener('pointerenter', () => show(mark));
    mark.addEventListener('focus', () => show(mark));
    mark.addEventListener('pointerleave', () => { box.hidden = true; });
    mark.addEventListener('blur', () => { box.hidden = true; });
  }
}
`;
