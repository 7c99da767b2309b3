/**
 * Plots as SVG, drawn by Observable Plot into a document of linkedom: no browser is needed. Colours are variables of the
 * page's style sheet, so a plot follows the reader's light or dark. The tree is written out here and not by linkedom,
 * which does not escape `&` in attributes, so that names from users stay text.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { PlotAxis } from './axis.js';
import { html, Markup } from './markup.js';

/** The part of an SVG element that plots touch. */
export interface DrawnElement {
  localName: string;
  attributes: Iterable<{ name: string; value: string }>;
  nodeType: number;
  childNodes: Iterable<DrawnElement>;
  children: ArrayLike<DrawnElement>;
  textContent: string | null;
  setAttribute(name: string, value: string): void;
  append(...children: DrawnElement[]): void;
  querySelector(selector: string): DrawnElement | null;
}

export interface Drawn {
  svg: DrawnElement;
  /** Place of a value in the drawing, in units of its viewBox. */
  across(x: number): number;
  up(y: number): number;
  element(name: string, attributes: Record<string, string>): DrawnElement;
}

/** Colours of the style sheet. */
const COLOURS = 6;
export const colourOf = (series: number) => `var(--series-${series % COLOURS})`;

const SYMBOLS = ['circle', 'square2', 'triangle2', 'diamond2', 'star', 'wye'] as const;

/** Series differ in shape too: colours alone are lost in print and to colour-blind readers. */
const symbolOf = (series: number) => SYMBOLS[series % SYMBOLS.length];

/** Where there are more kinds than colours, the shape goes on, so that no two kinds look alike before all pairs are used. */
export const lookOf = (colour: number, shape: number) => ({
  colour: colourOf(colour),
  symbol: symbolOf(shape + Math.floor(colour / COLOURS)),
});

/** @param arrange changes the drawing before it is written out */
export function drawing(options: Plot.PlotOptions, arrange?: (drawn: Drawn) => void): Markup {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const plot = Plot.plot({ ...options, document: document as never, className: 'drawn' });
  const svg = plot as unknown as DrawnElement;
  const place = (name: 'x' | 'y') => {
    const scale = plot.scale(name);
    return (value: number) => Number(scale?.apply(value));
  };
  arrange?.({
    svg,
    across: place('x'),
    up: place('y'),
    element: (name, attributes) => {
      const made = document.createElementNS('http://www.w3.org/2000/svg', name) as unknown as DrawnElement;
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      return made;
    },
  });
  return serialize(svg);
}

/** The tree as source. Numbers are rounded to a tenth: a plot of 500 marks is half as long. */
function serialize(element: DrawnElement): Markup {
  const { localName } = element;
  if (localName === 'style') return html``; // of a white background
  const attributes = [...element.attributes]
    .filter(({ name }) => localName !== 'svg' || !SIZE.has(name)) // a drawing is as wide as its page
    .map(
      ({ name, value }) => html` ${new Markup(name)}="${GEOMETRY.test(name) ? roundNumbers(value) : value}"`,
    );
  const children = [...element.childNodes].map((child) =>
    child.nodeType === ELEMENT ? serialize(child) : html`${child.textContent}`,
  );
  const tag = new Markup(localName);
  return html`<${tag}${attributes}>${children}</${tag}>`;
}

const ELEMENT = 1; // Node.ELEMENT_NODE
const SIZE = new Set(['width', 'height']);
const GEOMETRY = /^(?:d|transform|x|y|x1|x2|y1|y2|cx|cy|r|points)$/;

function roundNumbers(value: string): string {
  return value.replace(/-?\d+\.\d{2,}/g, (number) => String(Number(Number(number).toFixed(1))));
}

export interface AxisRange {
  domain: readonly [number, number];
  /** Widened to round numbers. */
  nice?: boolean;
}

function scaleOf({ scale, domain, nice = false }: PlotAxis & AxisRange): Plot.ScaleOptions {
  return { type: scale, domain: [...domain], nice, axis: null };
}

/** Grid, round numbers and titles, to be drawn first. */
export function axes(
  x: PlotAxis & AxisRange,
  y: PlotAxis & AxisRange,
  { width }: DrawingSize,
): Plot.Markish[] {
  const titled = ({ title, scale }: PlotAxis) => `${title}${scale === 'log' ? ' (log)' : ''}`;
  const common = (axis: PlotAxis & AxisRange) => ({
    ticks: ticksOf(axis, axis === x && width <= NARROW_WIDTH ? FEW_TICKS : TICKS) as never,
    tickFormat: axis.scale === 'utc' ? dayText : tickText,
  });
  const label = { labelAnchor: 'center', labelArrow: 'none', tickSize: 0, fontSize: 12 } as const;
  return [
    Plot.gridX({ ...common(x), className: 'grid', strokeOpacity: 1 }),
    Plot.gridY({ ...common(y), className: 'grid', strokeOpacity: 1 }),
    Plot.axisX({ ...common(x), ...label, label: titled(x), labelOffset: 40, className: 'tick' }),
    Plot.axisY({ ...common(y), ...label, label: titled(y), labelOffset: 60, className: 'tick' }),
    Plot.frame({ anchor: 'bottom', className: 'axis' }),
    Plot.frame({ anchor: 'left', className: 'axis' }),
  ];
}

const TICKS = 6;
/** Below a narrow drawing. */
const FEW_TICKS = 3;

/** About so many: round numbers; over several decades of a log axis 1, 2 and 5 of each, or the powers of ten alone. */
function ticksOf({ scale, domain: [low, high] }: PlotAxis & AxisRange, count: number): number | number[] {
  if (scale !== 'log') return count;
  const decades = Math.log10(high / low);
  if (decades < 0.6) return count;
  const few = count < TICKS;
  const digits =
    decades > (few ? 1.5 : 2.5)
      ? [1]
      : decades > 0.95
        ? few
          ? [1, 3]
          : [1, 2, 5]
        : few
          ? [1, 2, 5]
          : [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.log10(high); exponent++)
    for (const digit of digits) {
      const tick = Number(`${digit}e${exponent}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  return ticks;
}

const dayText = (value: Date | number): string => new Date(value).toISOString().slice(0, 10);

function tickText(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3))
    return value.toExponential().replace('e+', 'e');
  return value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
}

/** Size of a drawing, in units of its viewBox. */
export interface DrawingSize {
  width: number;
  height: number;
}

/**
 * A plot is drawn for wide windows and for narrow ones, each at about its own size, so that its text is never too small to read; the style
 * sheet shows one of the two. @param draw of a size
 */
export function atBothWidths(
  wide: DrawingSize,
  narrow: DrawingSize,
  draw: (size: DrawingSize) => Markup,
): Markup {
  return html`<div class="wide">${draw(wide)}</div>
<div class="narrow">${draw(narrow)}</div>`;
}

/** Width of a character of its text, about, in the same units. */
export const CHARACTER = 6.6;

export const WIDE_WIDTH = 760;
export const NARROW_WIDTH = 380;
export const MARGIN_RIGHT = 24;
export const MARGIN_LEFT = 68;
export const MARGIN_BOTTOM = 52;

/** The options of a plot with axes: its size, the room around its frame, and its scales. */
export function plotFrame(
  x: PlotAxis & AxisRange,
  y: PlotAxis & AxisRange,
  { width, height, top }: DrawingSize & { top: number },
): Plot.PlotOptions {
  return {
    ...{ width, height },
    ...{ marginTop: top, marginRight: MARGIN_RIGHT, marginBottom: MARGIN_BOTTOM, marginLeft: MARGIN_LEFT },
    ...{ x: scaleOf(x), y: scaleOf(y), color: { type: 'identity' } },
  };
}

/**
 * What was drawn of each point, in a group of its own that the keyboard reaches and that shows the point's details.
 * @param layers classes of the marks that draw one thing per point, the last of them its shape
 * @param reach radius around the point within which the pointer reaches it
 */
export function gatherMarks(
  { svg, across, up, element }: Drawn,
  points: readonly MarkedPlace[],
  layers: readonly string[],
  reach: number,
): void {
  const drawn = layers.map((name) => Array.from(svg.querySelector(`g.${name}`)?.children ?? []));
  for (const [i, { x, y, label, details }] of points.entries()) {
    const parts = drawn.map((children) => children[i]);
    const shape = parts[parts.length - 1];
    shape.setAttribute('class', 'shape');
    const group = element('g', {
      ...{ class: 'mark', tabindex: '0', role: 'img', 'aria-label': label, 'data-label': label },
      'data-details': JSON.stringify(details),
    });
    const target = { cx: String(across(x)), cy: String(up(y)), r: String(reach), fill: 'transparent' };
    group.append(...parts.slice(0, -1), element('circle', target), shape);
    svg.append(group);
  }
}

/** A point that shows its details. */
export interface MarkedPlace {
  x: number;
  y: number;
  label: string;
  /** Lines of the details, as name and value. */
  details: readonly (readonly [string, string])[];
}

export function addText({ svg, element }: Drawn, text: string, attributes: Record<string, string>): void {
  const label = element('text', attributes);
  label.textContent = text;
  svg.append(label);
}

/** A line in a legend, with the attributes of the line that it stands for. */
export function legendLine(attributes: Plot.LineOptions): Markup {
  const ends = [-7, 7].map((x) => [x, 0]);
  return legendMark(Plot.line(ends, attributes));
}

/** A small drawing for a legend, 14 units wide and high. */
export function legendMark(mark: Plot.Markish): Markup {
  const scale = { domain: [-7, 7], axis: null };
  return drawing({ width: 14, height: 14, margin: 0, x: scale, y: scale, marks: [mark] });
}
