/** About src/printing/html/forest-plot.ts and src/comparison/printed-differences.ts */
import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import { type ForestRow, forestPlot } from '../../src/printing/html/forest-plot.js';
import { resultOfNats, rowsOfResults } from './rows.js';

const row = (value: number, ci95: ForestRow['ci95'], place = 'ptb'): ForestRow => ({
  ...{ pair: 'a − b', place, value, ci95, stderr: ci95 && (ci95[1] - ci95[0]) / 4, judgedBy: '38 pairs' },
});
const drawn = (...rows: ForestRow[]) => forestPlot({ figure: 'nats/token', rows }).source;
/** The x of all lines of a class, in the drawing for wide windows. */
const linesOf = (source: string, name: string) => {
  const [wide] = source.split('<div class="narrow">');
  const group = new RegExp(`class="${name}"[^>]*>(.*?)</g>`).exec(wide)?.[1] ?? '';
  return [...group.matchAll(/x2="([\d.]+)" x1="([\d.]+)"/g)].map(([, x2, x1]) => [Number(x1), Number(x2)]);
};

describe('a forest of differences', () => {
  it('draws each interval on the side of the line at 0 where it is', () => {
    const source = drawn(row(0.2, [0.1, 0.3]), row(-0.2, [-0.3, -0.1]), row(0.05, [-0.1, 0.2]));
    const [[zero]] = linesOf(source, 'zero');
    const [right, left] = linesOf(source, 'sure');
    expect(right[0]).toBeGreaterThan(zero);
    expect(left[1]).toBeLessThan(zero);
    const [[low, high]] = linesOf(source, 'chance');
    expect(low).toBeLessThan(zero);
    expect(high).toBeGreaterThan(zero);
  });

  it('marks what holds 0 and what has no interval, in words too', () => {
    const source = drawn(row(0.05, [-0.1, 0.2]), row(0.1, null, 'lm1b'));
    expect(source).toContain('~ a − b, ptb');
    expect(source).toContain('? a − b, lm1b');
    expect(source).toContain('~ it holds 0: may be chance');
    expect(source).toContain('? hollow: no interval');
    expect(source).not.toContain('the interval leaves out 0');
    expect(drawn(row(0.2, [0.1, 0.3]))).not.toContain('may be chance');
  });

  it('has a table beside it, with the unit', () => {
    const source = drawn(row(0.2, [0.1, 0.3]));
    expect(source).toContain('difference of nats/token');
    expect(source).toMatch(
      /<td class="number">0\.200 ± 0\.050<\/td><td class="number">\[0\.10, 0\.30\]<\/td>/,
    );
  });

  it('keeps what others wrote as text', () => {
    const hostile = forestPlot({
      figure: 'f',
      rows: [{ ...row(1, null), pair: '<script>alert(1)</script>' }],
    });
    expect(hostile.source).not.toContain('<script>');
  });

  it('says how many of very many rows it draws', () => {
    const source = drawn(...Array.from({ length: 61 }, (_, i) => row(i, [i - 1, i + 1], `set ${i}`)));
    expect(source).toContain('The first 60 of 61 are drawn');
    expect(source).toContain('<td class="text">set 60</td>');
  });
});

describe('a page of compare', () => {
  const nats = (shift: number) =>
    Array.from({ length: 40 }, (_, i) => 600 + 90 * Math.sin(3 * i) + shift + 3 * Math.sin(17 * i * shift));
  const rows = (shift: number, file: string) =>
    rowsOfResults(
      ['ptb', 'lm1b'].map((on) => resultOfNats(nats(shift), 'duo', on)),
      file,
    );

  it('draws its differences, a forest per figure', () => {
    const { differences } = compareRows(rows(20, 'new.json'), rows(0, 'old.json'));
    const page = formatDifferences(differences, 'html');
    expect(page).toContain('<figure class="plot forest">');
    expect(page.match(/<figure/g)).toHaveLength(1);
    expect(page).toContain('duo: new.json − old.json, ptb');
    expect(page).toContain('All differences');
  });
});
