/** Trends as a table, as CSV or markdown, and as JSON. */
import { csvTable } from '../printing/csv.js';
import { fittedTable } from '../printing/layout.js';
import { plain } from '../printing/numbers.js';
import { pipeTable } from '../printing/pipe-table.js';
import { plainText, wrap } from '../terminal-text.js';
import type { Change, Trend } from './trends.js';

const TITLES = ['row', 'figure', 'runs', 'first', 'last', 'trend', 'last change'] as const;

/** @param width of the terminal */
export function trendsTable(trends: readonly Trend[], screen: { width: number; color: boolean }): string {
  const columns = TITLES.map((title) => ({
    title,
    align: ['runs', 'first', 'last'].includes(title) ? ('right' as const) : ('left' as const),
    ...(title === 'row' || title === 'last change' ? { wraps: true, least: 12 } : {}),
  }));
  const table = fittedTable(columns, trends.map(cellsOf), screen);
  return `${table}\n\n${wrap(NOTE, screen.width).join('\n')}\n`;
}

export const trendsMarkdown = (trends: readonly Trend[]): string =>
  `${pipeTable(
    TITLES.map((title) => [title, 'left']),
    trends.map(cellsOf),
  )}\n\n${NOTE}\n`;

/** One line for each point. */
export function trendsCsv(trends: readonly Trend[]): string {
  const header = [
    'eval',
    'model',
    'dataset',
    'settings',
    'metric',
    'at',
    'commit',
    'value',
    'ci95_low',
    'ci95_high',
    'change',
  ];
  const rows = trends.flatMap(({ points, changes, ...trend }) =>
    points.map(({ at, commit, value, ci95 }) => [
      ...[trend.eval, trend.model, trend.dataset, trend.apart, trend.metric, at.toISOString(), commit ?? ''],
      ...[value, ci95?.[0] ?? '', ci95?.[1] ?? '', changes.find((change) => change.at === at)?.change ?? ''],
    ]),
  );
  return csvTable([header, ...rows]);
}

export const NOTE =
  'A change is a new level of the figure, found from the intervals of all runs: of trends that never change, at most 5% show one. Errors of one text are common to its runs, so small changes may be missed; compare pairs two runs.';

function cellsOf(trend: Trend): string[] {
  const { points, changes, title } = trend;
  const last = changes.at(-1);
  return [
    nameOfTrend(trend),
    plainText(title),
    String(points.length),
    points.length > 0 ? plain(points[0].value) : '',
    points.length > 0 ? plain(points[points.length - 1].value) : '',
    sparkline(points.map(({ value }) => value)),
    last ? changeText(last) : 'none',
  ];
}

/** `duo on sotu, seed 1` */
export const nameOfTrend = ({ model, dataset, apart }: Trend): string =>
  plainText([dataset === '' ? model : `${model} on ${dataset}`, apart].filter(Boolean).join(', '));

/** `2026-05-03 +4.1% [2.0%, 6.2%]` */
export function changeText({ at, change, interval, isRelative }: Change): string {
  const shown = (value: number) => (isRelative ? `${(100 * value).toPrecision(2)}%` : value.toPrecision(3));
  return `${dayOf(at)} ${change > 0 ? '+' : ''}${shown(change)} [${interval.map(shown).join(', ')}]`;
}

export const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

const BLOCKS = '▁▂▃▄▅▆▇█';
const SPARKS = 16;

/** At most 16 means of consecutive values, the least as the lowest block. */
function sparkline(values: readonly number[]): string {
  const count = Math.min(SPARKS, values.length);
  const means = Array.from({ length: count }, (_, i) => {
    const part = values.slice(
      Math.floor((i * values.length) / count),
      Math.floor(((i + 1) * values.length) / count),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const height = (mean: number) =>
    high > low ? Math.round(((mean - low) / (high - low)) * (BLOCKS.length - 1)) : 3;
  return means.map((mean) => BLOCKS[height(mean)]).join('');
}
