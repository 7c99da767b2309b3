/**
 * Throughput against quality, and plots like it: a mark a configuration with its intervals, the front drawn through those
 * that no other beats. The drawing is plain SVG, whole without a script; with `PLOT_SCRIPT` a mark tells its details when
 * it is pointed at or reached by the keyboard.
 */
import { html, type Markup } from './markup.js';
import {
  COLOURS,
  type DrawnAxis,
  drawnAxis,
  fixed,
  type PlotAxis,
  type PlotBox,
  plotFrame,
} from './plot-axes.js';

export interface PlotPoint {
  x: number;
  y: number;
  /** 95% intervals; null where there is none. */
  xInterval: readonly [number, number] | null;
  yInterval: readonly [number, number] | null;
  /** Points of one series share colour and shape. */
  series: string;
  /** Short name beside the mark. */
  label: string;
  /** Lines of the details, as name and value. */
  details: readonly (readonly [string, string])[];
  onFront: boolean;
}

export interface ScatterPlot {
  x: PlotAxis;
  y: PlotAxis;
  /** Points that are not finite, or not positive on a log axis, cannot be drawn and are left out. */
  points: readonly PlotPoint[];
  caption: string;
  /** Points of a series joined by a line, from left to right. No, unless said. */
  joined?: boolean;
  /** All series of the page, so that each has one colour and shape in all its plots; those drawn here, unless given. */
  ofPage?: readonly string[];
  /** A place on the x axis to compare at. */
  at?: { x: number; label: string };
}

const BOX: PlotBox = { width: 760, height: 460, margin: { top: 16, right: 24, bottom: 52, left: 68 } };
const { width: WIDTH, height: HEIGHT, margin: MARGIN } = BOX;

type Scale = (value: number) => number;

export function scatterPlot({ x, y, points, caption, joined = false, ofPage, at }: ScatterPlot): Markup {
  const drawn = points.filter((point) => canBeDrawn(point.x, x) && canBeDrawn(point.y, y));
  const left = points.length - drawn.length;
  const across = axis(
    x,
    [...drawn.flatMap((point) => extent(point.x, point.xInterval, x)), ...(at ? [at.x] : [])],
    [MARGIN.left, WIDTH - MARGIN.right],
  );
  const up = axis(
    y,
    drawn.flatMap((point) => extent(point.y, point.yInterval, y)),
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  );
  const series = [...new Set(drawn.map((point) => point.series))];
  const place = (name: string) => (ofPage ?? series).indexOf(name);
  const front = drawn.filter(({ onFront }) => onFront).sort((a, b) => a.x - b.x);
  const line = (through: readonly PlotPoint[]) =>
    through
      .map((point, i) => `${i === 0 ? 'M' : 'L'}${fixed(across.at(point.x))} ${fixed(up.at(point.y))}`)
      .join('');
  const lines = series.map((name) =>
    line(drawn.filter((point) => point.series === name).sort((a, b) => a.x - b.x)),
  );
  return html`<figure class="plot">
<div class="scroll"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="group" aria-label="${y.title} against ${x.title}">
${plotFrame(BOX, { ...x, drawn: across }, { ...y, drawn: up })}
${front.length > 1 ? html`<path class="front" d="${line(front)}"/>` : null}
${joined ? lines.map((d, i) => html`<path fill="none" stroke="var(--series-${place(series[i]) % COLOURS})" d="${d}"/>`) : null}
${at ? html`<path class="at" d="M${fixed(across.at(at.x))} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}"/><text class="tick" x="${fixed(across.at(at.x) + 5)}" y="${MARGIN.top + 10}">${at.label}</text>` : null}
${drawn.map((point) => mark(point, place(point.series), across.at, up.at))}
${labels(drawn, across.at, up.at)}
</svg></div>
<ul class="legend">${series.map((name) => html`<li><svg viewBox="-7 -7 14 14">${shape(place(name))}</svg>${name}</li>`)}${
    front.length > 1
      ? html`<li><svg viewBox="-7 -7 14 14"><path class="front" d="M-7 0H7"/></svg>front: no other is better in both</li>`
      : null
  }</ul>
<div class="details" hidden></div>
<figcaption>${caption}${left > 0 ? ` ${left} of ${points.length} configurations have no place here: their figures are not known or not positive.` : null}</figcaption>
</figure>`;
}

function canBeDrawn(value: number, { scale }: PlotAxis): boolean {
  return Number.isFinite(value) && (scale === 'linear' || value > 0);
}

function extent(value: number, interval: readonly [number, number] | null, axisOf: PlotAxis): number[] {
  return [value, ...(interval ?? [])].filter((end) => canBeDrawn(end, axisOf));
}

/** Wide enough for all values, and somewhat more. */
function axis(axisOf: PlotAxis, values: readonly number[], range: readonly [number, number]): DrawnAxis {
  const low = Math.min(...values, ...(values.length === 0 ? [1] : []));
  const high = Math.max(...values, ...(values.length === 0 ? [10] : []));
  if (axisOf.scale === 'log') return drawnAxis(axisOf, [low / 1.15, high * 1.15], range);
  const room = 0.06 * (high - low || 1);
  return drawnAxis(axisOf, [low - room, high + room], range, { nice: true });
}

function mark(point: PlotPoint, series: number, across: Scale, up: Scale): Markup {
  const [x, y] = [across(point.x), up(point.y)];
  const colour = `var(--series-${series % COLOURS})`;
  const bar = (x1: number, x2: number, y1: number, y2: number) =>
    html`<line x1="${fixed(x1)}" x2="${fixed(x2)}" y1="${fixed(y1)}" y2="${fixed(y2)}" stroke="${colour}"/>`;
  const details = JSON.stringify(point.details);
  return html`<g class="mark" tabindex="0" role="img" aria-label="${point.label}" data-label="${point.label}" data-details="${details}">
${point.xInterval && point.xInterval[0] > 0 ? bar(across(point.xInterval[0]), across(point.xInterval[1]), y, y) : null}
${point.yInterval && point.yInterval[0] > 0 ? bar(x, x, up(point.yInterval[0]), up(point.yInterval[1])) : null}
<circle cx="${fixed(x)}" cy="${fixed(y)}" r="11" fill="transparent"/><g transform="translate(${fixed(x)} ${fixed(y)})">${shape(series)}</g></g>`;
}

const SHAPES = [
  'M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z',
  'M-4.5 -4.5H4.5V4.5H-4.5Z',
  'M0 -5.8L5.4 4.2H-5.4Z',
  'M0 -6L6 0L0 6L-6 0Z',
  'M0 5.8L5.4 -4.2H-5.4Z',
  'M-1.7 -5.2H1.7V-1.7H5.2V1.7H1.7V5.2H-1.7V1.7H-5.2V-1.7H-1.7Z',
];

/** Series differ by shape too, for those who do not tell the colours apart, and in print. */
function shape(series: number): Markup {
  return html`<path class="shape" fill="var(--series-${series % COLOURS})" d="${SHAPES[series % SHAPES.length]}"/>`;
}

const LABEL_HEIGHT = 14;
const CHARACTER_WIDTH = 6.6;

/** Names beside the marks, those of the front first; one that would cover another is left to the details. */
function labels(points: readonly PlotPoint[], across: Scale, up: Scale): Markup[] {
  const taken: [number, number, number, number][] = points.map((point) => {
    const [x, y] = [across(point.x), up(point.y)];
    return [x - 6, y - 6, x + 6, y + 6];
  });
  const marks: Markup[] = [];
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
        left >= MARGIN.left &&
        left + width <= WIDTH &&
        top >= 0 &&
        top + LABEL_HEIGHT <= HEIGHT - MARGIN.bottom;
      return (
        inside &&
        taken.every(([l, t, r, b]) => left + width < l || left > r || top + LABEL_HEIGHT < t || top > b)
      );
    });
    if (!place) continue;
    taken.push([place.left, place.top, place.left + width, place.top + LABEL_HEIGHT]);
    const at = place.anchor === 'start' ? place.left : place.anchor === 'end' ? place.left + width : x;
    marks.push(
      html`<text x="${fixed(at)}" y="${fixed(place.top + 11)}" text-anchor="${place.anchor}">${point.label}</text>`,
    );
  }
  return marks;
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
