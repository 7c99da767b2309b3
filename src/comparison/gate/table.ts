/** Checks for a terminal and as markdown. */

import type { Screen } from '../../printing/formats.js';
import { dim, GAP, layOut } from '../../printing/layout.js';
import { plain } from '../../printing/numbers.js';
import { pipeTable } from '../../printing/pipe-table.js';
import { displayWidth, plainText, truncateMiddle, wrap } from '../../terminal-text.js';
import type { Check, GateRecord } from './checks.js';
import { byUrgency, figureText, placeText, verdictText } from './sentences.js';

const TITLES = ['', 'row', 'figure', 'limit', 'value, 95% interval', 'would decide'];

function cellsOf(check: Check): string[] {
  const { verdict, metric, limit, baseline } = check;
  const against = baseline === null ? '' : ` of ${plain(baseline)}`;
  return [
    verdict,
    placeText(check),
    plainText(metric),
    `${limit}${against}`,
    figureText(check),
    check.wouldDecide ?? '',
  ];
}

export function gateTable(record: GateRecord, { width, color }: Screen): string {
  const rows = record.checks.map(cellsOf);
  const undecided = record.checks.filter(({ verdict }) => verdict === 'undecided');
  const titles = TITLES.slice(0, -1);
  const widths = titles.map((title, i) =>
    Math.max(1, ...[title, ...rows.map((row) => row[i])].map(displayWidth)),
  );
  const excess = () => widths.reduce((sum, one) => sum + one, 0) + GAP * (widths.length - 1) - width;
  const words = Math.max(...rows.flatMap((row) => row[1].split(' ')).map(displayWidth));
  for (const [column, least] of [
    [1, Math.max(12, words)],
    [1, 12],
    [3, 8],
    [2, 6],
  ]) {
    widths[column] -= Math.max(0, Math.min(excess(), widths[column] - least));
  }
  const columns = titles.map((title, i) => ({ title, align: 'left' as const, width: widths[i] }));
  const lines = (cell: string, i: number) => (i === 1 ? wrap(cell, widths[i]) : [cell]);
  const cells = rows.map((row) =>
    titles.map((_, i) =>
      lines(row[i], i)
        .map((line) => truncateMiddle(line, widths[i]))
        .join('\n'),
    ),
  );
  const notes = [
    ...undecided.map(
      (check) => `${placeText(check)}, ${check.metric} ${check.limit}: ${check.wouldDecide} would decide.`,
    ),
    verdictText(record),
  ].flatMap((note) => wrap(note, width));
  return `${layOut(columns, cells, color)}\n\n${notes.map((line) => (color ? dim(line) : line)).join('\n')}\n`;
}

/** @param most rows shown, those that do not hold first */
export function gateMarkdown(record: GateRecord, most = Number.POSITIVE_INFINITY): string {
  const checks = most < record.checks.length ? byUrgency(record.checks).slice(0, most) : record.checks;
  const table = pipeTable(
    TITLES.map((title) => [title, 'left']),
    checks.map(cellsOf),
  );
  const left = record.checks.length - checks.length;
  const rest = left > 0 ? `\n\n${left} further limits are not shown.` : '';
  return `${table}${rest}\n\n${verdictText(record)}\n`;
}
