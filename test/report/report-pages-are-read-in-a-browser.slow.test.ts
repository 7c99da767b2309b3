import { afterAll, describe, expect, it } from 'vitest';
import { reportPage } from '../../src/report/page.js';
import { differencesWithin } from '../../src/report/report.js';
import { generatedResult } from '../comparison/generated-rows.js';
import { resultOfNats, rowsOfResults } from '../comparison/rows.js';
import { noBrowser, type OpenedPage, openPage } from '../printing/browser.js';

const attack = '"><script>document.title = "taken"</script><img src=x onerror=alert(1)>';
const nats = (shift: number) => Array.from({ length: 40 }, (_, i) => 600 + 90 * Math.sin(3 * i) + shift);
const rows = rowsOfResults([
  ...['duo', attack].flatMap((name, i) =>
    ['ptb', 'lm1b', attack].map((on) => resultOfNats(nats(3 * i), name, on)),
  ),
  ...[8, 32, 128].map((steps) => generatedResult('duo', steps, 400 / Math.log2(steps), 5.5, steps)),
  generatedResult(attack, 32, 90, 5.52, 40),
]);
const source = reportPage({
  title: `A report ${attack}`,
  rows,
  differences: differencesWithin(rows, []),
  samples: [
    { file: attack, model: attack, sampling: attack, count: 3, texts: [attack, 'long '.repeat(300)] },
  ],
  published: true,
});

const opened: OpenedPage[] = [];
const open = async (width?: number, scheme?: 'light' | 'dark') => {
  const page = await openPage(source, width, scheme);
  opened.push(page);
  return page;
};
afterAll(() => Promise.all(opened.map(({ close }) => close())));

describe('the page of a report', () => {
  it('refers to nothing outside itself', () => {
    expect(source).not.toMatch(/(?:src|href)="(?!data:|#)/);
    expect(source).not.toMatch(/url\(|@import/);
  });

  it.skipIf(noBrowser)('shows every row, and names as text', async () => {
    const { page, complaints } = await open();
    const section = (id: string) => page.locator(`section#${id}`);
    expect(await section('zero-shot-perplexity').locator('> .scroll tbody tr').count()).toBe(6);
    expect(await section('generated-text').locator('> .scroll tbody tr').count()).toBe(4);
    expect(await section('generated-text').locator('figure.plot').count()).toBe(2);
    expect(await section('samples').locator('.sample').first().innerText()).toBe(attack);
    expect(await page.title()).toContain('taken"</script>');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it.skipIf(noBrowser)('leads to every section from its contents', async () => {
    const { page } = await open();
    const links = await page
      .locator('nav a')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')!));
    expect(links.length).toBeGreaterThanOrEqual(7);
    for (const link of links) expect(await page.locator(link).count(), link).toBe(1);
  });

  it.skipIf(noBrowser)('draws the front only through what no other beats, at matched entropy', async () => {
    const { page } = await open();
    const path = await page.locator('figure.plot').first().locator('.wide .front path').getAttribute('d');
    expect(path!.match(/[ML]/g)!.length).toBeGreaterThanOrEqual(2);
    const apart = reportPage({
      title: 'Apart',
      rows: rowsOfResults([generatedResult('a', 8, 90, 5.5), generatedResult('b', 8, 60, 5.1, 20)]),
      differences: [],
      samples: [],
      published: false,
    });
    expect(apart).not.toMatch(/class="front"[^>]*><path/);
    expect(source).toMatch(/class="front"[^>]*><path/);
    expect(apart).toContain('One panel a band of entropies');
    expect(apart).toContain('do not compare');
  });

  it.skipIf(noBrowser).each([360, 768, 1400])(
    'fits a window %d wide, in the dark and in print',
    async (width) => {
      const { page, complaints } = await open(width, 'dark');
      const overflow = () => page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(await overflow()).toBeLessThanOrEqual(0);
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(20, 24, 29)');
      await page.emulateMedia({ media: 'print' });
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
        'rgb(255, 255, 255)',
      );
      expect(await page.locator('nav').isVisible()).toBe(false);
      expect(complaints).toEqual([]);
    },
  );
});
