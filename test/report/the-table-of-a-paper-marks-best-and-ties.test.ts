/** About src/report/paper-table.ts */
import { describe, expect, it } from 'vitest';
import { paperCsv, paperLatex, paperSection, paperText } from '../../src/report/paper-table.js';
import { resultOfNats, rowsOfResults } from '../comparison/rows.js';

const wave = (shift: number, jitter = 0) =>
  Array.from({ length: 40 }, (_, i) => 600 + 90 * Math.sin(3 * i) + shift + jitter * Math.sin(17 * i));
const of = (nats: number[], model: string, dataset: string) => {
  const result = resultOfNats(nats, model, dataset);
  const family = model === 'ar' ? 'ar' : 'mdlm';
  return { ...result, model: { ...result.model, family: family as 'ar' | 'mdlm' } };
};
const results = [
  ...[of(wave(0), 'ar', 'ptb'), of(wave(0), 'ar', 'wikitext_2'), of(wave(0), 'ar', 'lm1b')],
  ...[of(wave(-20), 'mdlm', 'ptb'), of(wave(1, 9), 'mdlm', 'wikitext_2'), of(wave(20), 'mdlm', 'lm1b')],
];

describe('the table of a paper', () => {
  const section = paperSection(rowsOfResults(results));
  const [ar, mdlm] = section!.tables[0].rows; // two models share it

  it('marks the best of a data set, and what is not surely worse', () => {
    expect(ar.slice(1, 4).map((cell) => cell.slice(0, 2))).toEqual([ar[1].slice(0, 2), '* ', '* ']);
    expect(ar[1]).not.toMatch(/^[*~]/);
    expect(mdlm[1]).toMatch(/^\* [\d.]+ \[\d+, \d+\]$/);
    expect(mdlm[2]).toMatch(/^~ /);
    expect(mdlm[3]).not.toMatch(/^[*~]/);
  });

  it('counts where a model beats the autoregressive one, and what the intervals allow', () => {
    expect(ar[4]).toBe('');
    expect(mdlm[4]).toBe('1 of 3 (1 to 2)');
  });

  it('is there in LaTeX, with names of others escaped', () => {
    const text = paperLatex(rowsOfResults(results)) ?? '';
    expect(text).toContain('model & ptb & wikitext\\_2 & lm1b & beats ar on \\\\');
    expect(text).toMatch(
      /^mdlm & \$\\mathbf\{[\d.]+\}\$ \{\\scriptsize \$\[\d+, \d+\]\$\} & \\underline\{\$/m,
    );
    expect(text.split('\n').filter((line) => line.endsWith(' \\\\'))).toHaveLength(3);
  });

  it('is split at the width of a terminal, each interval below its figure', () => {
    const rows = rowsOfResults(results);
    const [wide, narrow] = [120, 36].map((width) => paperText(rows, { width, color: false }) ?? '');
    for (const line of narrow.split('\n')) expect(line.length).toBeLessThanOrEqual(36);
    const heads = (text: string) => text.split('\n').filter((line) => line.startsWith('model '));
    expect(heads(wide)).toHaveLength(1);
    expect(heads(narrow).length).toBeGreaterThan(1);
    for (const name of ['ptb', 'wikitext_2', 'lm1b', 'beats ar on'])
      expect(heads(narrow).join('\n')).toContain(name);
    expect(wide).toMatch(/^mdlm +\* [\d.]+ .*1 of 3 \(1 to 2\)\n +\[\d+, \d+\]/m);
  });

  it('is a line per model in CSV, with ends of intervals, ranks and the count', () => {
    const [head, ...lines] = (paperCsv(rowsOfResults(results)) ?? '').trimEnd().split(/\r?\n/);
    expect(head).toBe(
      `model,${['ptb', 'wikitext_2', 'lm1b'].map((name) => `${name},${name}_ci95_low,${name}_ci95_high,${name}_rank`).join(',')},baseline,beats,beats_of,beats_least,beats_most`,
    );
    const cells = lines.map((line) => line.split(','));
    expect(cells.map((line) => [line[0], line[4], line[8], line[12]])).toEqual([
      ['ar', '', 'best', 'best'],
      ['mdlm', 'best', 'tied', ''],
    ]);
    expect(cells[1].slice(13)).toEqual(['ar', '1', '3', '1', '2']);
    const [value, low, high] = cells[1].slice(1, 4).map(Number);
    expect(low).toBeLessThan(value);
    expect(value).toBeLessThan(high);
  });

  it('is not there for one model', () => {
    const rows = rowsOfResults([results[0]]);
    expect([paperSection, paperText, paperCsv, paperLatex].map((of) => of(rows))).toEqual([
      ...[null, null, null, null],
    ]);
  });
});
