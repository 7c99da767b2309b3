/** Tables of checks for a terminal and as markdown. */

import type { Screen } from '../../printing/formats.js';
import { dim, type FittedColumn, fittedTable } from '../../printing/layout.js';
import { plain } from '../../printing/numbers.js';
import { pipeTable } from '../../printing/pipe-table.js';
import { plainText, wrap } from '../../terminal-text.js';
import type { Check, GateRecord } from './checks.js';
import { byUrgency, figureText, placeText, verdictText } from './sentences.js';

const TITLES = ['', 'row', 'figure', 'limit', 'value, 95% interval', 'would decide'];
/** The notes say what would decide an undecided check. */
const COLUMNS: readonly FittedColumn[] = TITLES.slice(0, -1).map((title) => ({
  title,
  align: 'left',
  ...(title === 'row' ? { wraps: true, least: 12 } : {}),
  ...(title === 'limit' ? { least: 8 } : {}),
  ...(title === 'figure' ? { least: 6 } : {}),
}));

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

export function gateTable(record: GateRecord, screen: Screen): string {
  const rows = record.checks.map(cellsOf);
  const undecided = record.checks.filter(({ verdict }) => verdict === 'undecided');
  const notes = [
    ...undecided.map(
      (check) => `${placeText(check)}, ${check.metric} ${check.limit}: ${check.wouldDecide} would decide.`,
    ),
    verdictText(record),
  ].flatMap((note) => wrap(note, screen.width));
  const dimmed = notes.map((line) => (screen.color ? dim(line) : line));
  return `${fittedTable(COLUMNS, rows, screen)}\n\n${dimmed.join('\n')}\n`;
}

/** @param most maximum number of rows; those that do not hold come first */
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
