/** What a suite would run, for a terminal. */

import type { Screen } from '../../printing/formats.js';
import { GAP, layOut } from '../../printing/layout.js';
import { distinctionsOf } from '../../records/distinctions.js';
import { displayWidth, plainText, truncateMiddle, wrap } from '../../terminal-text.js';

interface Planned {
  cell: number;
  eval: string;
  model: string;
  dataset: string;
  samplerOptions?: Readonly<Record<string, unknown>>;
  seed: number | null;
  modelCalls: number;
  state: string;
  seconds: number | null;
}

/** Columns that give way where the screen is narrow: the model, and what it is evaluated on. */
const DRAWN_BY = 3;
const NAMES = [2, DRAWN_BY];
const NARROWEST_NAME = 4;

export function planTable(
  { cells, seconds }: { cells: readonly Planned[]; seconds: number },
  screen: Screen,
): string {
  const titles = ['cell', 'eval', 'model', 'on, or drawn by', 'seed', 'model calls', 'time'];
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
  const widths = titles.map((title, i) =>
    Math.max(...[title, ...rows.map((row) => row[i])].map(displayWidth)),
  );
  const spare = () => screen.width - widths.reduce((sum, width) => sum + width + GAP, -GAP);
  while (spare() < 0) {
    const widest = NAMES.reduce((a, b) => (widths[b] > widths[a] ? b : a));
    if (widths[widest] <= NARROWEST_NAME) break;
    widths[widest]--;
  }
  const columns = titles.map((title, i) => ({
    title,
    align: [1, ...NAMES].includes(i) ? ('left' as const) : ('right' as const),
    width: widths[i],
  }));
  const lines = (cell: string, i: number) => (i === DRAWN_BY ? wrap(cell, widths[i]) : [cell]);
  const cut = rows.map((row) =>
    row.map((cell, i) =>
      lines(cell, i)
        .map((line) => truncateMiddle(line, widths[i]))
        .join('\n'),
    ),
  );
  const waiting = cells.filter(({ state }) => state === 'to run');
  const unknown = waiting.filter((one) => one.seconds === null).length;
  const total = unknown === waiting.length && unknown > 0 ? '?' : about(seconds);
  const beside = unknown > 0 && unknown < waiting.length ? `, and ${unknown} of which nothing is known` : '';
  const told = `${waiting.length} of ${cells.length} cells to run, ${total} in all${beside}.`;
  return `${layOut(columns, cut, screen.color)}\n\n${wrap(told, screen.width).join('\n')}\n`;
}

/** `about 12 s`, `about 5 min`, `about 3.2 h`. */
export function about(seconds: number): string {
  if (seconds < 0.95) return seconds === 0 ? 'no time' : 'about 1 s';
  if (seconds < 90) return `about ${Math.round(seconds)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}
