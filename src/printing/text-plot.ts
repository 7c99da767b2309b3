/**
 * A plot of results for a terminal: a letter per mark, lines for its 95% intervals, and a legend. It shows what the plot of
 * the page shows, as far as characters can; the figures are in the table above it.
 */
import { plainText, truncateMiddle, wrap } from '../terminal-text.js';
import { canBeDrawn, type PlotAxis, panelsOf, withinAxis } from './html/axis.js';
import type { PlotPoint, ScatterPlot } from './html/scatter-plot.js';
import { plain } from './numbers.js';

const ROWS = 16;
const WIDEST = 100;
/** Columns left of the frame: a number and a space. */
const LEFT = 10;
const TICKS = 4;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const SEVERAL = '*';

/** Panels stand below each other, on the same axes. @param width columns of the terminal; fewer than 40 give a plot of 40 */
export function textPlot({ x, y, points, caption }: ScatterPlot, width: number): string {
  const columns = Math.max(40, Math.min(width, WIDEST)) - LEFT - 1;
  const drawn = points.filter((point) => canBeDrawn(point.x, x) && canBeDrawn(point.y, y));
  if (drawn.length === 0) return 'Nothing of it can be drawn.';
  const across = axisOf(
    x,
    drawn.flatMap((point) => [point.x, ...(withinAxis(point.xInterval, x) ?? [])]),
    columns,
  );
  const up = axisOf(
    y,
    drawn.flatMap((point) => [point.y, ...(withinAxis(point.yInterval, y) ?? [])]),
    ROWS,
  );
  const series = [...new Set(drawn.map((point) => point.series))];
  const letterOf = ({ series: name, yInterval }: PlotPoint) => {
    const letter = LETTERS[series.indexOf(name)] ?? '+';
    return yInterval ? letter : letter.toLowerCase();
  };
  const panels = panelsOf(drawn).map((name) => {
    const own = drawn.filter(({ panel }) => panel === name);
    const cells = markedCells(own, { x, y, across, up, columns, letterOf });
    const tickRows = new Map(up.ticks.map(({ at, text }) => [at, text]));
    return {
      cells,
      lines: [
        ...(name === undefined ? [] : [short(name)]),
        titleOf(y),
        ...cells.map((line, i) =>
          `${(tickRows.get(ROWS - 1 - i) ?? '').padStart(LEFT - 1)} │${line.join('')}`.trimEnd(),
        ),
        `${' '.repeat(LEFT)}└${'─'.repeat(columns)}`,
        ticksBelow(across.ticks, columns),
        `${' '.repeat(LEFT + 1)}${titleOf(x)}`,
      ],
    };
  });
  const legend = series.map((name, i) => {
    const labels = drawn.filter((point) => point.series === name).sort((a, b) => a.x - b.x);
    const marks = [...new Set(labels.map(({ label }) => short(label)))].filter(Boolean);
    return `${LETTERS[i] ?? '+'} ${short(name)}${marks.length > 0 ? `: ${marks.join(', ')}` : ''}`;
  });
  const notes = [
    ...(panels.some(({ cells }) => cells.some((line) => line.includes(SEVERAL)))
      ? [`${SEVERAL} several marks.`]
      : []),
    ...(drawn.some(({ yInterval }) => !yInterval) ? ['Small letters have no interval.'] : []),
    caption,
  ];
  return [
    panels.map(({ lines }) => lines.join('\n')).join('\n\n'),
    ...legend.flatMap((line) => wrap(line, Math.max(40, width))),
    ...wrap(notes.join(' '), Math.max(40, width)),
  ].join('\n');
}

interface Frame {
  x: PlotAxis;
  y: PlotAxis;
  across: TextAxis;
  up: TextAxis;
  columns: number;
  letterOf(point: PlotPoint): string;
}

/** The inside of a frame, from the top: intervals, then letters over them. */
function markedCells(
  points: readonly PlotPoint[],
  { x, y, across, up, columns, letterOf }: Frame,
): string[][] {
  const cells = Array.from({ length: ROWS }, () => new Array<string>(columns).fill(' '));
  const put = (column: number, row: number, sign: string) => {
    const line = cells[ROWS - 1 - row];
    line[column] =
      line[column] === ' ' || '│─'.includes(line[column]) || line[column] === sign ? sign : SEVERAL;
  };
  for (const point of points) {
    const [column, row] = [across.place(point.x), up.place(point.y)];
    const [low, high] = withinAxis(point.yInterval, y)?.map(up.place) ?? [];
    for (let at = low ?? row; at <= (high ?? row); at++) put(column, at, '│');
    const [first, last] = withinAxis(point.xInterval, x)?.map(across.place) ?? [];
    for (let at = first ?? column; at <= (last ?? column); at++) if (at !== column) put(at, row, '─');
  }
  for (const point of points) put(across.place(point.x), up.place(point.y), letterOf(point));
  return cells;
}

/** Names are wrapped between words only. */
const short = (name: string): string => truncateMiddle(plainText(name), 40);

const titleOf = ({ title, scale }: PlotAxis): string => `${title}${scale === 'log' ? ' (log)' : ''}`;

interface TextAxis {
  /** The cell of a value, from 0. */
  place(value: number): number;
  ticks: { at: number; text: string }[];
}

/** @param size cells */
function axisOf({ scale }: PlotAxis, values: readonly number[], size: number): TextAxis {
  const [into, back] =
    scale === 'log' ? [Math.log, Math.exp] : [(value: number) => value, (value: number) => value];
  const inner = values.map(into);
  const [low, high] = [Math.min(...inner), Math.max(...inner)];
  const room = high > low ? (high - low) / (size - 1) : 1;
  const [from, to] = [low - room, high + room];
  const place = (value: number) => Math.round(((into(value) - from) / (to - from)) * (size - 1));
  const ticks = Array.from({ length: TICKS }, (_, i) => {
    const at = Math.round((i * (size - 1)) / (TICKS - 1));
    return { at, text: plain(back(from + (at / (size - 1)) * (to - from))) };
  });
  return { place, ticks };
}

/** Numbers below their cells, the last one to the left of its end. */
function ticksBelow(ticks: TextAxis['ticks'], columns: number): string {
  const line = new Array<string>(LEFT + 1 + columns).fill(' ');
  for (const { at, text } of ticks) {
    const start = Math.min(
      LEFT + 1 + Math.max(0, at - Math.floor(text.length / 2)),
      line.length - text.length,
    );
    for (const [i, character] of [...text].entries()) line[start + i] = character;
  }
  return line.join('').trimEnd();
}
