/** How every table of a terminal is set: columns side by side, no frame. */
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { truncate } from '../terminal-text.js';

/** Spaces between columns. */
export const GAP = 2;

export interface LaidColumn {
  title: string;
  align: 'left' | 'right';
  width: number;
}

/** Columns side by side, a rule under their titles, no frame. Lines have no trailing spaces. */
export function layOut(columns: LaidColumn[], rows: string[][], color: boolean): string {
  const none = '';
  const table = new Table({
    head: columns.map(({ title, width }) => truncate(title, width)),
    colWidths: columns.map(({ width }) => width),
    colAligns: columns.map(({ align }) => align),
    style: { head: color ? ['bold'] : [], border: [], 'padding-left': 0, 'padding-right': 0 },
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: ' '.repeat(GAP),
    },
  });
  for (const row of rows) table.push(row);
  const lines = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  const rule = '─'.repeat(columns.reduce((sum, { width }) => sum + width, 0) + GAP * (columns.length - 1));
  return [lines[0], color ? dim(rule) : rule, ...lines.slice(1)].join('\n');
}

export function dim(text: string): string {
  return styleText('dim', text, { validateStream: false });
}
