/** A calibration of intervals for a terminal, at most 80 columns, and as CSV, one line a check. */

import { csvTable } from '../../printing/csv.js';
import { dim, GAP, layOut } from '../../printing/layout.js';
import type { Screen } from '../../printing/table.js';
import { wrap } from '../../terminal-text.js';
import { COVERAGE, type IntervalCalibrationRecord, type IntervalCheck } from './interval-record.js';

const VERDICTS = { pass: 'pass', fail: 'FAIL', 'not-counted': 'shown' } as const;
const TITLES = ['source', 'figure', 'size', 'covers', 'formerly', 'verdict'];
/** Of these cells are broken at spaces where the screen is narrow. */
const WRAPPED = 3;
const NARROWEST = 12;

/** The whole text with a line end. */
export function formatIntervalCalibration(
  record: IntervalCalibrationRecord,
  { width, color }: Screen,
): string {
  const rows = record.checks.map(cellsOf);
  const widths = TITLES.map((title, i) =>
    Math.max(...[title, ...rows.map((row) => row[i])].map((c) => c.length)),
  );
  const excess = () => widths.reduce((sum, one) => sum + one, 0) + GAP * (TITLES.length - 1) - width;
  for (const i of [1, 0, 2]) widths[i] -= Math.max(0, Math.min(excess(), widths[i] - NARROWEST));
  const columns = TITLES.map((title, i) => ({
    title,
    align: i < WRAPPED || title === 'verdict' ? ('left' as const) : ('right' as const),
    width: widths[i],
  }));
  const cells = rows.map((row) =>
    row.map((cell, i) => (i < WRAPPED ? wrap(cell, widths[i]).join('\n') : cell)),
  );
  const notes = [...notesOf(record), intervalSummaryOf(record)].flatMap((note) => wrap(note, width));
  return `${layOut(columns, cells, color)}\n\n${notes.map((line) => (color ? dim(line) : line)).join('\n')}\n`;
}

/** One sentence for the end. */
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
