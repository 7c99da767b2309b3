/** A figure of a row over time: its points, its levels, and where they change. */
import { distinctionsOf, settingsOf } from '../records/distinctions.js';
import type { ResultRow, RowFigure } from '../records/evaluation.js';
import { levelsOf, quantileOf } from '../statistics/change-points.js';
import { NORMAL_QUANTILE_975 } from '../statistics/student.js';
import type { HistoryEntry } from './entries.js';

export interface TrendPoint {
  at: Date;
  commit: string | null;
  value: number;
  /** Null where the figure has no interval: it is shown, and no change is judged by it. */
  ci95: readonly [number, number] | null;
}

/** A new level: of figures with a logarithm, its change is relative. */
export interface Change {
  at: Date;
  commit: string | null;
  before: number;
  after: number;
  /** after − before, or after/before − 1, with an interval for all possible places of a change together. */
  change: number;
  interval: readonly [number, number];
  isRelative: boolean;
}

export interface Trend {
  eval: string;
  model: string;
  dataset: string;
  /** Settings that tell it from others of the same names. */
  apart: string;
  metric: string;
  /** Its name in tables. */
  title: string;
  points: TrendPoint[];
  changes: Change[];
}

/** Patterns, in which `*` stands for anything; empty: all rows, and the first figure of each. */
export interface TrendsOfInterest {
  isOfInterest(row: ResultRow): boolean;
  metrics: readonly string[];
}

/**
 * The trends of entries in order of time, rows in the order in which they first occur. Rows are the same where their evaluation,
 * model, data set and settings are; a row that is measured otherwise begins a trend of its own.
 */
export function trendsOf(
  entries: readonly HistoryEntry[],
  { isOfInterest, metrics }: TrendsOfInterest,
): Trend[] {
  const groups = new Map<string, { row: ResultRow; of: { entry: HistoryEntry; row: ResultRow }[] }>();
  for (const entry of entries) {
    for (const row of entry.rows.filter(isOfInterest)) {
      const key = JSON.stringify([row.eval, row.model, row.dataset, [...settingsOf(row.record)]]);
      const group = groups.get(key);
      if (group) group.of.push({ entry, row });
      else groups.set(key, { row, of: [{ entry, row }] });
    }
  }
  const firsts = [...groups.values()].map(({ row }) => row);
  const labelOf = (row: ResultRow) => JSON.stringify([row.eval, row.model, row.dataset]);
  const apart = distinctionsOf(firsts, labelOf, ({ record }) => settingsOf(record));
  return [...groups.values()].flatMap(({ row, of }, i) =>
    metricsOf(row, metrics).map((metric) => trendOf(metric, row, apart[i], of)),
  );
}

const metricsOf = ({ figures }: ResultRow, asked: readonly string[]): string[] =>
  asked.length > 0 ? asked.filter((name) => figures.has(name)) : [...figures.keys()].slice(0, 1);

function trendOf(
  metric: string,
  { eval: name, model, dataset, figures }: ResultRow,
  apart: string,
  of: readonly { entry: HistoryEntry; row: ResultRow }[],
): Trend {
  const declared = figures.get(metric)?.declared;
  const points: (TrendPoint & { judged: RowFigure })[] = [];
  for (const { entry, row } of of) {
    const figure = row.figures.get(metric);
    if (!figure || figure.value === null) continue;
    // Exponentials are judged as their logarithms, as everywhere.
    const judged = row.figures.get(declared?.exponentialOf ?? metric) ?? figure;
    const { at, commit } = entry;
    points.push({ at, commit, value: figure.value, ci95: figure.ci95, judged });
  }
  const isRelative = declared?.exponentialOf !== undefined;
  return {
    ...{ eval: name, model, dataset, apart, metric, title: declared?.title ?? metric },
    points: points.map(({ judged: _, ...point }) => point),
    changes: changesOf(points, isRelative),
  };
}

function changesOf(points: readonly (TrendPoint & { judged: RowFigure })[], isRelative: boolean): Change[] {
  const judged = points.flatMap((point) => {
    const { value, ci95 } = point.judged;
    return value === null || ci95 === null
      ? []
      : [{ ...point, value, stderr: halfOf(ci95) / NORMAL_QUANTILE_975 }];
  });
  const levels = levelsOf(judged);
  const shown = (value: number) => (isRelative ? Math.exp(value) : value);
  return levels.slice(1).map((level, i) => {
    const before = levels[i];
    const { at, commit } = judged[level.from];
    const difference = level.mean - before.mean;
    const margin = quantileOf(judged.length - 1) * Math.hypot(level.stderr, before.stderr);
    const change = (value: number) => (isRelative ? Math.expm1(value) : value);
    return {
      ...{ at, commit, isRelative, before: shown(before.mean), after: shown(level.mean) },
      change: change(difference),
      interval: [change(difference - margin), change(difference + margin)],
    };
  });
}

const halfOf = ([low, high]: readonly [number, number]): number => (high - low) / 2;
