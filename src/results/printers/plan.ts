/** What a suite would run, for a terminal. */
import { displayWidth, plainText, truncateMiddle } from '../../terminal-text.js';
import type { Screen } from './index.js';
import { layOut } from './layout.js';

interface Planned {
  cell: number;
  model: string;
  dataset: string;
  seed: number | null;
  modelCalls: number;
  state: string;
  seconds: number | null;
}

const WIDEST_NAME = 24;

export function planTable(
  { cells, seconds }: { cells: readonly Planned[]; seconds: number },
  screen: Screen,
): string {
  const titles = ['cell', 'model', 'dataset', 'seed', 'model calls', 'time'];
  const rows = cells.map((one) => [
    String(one.cell),
    plainText(one.model),
    plainText(one.dataset),
    one.seed === null ? '' : String(one.seed),
    String(one.modelCalls),
    one.state !== 'to run' ? one.state : one.seconds === null ? 'not known' : about(one.seconds),
  ]);
  const widths = titles.map((title, i) =>
    Math.min(WIDEST_NAME, Math.max(...[title, ...rows.map((row) => row[i])].map(displayWidth))),
  );
  const columns = titles.map((title, i) => ({
    title,
    align: i === 1 || i === 2 ? ('left' as const) : ('right' as const),
    width: widths[i],
  }));
  const cut = rows.map((row) => row.map((cell, i) => truncateMiddle(cell, widths[i])));
  const waiting = cells.filter(({ state }) => state === 'to run').length;
  return `${layOut(columns, cut, screen.color)}\n\n${waiting} of ${cells.length} cells to run, ${about(seconds)} in all.\n`;
}

/** `about 12 s`, `about 5 min`, `about 3.2 h`. */
export function about(seconds: number): string {
  if (seconds < 0.95) return seconds === 0 ? 'no time' : 'about 1 s';
  if (seconds < 90) return `about ${Math.round(seconds)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}
