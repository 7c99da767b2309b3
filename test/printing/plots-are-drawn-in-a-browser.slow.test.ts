import { describe, expect, it } from 'vitest';
import { htmlPage } from '../../src/printing/html/page.js';
import { PLOT_SCRIPT, type PlotPoint, scatterPlot } from '../../src/printing/html/scatter-plot.js';
import { noBrowser, openPage } from './browser.js';

const attack = '"><script>document.title = "taken"</script><img src=x onerror=alert(1)>';
const point = (x: number, y: number, series: string, onFront = false): PlotPoint => ({
  x,
  y,
  xInterval: [x * 0.9, x * 1.1],
  yInterval: [y * 0.9, y * 1.1],
  series,
  label: `${series} ${x}`,
  details: [
    ['tokens/s', String(x)],
    ['text', attack],
  ],
  onFront,
});
const points = [
  point(100, 40, 'ar', true),
  point(800, 60, 'duo', true),
  point(3000, 90, 'duo', true),
  point(3000, 200, attack),
  { ...point(10, 10, 'duo'), x: Number.NaN },
];
const source = htmlPage({
  title: `Plot ${attack}`,
  lead: attack,
  body: scatterPlot({
    x: { title: 'tokens per second', scale: 'log' },
    y: { title: 'generative perplexity', scale: 'linear' },
    points,
    caption: 'Three.',
  }),
  script: PLOT_SCRIPT,
});

describe('a page with a plot', () => {
  it('refers to nothing outside itself', () => {
    expect(source).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(source).not.toMatch(/url\(|@import|https?:/);
  });

  it('writes names of others as the text they are, entities too', () => {
    const named = (series: string) =>
      scatterPlot({
        x: { title: 'tokens per second', scale: 'log' },
        y: { title: 'generative perplexity', scale: 'linear' },
        points: [{ ...point(10, 10, series), label: series }],
        caption: '',
      }).source;
    expect(named('a&quot;b')).toContain('data-label="a&amp;quot;b"');
    expect(named('</text><b>')).not.toContain('<b>');
  });

  it('draws a point hollow when nothing says how sure its figure is', () => {
    const drawn = (yInterval: PlotPoint['yInterval']) =>
      scatterPlot({
        x: { title: 'tokens per second', scale: 'log' },
        y: { title: 'generative perplexity', scale: 'linear' },
        points: [{ ...point(10, 10, 'duo'), yInterval }],
        caption: '',
      }).source;
    expect(drawn(null)).toMatch(/class="shape"[^>]*fill="var\(--paper\)"/);
    expect(drawn(null)).toContain('hollow: no 95% interval');
    expect(drawn([9, 11])).not.toMatch(/class="shape"[^>]*fill="var\(--paper\)"/);
    expect(drawn([9, 11])).not.toContain('hollow');
  });

  it('says what could not be drawn', () => {
    expect(source).toContain('1 of 5 configurations have no place here');
  });

  it.skipIf(noBrowser)('is drawn, and tells details of a mark that is pointed at', async () => {
    const { page, complaints, close } = await openPage(source);
    expect(await page.locator('.mark:visible').count()).toBe(4);
    const box = await page.locator('.mark .shape').first().boundingBox();
    expect(box!.width).toBeGreaterThan(5);
    await page.locator('.mark').nth(1).hover();
    expect(await page.locator('.details').innerText()).toContain('800');
    await page.locator('.mark').nth(2).focus();
    expect(await page.locator('.details').innerText()).toContain('3000');
    expect(await page.locator('.details').innerText()).toContain(attack);
    expect(await page.title()).not.toBe('taken');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it.skipIf(noBrowser)('draws the front through its marks, from left to right', async () => {
    const { page, close } = await openPage(source);
    const path = (await page.locator('.plot .wide .front path').getAttribute('d'))!;
    const xs = [...path.matchAll(/[ML]([\d.]+)/g)].map(([, x]) => Number(x));
    expect(xs).toHaveLength(3);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    await close();
  });

  it.skipIf(noBrowser).each([360, 768, 1400])(
    'fits a window %d wide, in the dark and in print',
    async (width) => {
      const { page, complaints, close } = await openPage(source, width, 'dark');
      const overflow = () => page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(await overflow()).toBeLessThanOrEqual(0);
      const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(await paper()).toBe('rgb(20, 24, 29)');
      await page.emulateMedia({ media: 'print' });
      expect(await paper()).toBe('rgb(255, 255, 255)');
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
