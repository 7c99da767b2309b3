/** A calibration of intervals for a terminal, at most 80 columns, and as CSV, one line per check. */

import { csvTable } from '../../printing/csv.js';
import { dim, type FittedColumn, fittedTable } from '../../printing/layout.js';
import type { Screen } from '../../printing/table.js';
import { wrap } from '../../terminal-text.js';
import { COVERAGE, type IntervalCalibrationRecord, type IntervalCheck } from './interval-record.js';

const VERDICTS = { pass: 'pass', fail: 'FAIL', 'not-counted': 'shown' } as const;
const COLUMNS: readonly FittedColumn[] = [
  ...['source', 'figure', 'size'].map((title) => ({ title, align: 'left', wraps: true }) as const),
  { title: 'covers', align: 'right' },
  { title: 'formerly', align: 'right' },
  { title: 'verdict', align: 'left' },
];

/** The whole text, ending with a line end. */
export function formatIntervalCalibration(record: IntervalCalibrationRecord, screen: Screen): string {
  const notes = [...notesOf(record), intervalSummaryOf(record)].flatMap((note) => wrap(note, screen.width));
  const dimmed = notes.map((line) => (screen.color ? dim(line) : line));
  return `${fittedTable(COLUMNS, record.checks.map(cellsOf), screen)}\n\n${dimmed.join('\n')}\n`;
}

/** The summary, one sentence. */
export function intervalSummaryOf({ passed, failed, notCounted }: IntervalCalibrationRecord): string {
  const others = notCounted > 0 ? ` ${notCounted} more are shown and do not count.` : '';
  return failed === 0
    ? `All ${passed} kinds of intervals cover as they say.${others}`
    : `${failed} of ${passed + failed} kinds of intervals do not cover as they say.${others}`;
}

export function nameOfIntervals({ source, figure, size }: IntervalCheck): string {
  return `${source}, ${size}: ${figure}`;
}

const percent = (share: number | null) => (share === null ? '' : `${(100 * share).toFixed(1)}%`);

function cellsOf({ source, figure, size, covered, formerly, verdict }: IntervalCheck): string[] {
  return [source, figure, size, percent(covered), percent(formerly), VERDICTS[verdict]];
}

function notesOf({ replicates, checks }: IntervalCalibrationRecord): string[] {
  const [low, high] = COVERAGE.map((share) => (100 * share).toFixed(0));
  const reasons = new Map<string, string[]>();
  for (const check of checks) {
    if (check.verdict !== 'not-counted' || check.reason === null) continue;
    reasons.set(check.reason, [...(reasons.get(check.reason) ?? []), `${check.source}, ${check.size}`]);
  }
  return [
    `covers: share of the 95% intervals of ${replicates} replicates that held the known mean; ${low} to ${high}% is asked for, and chance is allowed for below 1,000 replicates. formerly: the same when sequences of a text count as independent, draws as normal, and percentiles of a bootstrap as an interval.`,
    ...[...reasons].map(([reason, of]) => `shown: ${[...new Set(of)].join('; ')}: ${reason}.`),
  ];
}

export function formatIntervalCalibrationCsv({ checks }: IntervalCalibrationRecord): string {
  const header = ['source', 'figure', 'size', 'replicates', 'covered', 'formerly', 'verdict', 'reason'];
  const rows = checks.map((one) => [
    ...[one.source, one.figure, one.size, one.replicates, one.covered, one.formerly],
    ...[one.verdict, one.reason ?? ''],
  ]);
  return csvTable([header, ...rows]);
}
