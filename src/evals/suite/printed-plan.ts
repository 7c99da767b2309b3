/** What a suite would run, for a terminal. */
import type { Screen } from '../../printing/formats.js';
import { type FittedColumn, fittedTable } from '../../printing/layout.js';
import { about } from '../../printing/numbers.js';
import { distinctionsOf } from '../../records/distinctions.js';
import { plainText, wrap } from '../../terminal-text.js';
import type { PlannedCell } from './cell.js';

const COLUMNS: readonly FittedColumn[] = [
  { title: 'cell', align: 'right' },
  { title: 'eval', align: 'left' },
  { title: 'model', align: 'left', least: 4 },
  { title: 'on, or drawn by', align: 'left', wraps: true, least: 4 },
  { title: 'seed', align: 'right' },
  { title: 'model calls', align: 'right' },
  { title: 'time', align: 'right' },
];

export function planTable(
  { cells, seconds }: { cells: readonly PlannedCell[]; seconds: number },
  screen: Screen,
): string {
  const apart = distinctionsOf(
    cells,
    ({ eval: name, model, dataset, seed }) => JSON.stringify([name, model, dataset, seed]),
    ({ samplerOptions = {} }) =>
      new Map(Object.entries(samplerOptions).map(([name, value]) => [name, String(value)])),
  );
  const rows = cells.map((one, i) => [
    String(one.cell),
    one.eval,
    plainText(one.model),
    [plainText(one.dataset), apart[i]].filter(Boolean).join(', '),
    one.seed === null ? '' : String(one.seed),
    one.state === 'not needed' ? '' : String(one.modelCalls),
    one.state !== 'to run' ? one.state : one.seconds === null ? '?' : about(one.seconds),
  ]);
  const waiting = cells.filter(({ state }) => state === 'to run');
  const unknown = waiting.filter((one) => one.seconds === null).length;
  const total = unknown === waiting.length && unknown > 0 ? '?' : about(seconds);
  const beside = unknown > 0 && unknown < waiting.length ? `, and ${unknown} of which nothing is known` : '';
  const told = `${waiting.length} of ${cells.length} cells to run, ${total} in all${beside}.`;
  return `${fittedTable(COLUMNS, rows, screen)}\n\n${wrap(told, screen.width).join('\n')}\n`;
}
