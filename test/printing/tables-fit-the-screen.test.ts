/** About src/printing/layout.ts */
import { describe, expect, it } from 'vitest';
import { type FittedColumn, fittedTable } from '../../src/printing/layout.js';
import { breakWord, displayWidth } from '../../src/terminal-text.js';

const columns: FittedColumn[] = [
  { title: 'model', align: 'left', wraps: true, least: 8 },
  { title: 'file', align: 'left', least: 9 },
  { title: 'loss', align: 'right' },
  { title: 'judged by', align: 'left', optional: true },
];
const rows = [
  ['duo-distilled-checkpoint-0004', 'runs/2026/first-long-name.json', '4.125', 'pairs'],
  ['mdlm small', 'b.json', '14.5', 'intervals'],
];
const at = (width: number) => fittedTable(columns, rows, { width, color: false }).split('\n');
const widest = (lines: string[]) => Math.max(...lines.map(displayWidth));

describe('a table', () => {
  it('shows everything where there is room', () => {
    const text = at(200).join('\n');
    for (const cell of rows.flat()) expect(text).toContain(cell);
  });

  it.each([70, 60, 50, 40, 34])('is at most %i columns wide, and loses no letter of what wraps', (width) => {
    const lines = at(width);
    expect(widest(lines)).toBeLessThanOrEqual(width);
    const model = lines.slice(2).map((line) => line.slice(0, line.search(/ {2}|$/)));
    expect(model.join('').replaceAll(' ', '')).toContain('duo-distilled-checkpoint-0004');
    for (const number of ['4.125', '14.5']) expect(lines.join('\n')).toContain(number);
  });

  it('leaves an optional column out before it breaks a word', () => {
    expect(at(65)[0]).toContain('judged by');
    const narrow = at(50);
    expect(narrow[0]).not.toContain('judged by');
    expect(narrow.join('\n')).toContain('duo-distilled-checkpoint-0004');
  });

  it('cuts the middle of what does not wrap', () => {
    expect(at(40).join('\n')).toMatch(/runs\S*…\S*json/);
  });
});

it.each([
  ['duo-distilled-checkpoint', 10, ['duo-', 'distilled-', 'checkpoint']],
  ['abcdefgh', 3, ['abc', 'def', 'gh']],
  ['扩散模型', 5, ['扩散', '模型']],
  ['fits', 4, ['fits']],
])('%s in %i columns', (word, width, lines) => {
  expect(breakWord(word, width)).toEqual(lines);
});
