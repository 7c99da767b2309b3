/**
 * Throughput against quality, and plots like it: a mark per configuration with its intervals, and the Pareto front of
 * the configurations. The drawing is plain SVG and complete without a script; with `PLOT_SCRIPT` a
 * mark shows its details when the pointer or the keyboard reaches it.
 */
import * as Plot from '@observablehq/plot';
import { plainText } from '../../terminal-text.js';
import type { Heading } from '../columns.js';
import { plain } from '../numbers.js';
import { canBeDrawn, type PlotAxis, panelsOf, withinAxis } from './axis.js';
import {
  type AxisRange,
  addText,
  atBothWidths,
  axes,
  type DrawingSize,
  type Drawn,
  drawing,
  gatherMarks,
  legendLine,
  legendMark,
  lookOf,
  MARGIN_BOTTOM,
  MARGIN_LEFT,
  type MarkedPlace,
  NARROW_WIDTH,
  plotFrame,
  WIDE_WIDTH,
} from './drawing.js';
import { htmlTable } from './html-table.js';
import { html, type Markup } from './markup.js';

/** Its label is a short name beside the mark. */
export interface PlotPoint extends MarkedPlace {
  /** 95% intervals; null where there is none. */
  xInterval: readonly [number, number] | null;
  yInterval: readonly [number, number] | null;
  /** Points of one series share colour and shape. */
  series: string;
  /** What its colour and its shape stand for, such as its model and its sampler; by default the series stands for both. */
  kind?: readonly [colour: string, shape: string];
  onFront: boolean;
  /** The panel that it stands in. Points of several are drawn side by side, on the same axes. */
  panel?: string;
}

export interface ScatterPlot {
  x: PlotAxis;
  y: PlotAxis;
  /** Points that are not finite, or not positive on a log axis, cannot be drawn and are left out. */
  points: readonly PlotPoint[];
  caption: string;
  /** What colours, shapes and lines mean, after the caption of a drawing. */
  key?: string;
  /** Points of a series are joined by a line, in their order; by default they are not. */
  joined?: boolean;
  /** A place on the x axis to compare at. */
  at?: { x: number; label: string };
}

/** What colours and shapes stand for on a page, so that they mean the same in all its plots. */
export interface PlotKinds {
  colours: readonly string[];
  shapes: readonly string[];
}

const kindOf = ({ kind, series }: PlotPoint): readonly [string, string] => kind ?? [series, series];

export function kindsOf(plots: readonly ScatterPlot[]): PlotKinds {
  const kinds = plots.flatMap(({ points }) => points.map(kindOf));
  const [colours, shapes] = [0, 1].map((at) => [...new Set(kinds.map((kind) => kind[at]))]);
  return { colours, shapes };
}

const WIDE: DrawingSize = { width: WIDE_WIDTH, height: 460 };
const NARROW: DrawingSize = { width: NARROW_WIDTH, height: 480 };
const TOP = 16;

/** @param kinds of the page; by default those of this plot */
export function scatterPlot(plot: ScatterPlot, kinds: PlotKinds = kindsOf([plot])): Markup {
  const { x, y, points, caption, key, at } = plot;
  const drawn = points.filter((point) => canBeDrawn(point.x, x) && canBeDrawn(point.y, y));
  const left = points.length - drawn.length;
  const look = (point: PlotPoint) => {
    const [colour, shape] = kindOf(point);
    return lookOf(kinds.colours.indexOf(colour), kinds.shapes.indexOf(shape));
  };
  const ends = (of: (point: PlotPoint) => number[]) => drawn.flatMap(of);
  const scene = {
    ...{ plot, look },
    x: { ...x, ...rangeOf(x, [...ends((p) => extent(p.x, p.xInterval, x)), ...(at ? [at.x] : [])]) },
    y: {
      ...y,
      ...rangeOf(
        y,
        ends((p) => extent(p.y, p.yInterval, y)),
      ),
    },
  };
  const panels = panelsOf(drawn).map((name) => ({ name, own: drawn.filter(({ panel }) => panel === name) }));
  const drawings =
    panels.length > 1
      ? html`<div class="panels">${panels.map(
          ({ name, own }) => html`<div><h4>${name}</h4>${drawnPoints(scene, own, NARROW)}</div>
`,
        )}</div>`
      : atBothWidths(WIDE, NARROW, (size) => drawnPoints(scene, drawn, size));
  const series = new Map(drawn.map((point) => [point.series, point]));
  const hasFront = panels.some(({ own }) => frontOf(own).length > 1);
  return html`<figure class="plot">
${drawings}
<ul class="legend">${[...series].map(([name, point]) => html`<li>${legendShape(look(point))}${name}</li>`)}${
    hasFront ? html`<li>${legendLine({ className: 'front' })}front: no other is better in both</li>` : null
  }${
    drawn.some(({ yInterval }) => yInterval === null)
      ? html`<li>${legendMark(Plot.dot([[0, 0]], { r: 5, stroke: 'currentColor', fill: 'var(--paper)' }))}hollow: no 95% interval</li>`
      : null
  }</ul>
<div class="details" hidden></div>
<figcaption>${caption}${key === undefined ? null : ` ${key}`}${left > 0 ? ` ${left} of ${points.length} configurations have no place here: their figures are not known or not positive.` : null}</figcaption>
${figuresOf(plot)}
</figure>`;
}

interface Scene {
  plot: ScatterPlot;
  /** With the ranges of all panels. */
  x: PlotAxis & AxisRange;
  y: PlotAxis & AxisRange;
  look(point: PlotPoint): ReturnType<typeof lookOf>;
}

const frontOf = (points: readonly PlotPoint[]) =>
  points.filter(({ onFront }) => onFront).sort((a, b) => a.x - b.x);

function drawnPoints({ plot, look, x, y }: Scene, points: readonly PlotPoint[], size: DrawingSize): Markup {
  const { joined = false, at } = plot;
  const front = frontOf(points);
  const colour = (point: PlotPoint) => look(point).colour;
  // Without an interval a bar of no length: bars stay as many as points, and none is seen.
  const barX = (end: 0 | 1) => (point: PlotPoint) => withinAxis(point.xInterval, x)?.[end] ?? point.x;
  const barY = (end: 0 | 1) => (point: PlotPoint) => withinAxis(point.yInterval, y)?.[end] ?? point.y;
  return drawing(
    {
      ...plotFrame(x, y, { ...size, top: TOP }),
      symbol: { type: 'identity' },
      marks: [
        ...axes(x, y, size),
        Plot.line(front.length > 1 ? front : [], { x: 'x', y: 'y', className: 'front' }),
        Plot.line(joined ? points : [], {
          ...{ x: 'x', y: 'y', z: 'series', stroke: colour },
          className: 'joined',
        }),
        ...(at ? [Plot.ruleX([at.x], { className: 'at' })] : []),
        Plot.ruleY(points, { x1: barX(0), x2: barX(1), y: 'y', stroke: colour, className: 'across' }),
        Plot.ruleX(points, { y1: barY(0), y2: barY(1), x: 'x', stroke: colour, className: 'up' }),
        // Hollow where no interval says how sure the figure is.
        Plot.dot(points, {
          ...{ x: 'x', y: 'y', r: 5, symbol: (point: PlotPoint) => look(point).symbol },
          fill: (point: PlotPoint) => (point.yInterval ? colour(point) : 'var(--paper)'),
          stroke: (point: PlotPoint) => (point.yInterval ? 'var(--paper)' : colour(point)),
          strokeWidth: 1.5,
          className: 'shapes',
        }),
      ],
    },
    (drawn) => {
      gatherMarks(drawn, points, ['across', 'up', 'shapes'], 11);
      addLabels(drawn, points, { at, joined, size });
    },
  );
}

/** All that is drawn, as a table: for screen readers, and for whoever wants the numbers. */
function figuresOf({ x, y, points }: ScatterPlot): Markup {
  const bracket = (interval: PlotPoint['xInterval']) =>
    interval ? `[${interval.map(plain).join(', ')}]` : '';
  const columns: [Heading, (point: PlotPoint) => string][] = [
    [['series', 'left'], ({ series }) => plainText(series)],
    [['point', 'left'], ({ label }) => plainText(label)],
    [['panel', 'left'], ({ panel }) => panel ?? ''],
    [[x.title, 'right'], (point) => (Number.isFinite(point.x) ? plain(point.x) : '')],
    [['95% interval', 'right'], ({ xInterval }) => bracket(xInterval)],
    [[y.title, 'right'], (point) => (Number.isFinite(point.y) ? plain(point.y) : '')],
    [['95% interval', 'right'], ({ yInterval }) => bracket(yInterval)],
  ];
  const known = columns.filter(([, cell]) => points.some((point) => cell(point) !== ''));
  return html`<details class="figures"><summary>Figures of this plot</summary>
${htmlTable(
  known.map(([heading]) => heading),
  points.map((point) => known.map(([, cell]) => cell(point))),
)}</details>`;
}

function legendShape({ colour, symbol }: ReturnType<typeof lookOf>): Markup {
  return legendMark(Plot.dot([[0, 0]], { r: 5, symbol, fill: colour }));
}

function extent(value: number, interval: readonly [number, number] | null, axis: PlotAxis): number[] {
  return [value, ...(interval ?? [])].filter((end) => canBeDrawn(end, axis));
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

type Box = readonly [left: number, top: number, right: number, bottom: number];

/** Where a label may stand: beside its mark, or further off, at the end of a thin line. */
interface Place {
  left: number;
  top: number;
  isFar: boolean;
}

/** Distances of far places, in the units of the drawing, and how many directions are tried at each. */
const RINGS = [26, 42, 60, 82, 108, 138, 170, 210, 260];
const DIRECTIONS = 24;

/**
 * Names beside the marks. Where points of a series are joined, its name stands at its first point, and the others have their own short
 * labels. A name that has no room beside its mark stands further off, at the end of a line; a short label is then left to the details.
 * No two labels overlap, and none covers a mark.
 */
function addLabels(
  plot: Drawn,
  points: readonly PlotPoint[],
  { at, joined, size }: Pick<ScatterPlot, 'at' | 'joined'> & { size: DrawingSize },
): void {
  const { across, up } = plot;
  if (at) {
    const place = { x: String(across(at.x) + 5), y: String(TOP + 10) };
    addText(plot, at.label, { class: 'tick', 'text-anchor': 'start', ...place });
  }
  const taken: Box[] = points.map((point) => {
    const [x, y] = [across(point.x), up(point.y)];
    return [x - 6, y - 6, x + 6, y + 6];
  });
  const firstOf = new Map<string, PlotPoint>();
  for (const point of points) {
    const first = firstOf.get(point.series);
    if (!first || point.x < first.x) firstOf.set(point.series, point);
  }
  const isName = (point: PlotPoint) => !joined || firstOf.get(point.series) === point;
  const nameOf = ({ series, label }: PlotPoint) =>
    size.width > NARROW_WIDTH && label !== '' ? `${series}, ${label}` : series;
  const order = [...points].sort(
    (a, b) => Number(isName(b)) - Number(isName(a)) || Number(b.onFront) - Number(a.onFront),
  );
  for (const point of order) {
    const label = joined && isName(point) ? nameOf(point) : point.label;
    if (label === '') continue;
    const width = label.length * CHARACTER_WIDTH;
    const [x, y] = [across(point.x), up(point.y)];
    const isFree = ({ left, top }: Place) =>
      left >= MARGIN_LEFT &&
      left + width <= size.width &&
      top >= 0 &&
      top + LABEL_HEIGHT <= size.height - MARGIN_BOTTOM &&
      taken.every(([l, t, r, b]) => left + width < l || left > r || top + LABEL_HEIGHT < t || top > b);
    const near = placesBeside(x, y, width).find(isFree);
    const place = near ?? (isName(point) ? placesAround(x, y, width).find(isFree) : undefined);
    if (!place) continue;
    const { left, top, isFar } = place;
    taken.push([left, top, left + width, top + LABEL_HEIGHT]);
    if (isFar) {
      const endX = Math.min(Math.max(x, left), left + width);
      const endY = y < top ? top : y > top + LABEL_HEIGHT ? top + LABEL_HEIGHT : top + LABEL_HEIGHT / 2;
      const ends = { x1: String(x), y1: String(y), x2: String(endX), y2: String(endY) };
      plot.svg.append(plot.element('line', { ...ends, class: 'leader' }));
    }
    addText(plot, label, { x: String(left), y: String(top + 11), 'text-anchor': 'start' });
  }
}

function placesBeside(x: number, y: number, width: number): Place[] {
  const places: [left: number, top: number][] = [
    [x + 7, y - LABEL_HEIGHT - 3],
    [x + 9, y - LABEL_HEIGHT / 2],
    [x - 9 - width, y - LABEL_HEIGHT / 2],
    [x - width / 2, y - 10 - LABEL_HEIGHT],
    [x - width / 2, y + 10],
  ];
  return places.map(([left, top]) => ({ left, top, isFar: false }));
}

/** Nearest first. */
function placesAround(x: number, y: number, width: number): Place[] {
  return RINGS.flatMap((distance) =>
    Array.from({ length: DIRECTIONS }, (_, i) => {
      const angle = (2 * Math.PI * i) / DIRECTIONS;
      const [centreX, centreY] = [
        x + (distance + width / 2) * Math.cos(angle),
        y + distance * Math.sin(angle),
      ];
      return { left: centreX - width / 2, top: centreY - LABEL_HEIGHT / 2, isFar: true };
    }),
  );
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
