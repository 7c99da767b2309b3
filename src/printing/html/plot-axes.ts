/** What plots share: scales with round numbers on them, and the frame with its grid and titles. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { html, type Markup } from './markup.js';

export interface PlotAxis {
  title: string;
  scale: 'log' | 'linear';
}

/** The drawing's size and what is left around the data, in units of the SVG. */
export interface PlotBox {
  width: number;
  height: number;
  margin: { top: number; right: number; bottom: number; left: number };
}

export interface DrawnAxis {
  at: (value: number) => number;
  ticks: readonly { at: number; text: string }[];
}

/** Colours of the style sheet. */
export const COLOURS = 6;

/** @param domain least and largest value, positive on a log axis   @param nice whether it is widened to round numbers */
export function drawnAxis(
  { scale }: PlotAxis,
  domain: readonly [number, number],
  range: readonly [number, number],
  { nice = false }: { nice?: boolean } = {},
): DrawnAxis {
  const made = (scale === 'log' ? scaleLog() : scaleLinear()).domain(domain);
  const at = (nice ? made.nice() : made).range(range);
  const [low, high] = at.domain();
  const round = at.ticks(6);
  // Over several decades a log axis has too many round numbers: 1, 2 and 5 of each, or the powers of ten alone.
  const most = high / low > 300 ? /^1e/ : round.length > 8 ? /^[125]e/ : /./;
  const sparse = scale === 'log' ? round.filter((tick) => most.test(tick.toExponential())) : round;
  return { at, ticks: sparse.map((tick) => ({ at: at(tick), text: tickText(tick) })) };
}

function tickText(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3))
    return value.toExponential().replace('e+', 'e');
  return value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
}

/** Grid, round numbers, axes and their titles. */
export function plotFrame(
  { width, height, margin }: PlotBox,
  x: PlotAxis & { drawn: DrawnAxis },
  y: PlotAxis & { drawn: DrawnAxis },
): Markup {
  const [left, right, top, bottom] = [margin.left, width - margin.right, margin.top, height - margin.bottom];
  const titled = ({ title, scale }: PlotAxis) => `${title}${scale === 'log' ? ' (log)' : ''}`;
  return html`${x.drawn.ticks.map(({ at, text }) => html`<line class="grid" x1="${fixed(at)}" x2="${fixed(at)}" y1="${top}" y2="${bottom}"/><text class="tick" x="${fixed(at)}" y="${bottom + 18}" text-anchor="middle">${text}</text>`)}
${y.drawn.ticks.map(({ at, text }) => html`<line class="grid" x1="${left}" x2="${right}" y1="${fixed(at)}" y2="${fixed(at)}"/><text class="tick" x="${left - 8}" y="${fixed(at + 4)}" text-anchor="end">${text}</text>`)}
<path class="axis" fill="none" d="M${left} ${top}V${bottom}H${right}"/>
<text x="${(left + right) / 2}" y="${height - 10}" text-anchor="middle">${titled(x)}</text>
<text transform="translate(16 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${titled(y)}</text>`;
}

/** A place in the drawing. */
export const fixed = (value: number): string => value.toFixed(1);
