/**
 * Lines over steps: a band for what scatters, lines through it, marks with intervals on top. What lies beyond the axis is
 * cut off at the frame. Plain SVG, whole without a script; with `PLOT_SCRIPT` marks tell their details.
 */
import { html, type Markup } from './markup.js';
import { COLOURS, drawnAxis, fixed, type PlotAxis, type PlotBox, plotFrame } from './plot-axes.js';

export interface LinePoint {
  x: number;
  y: number;
}

export interface PlotLine {
  label: string;
  /** From left to right. */
  points: readonly LinePoint[];
  /** A faint line is what the others are drawn over. */
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

export interface PlotMarks {
  label: string;
  points: readonly (LinePoint & {
    interval: readonly [number, number];
    label: string;
    details: readonly (readonly [string, string])[];
  })[];
  series: number;
}

export interface LinePlot {
  /** One word, no other plot's on the page. */
  name: string;
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

const BOX: PlotBox = { width: 760, height: 340, margin: { top: 22, right: 24, bottom: 52, left: 68 } };
const { width: WIDTH, height: HEIGHT, margin: MARGIN } = BOX;
const [LEFT, RIGHT, TOP, BOTTOM] = [MARGIN.left, WIDTH - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];

export function linePlot({
  name,
  x,
  y,
  band,
  lines,
  marks,
  places = [],
  levels = [],
  caption,
}: LinePlot): Markup {
  const across = drawnAxis(x, x.range, [LEFT, RIGHT]);
  const up = drawnAxis(y, y.range, [BOTTOM, TOP], { nice: y.scale === 'linear' });
  // A log axis has no place for 0; far below the frame is where it is cut off.
  const height = (value: number) =>
    y.scale === 'log' && value <= 0 ? HEIGHT : Math.max(-HEIGHT, Math.min(2 * HEIGHT, up.at(value)));
  const path = (points: readonly LinePoint[]) =>
    points.map((p, i) => `${i === 0 ? 'M' : 'L'}${fixed(across.at(p.x))} ${fixed(height(p.y))}`).join('') +
    (points.length === 1 ? 'h0' : ''); // a dot, by the round ends of a line
  const frame = `frame-${name}`;
  return html`<figure class="plot">
<div class="scroll"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="group" aria-label="${y.title} against ${x.title}">
<clipPath id="${frame}"><rect x="${LEFT}" y="${TOP}" width="${RIGHT - LEFT}" height="${BOTTOM - TOP}"/></clipPath>
${plotFrame(BOX, { ...x, drawn: across }, { ...y, drawn: up })}
<g clip-path="url(#${frame})">
${band ? html`<path class="band" fill="${colour(band.series)}" fill-opacity=".22" d="${path(band.points.map(({ x, high }) => ({ x, y: high })))}${path([...band.points].reverse().map(({ x, low }) => ({ x, y: low }))).replace('M', 'L')}Z"/>` : null}
${levels.map(({ y }) => html`<path class="at" d="M${LEFT} ${fixed(height(y))}H${RIGHT}"/>`)}
${lines.map(({ points, faint, series }) => html`<path class="line" fill="none" stroke="${colour(series)}" stroke-linejoin="round" stroke-linecap="round" ${faint ? html`stroke-opacity=".4"` : html`stroke-width="2"`} d="${path(points)}"/>`)}
${marks && marks.points.length > 1 ? html`<path class="line" fill="none" stroke="${colour(marks.series)}" d="${path(marks.points)}"/>` : null}
</g>
${places.map((place) => placeMark(place.label, across.at(place.x)))}
${levels.map(({ y, label }) => html`<text class="tick" x="${RIGHT - 4}" y="${fixed(height(y) - 5)}" text-anchor="end">${label}</text>`)}
${marks?.points.map((point) => {
  const [at, middle] = [across.at(point.x), height(point.y)];
  const [low, high] = point.interval.map((end) => Math.min(BOTTOM, Math.max(TOP, height(end))));
  if (middle < TOP || middle > BOTTOM) return null;
  return html`<g class="mark" tabindex="0" role="img" aria-label="${point.label}" data-label="${point.label}" data-details="${JSON.stringify(point.details)}">
<line x1="${fixed(at)}" x2="${fixed(at)}" y1="${fixed(low)}" y2="${fixed(high)}" stroke="${colour(marks.series)}"/>
<circle cx="${fixed(at)}" cy="${fixed(middle)}" r="9" fill="transparent"/><circle class="shape" cx="${fixed(at)}" cy="${fixed(middle)}" r="3.5" fill="${colour(marks.series)}"/></g>
`;
})}
</svg></div>
<ul class="legend">${lines.map(({ label, faint, series }) => html`<li><svg viewBox="-7 -7 14 14"><path stroke="${colour(series)}" ${faint ? html`stroke-opacity=".4"` : html`stroke-width="2"`} d="M-7 0H7"/></svg>${label}</li>`)}${
    band
      ? html`<li><svg viewBox="-7 -7 14 14"><rect x="-7" y="-5" width="14" height="10" fill="${colour(band.series)}" fill-opacity=".22"/></svg>${band.label}</li>`
      : null
  }${
    marks && marks.points.length > 0
      ? html`<li><svg viewBox="-7 -7 14 14"><circle r="4" fill="${colour(marks.series)}"/></svg>${marks.label}</li>`
      : null
  }</ul>
<div class="details" hidden></div>
<figcaption>${caption}</figcaption>
</figure>`;
}

const colour = (series: number) => `var(--series-${series % COLOURS})`;

/** A name stands on the side of its place where there is room. */
function placeMark(label: string, at: number): Markup {
  const before = at > (LEFT + RIGHT) / 2;
  return html`<path class="at" d="M${fixed(at)} ${TOP}V${BOTTOM}"/><text class="tick" x="${fixed(before ? at - 5 : at + 5)}" y="${TOP + 11}" text-anchor="${before ? 'end' : 'start'}">${label}</text>`;
}
