/** Trends as a page: a table of all, then a plot of each with its interval, its levels and the days on which they change. */
import { htmlTable } from '../printing/html/html-table.js';
import { linePlot } from '../printing/html/line-plot.js';
import { html, type Markup } from '../printing/html/markup.js';
import { htmlPage } from '../printing/html/page.js';
import { plain } from '../printing/numbers.js';
import { changeText, dayOf, NOTE, nameOfTrend } from './table.js';
import type { Trend } from './trends.js';

/** An interval many times as wide as the trend would flatten it: the frame shows this many times the range of the values. */
const WIDEST = 4;

export function historyPage(trends: readonly Trend[], title: string): string {
  const times = trends.flatMap(({ points }) => points.map(({ at }) => at.getTime()));
  const days = [new Date(Math.min(...times)), new Date(Math.max(...times))].map(dayOf);
  const changed = trends.filter(({ changes }) => changes.length > 0).length;
  const head = [
    ['row', 'left'],
    ['figure', 'left'],
    ['runs', 'right'],
    ['first', 'right'],
    ['last', 'right'],
    ['changes', 'left'],
  ] as const;
  const rows = trends.map(({ points, changes, ...trend }) => [
    nameOfTrend({ points, changes, ...trend }),
    trend.title,
    String(points.length),
    plain(points[0].value),
    plain(points[points.length - 1].value),
    changes.length === 0 ? 'none' : changes.map(changeText).join('; '),
  ]);
  return htmlPage({
    title,
    lead: `${days[0]} to ${days[1]}: ${trends.length} ${trends.length === 1 ? 'trend' : 'trends'}, ${changed} with a change.`,
    style:
      '@media screen { td { white-space: normal; min-width: 5rem; } } figure.plot { margin: .5rem 0 1.5rem; }',
    body: html`${htmlTable(head, rows)}
<p class="note">${NOTE}</p>
${trends.map(
  (trend) => html`<h2>${nameOfTrend(trend)}: ${trend.title}</h2>
${plotOf(trend)}`,
)}`,
  });
}

function plotOf({ title, points, changes }: Trend): Markup {
  const xs = points.map(({ at }) => at.getTime());
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const day = 86_400_000;
  const several = changes.length > 1; // of which the texts would collide
  return linePlot({
    x: {
      title: 'day of the run',
      scale: 'utc',
      range: first === last ? [first - day, last + day] : [first, last],
    },
    y: { title, scale: 'linear', range: rangeOf(points) },
    band: {
      label: '95% interval',
      series: 0,
      points: points.flatMap(({ at, ci95 }) =>
        ci95 ? [{ x: at.getTime(), low: ci95[0], high: ci95[1] }] : [],
      ),
    },
    lines: [
      { label: title, series: 0, points: points.map(({ at, value }) => ({ x: at.getTime(), y: value })) },
    ],
    places: changes.map((change, i) => ({
      x: change.at.getTime(),
      label: several ? String(i + 1) : changeText(change),
    })),
    caption:
      changes.length === 0
        ? 'No change of level.'
        : `New levels: ${changes.map((change, i) => `${several ? `${i + 1}: ` : ''}${changeText(change)}`).join('; ')}.`,
  });
}

function rangeOf(points: Trend['points']): [number, number] {
  const values = points.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ends = points.flatMap(({ ci95 }) => ci95 ?? []);
  const room = Math.max(WIDEST * (high - low), 0.02 * Math.abs(high), 1e-9);
  return [
    Math.max(Math.min(low, ...ends), low - room) - 0.05 * room * Number(ends.length === 0),
    Math.min(Math.max(high, ...ends), high + room) + 0.05 * room * Number(ends.length === 0),
  ];
}
