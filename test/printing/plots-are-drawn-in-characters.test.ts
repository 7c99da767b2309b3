import { expect, it } from 'vitest';
import type { PlotPoint, ScatterPlot } from '../../src/printing/html/scatter-plot.js';
import { textPlot } from '../../src/printing/text-plot.js';
import { displayWidth } from '../../src/terminal-text.js';

const point = (series: string, x: number, y: number, more: Partial<PlotPoint> = {}): PlotPoint => ({
  ...{ x, y, series, label: `${x} steps`, details: [], xInterval: null, yInterval: [y, y], onFront: false },
  ...more,
});
const plot = (points: PlotPoint[], scale: 'log' | 'linear' = 'linear'): ScatterPlot => ({
  x: { title: 'speed', scale },
  y: { title: 'perplexity', scale },
  points,
  caption: 'The caption.',
  key: 'Colour is the model.',
});
/** The inside of the frame, from the top. */
const inside = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.includes('│') && line.indexOf('│') === 10)
    .map((line) => line.slice(11).padEnd(69));

it('marks stand where their values are, one cell from the edge at the extremes', () => {
  const rows = inside(textPlot(plot([point('a', 0, 0), point('b', 10, 30), point('a', 5, 15)]), 80));
  expect(rows).toHaveLength(16);
  const places = (letter: string) =>
    rows.flatMap((row, i) => [...row].flatMap((cell, column) => (cell === letter ? [[column, 15 - i]] : [])));
  expect(places('B')).toEqual([[67, 14]]);
  const [[left, bottom], [middle, half]] = places('A').sort(([a], [b]) => a - b);
  expect([left, bottom]).toEqual([1, 1]);
  expect(Math.abs(middle - 34)).toBeLessThanOrEqual(1);
  expect(Math.abs(half - 7.5)).toBeLessThanOrEqual(0.5);
});

it('a log axis has equal steps for equal ratios', () => {
  const rows = inside(
    textPlot(plot([point('a', 1, 1), point('b', 10, 10), point('c', 100, 100)], 'log'), 80),
  );
  const column = (letter: string) => Math.max(...rows.map((row) => row.indexOf(letter)));
  expect(column('B') - column('A')).toBe(column('C') - column('B'));
});

it('intervals are lines, marks without one small letters, and marks on one cell a star', () => {
  const points = [
    point('a', 0, 5, { yInterval: [0, 10] }),
    point('b', 10, 5, { yInterval: null }),
    point('c', 10.01, 5),
  ];
  const text = textPlot(plot(points), 80);
  expect(inside(text).filter((row) => row[1] === '│').length).toBe(13);
  expect(text).toContain('*');
  expect(text).toMatch(/\* several marks\. Small letters have no interval\. The caption\.$/);
  expect(textPlot(plot(points.slice(0, 2)), 80)).toMatch(/ b\n/);
});

it('is as wide as the terminal, whatever names say, and refers to no colour', () => {
  const hostile = point('\x1b[31m模型\n::error::', 1, 2, { label: 'x'.repeat(200) });
  for (const width of [48, 80, 160]) {
    const text = textPlot(plot([hostile, point('b', 3, 4)]), width);
    expect(text).not.toMatch(/\x1b|^::|Colour/m);
    for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(Math.min(width, 160));
  }
});

it('what is not finite, or not positive on a log axis, is left out', () => {
  expect(textPlot(plot([point('a', Number.NaN, 1), point('b', -1, 1)], 'log'), 80)).toBe(
    'Nothing of it can be drawn.',
  );
  expect(textPlot(plot([point('a', 3, 4)]), 80)).toContain('A a: 3 steps');
});
