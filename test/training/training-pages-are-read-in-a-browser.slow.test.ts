import { afterAll, describe, expect, it } from 'vitest';
import { type TrainingPage, trainingPage } from '../../src/training/training-page.js';
import { noBrowser, type OpenedPage, openPage } from '../printing/browser.js';

const attack = '"><script>document.title = "taken"</script><img src=x onerror=alert(1)>';
const STEPS = 100_000;

/** Falls from 8 to 5, with waves of steps around it; the gradient norm to 0.5. */
function curveOf(steps: number): Float32Array {
  const curve = new Float32Array(2 * steps);
  for (let i = 0; i < steps; i++) {
    const falling = Math.exp((-8 * i) / steps);
    curve[2 * i] = 5 + 3 * falling + Math.sin(7 * i);
    curve[2 * i + 1] = 0.5 + 4 * falling;
  }
  return curve;
}

const pageOf = (steps: number, changes: Partial<TrainingPage> = {}) =>
  trainingPage({
    title: `Training ${attack}`,
    lead: attack,
    curve: curveOf(steps),
    lossTitle: 'loss, nats per token',
    heldOut: Array.from({ length: Math.min(steps, 200) }, (_, i) => ({
      step: Math.ceil(((i + 1) * steps) / Math.min(steps, 200)),
      loss: 5.2 + 3 / (i + 1),
      stderr: 0.1,
    })),
    places: [
      { step: steps / 2, label: 'curriculum ends' },
      { step: 2 * steps, label: 'not reached' },
    ],
    greatestNorm: 1,
    caption: attack,
    tables: [{ title: 'Data', rows: [[attack, 'f'.repeat(64)]] }],
    command: `duo-eval train --out '${attack}'`,
    ...changes,
  });

const opened: OpenedPage[] = [];
const open = async (source: string, width?: number, scheme?: 'light' | 'dark') => {
  const page = await openPage(source, width, scheme);
  opened.push(page);
  return page;
};
afterAll(() => Promise.all(opened.map(({ close }) => close())));

describe('the page of a training run', () => {
  it('refers to nothing outside itself, and stays small however many steps there were', () => {
    const source = pageOf(STEPS);
    expect(source).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(source).not.toMatch(/url\((?!#)|@import|https?:/);
    expect(source.length).toBeLessThan(100_000);
  });

  it.skipIf(noBrowser)('draws many steps as a band with a smooth line in it, inside the frame', async () => {
    const { page, complaints } = await open(pageOf(STEPS));
    const loss = page.locator('figure.plot .wide').first();
    expect(await loss.locator('.band path').count()).toBe(1);
    const [frame, line, band] = await Promise.all([
      loss.locator('.axis').first().boundingBox(),
      loss.locator('.line path').first().boundingBox(),
      loss.locator('.band path').boundingBox(),
    ]);
    expect(line!.width / frame!.width).toBeGreaterThan(0.98);
    expect(line!.height).toBeGreaterThan(0.3 * frame!.height);
    expect(band!.height).toBeGreaterThan(line!.height);
    // Down, and never up by more than a hair: what single steps do is smoothed away.
    const d = (await loss.locator('.line path').first().getAttribute('d'))!;
    const heights = [...d.matchAll(/[ML][\d.]+,([\d.]+)/g)].map(([, y]) => Number(y));
    expect(heights.at(-1)! - heights[0]).toBeGreaterThan(80);
    for (let i = 1; i < heights.length; i++) expect(heights[i] - heights[i - 1]).toBeGreaterThan(-3);
    expect(complaints).toEqual([]);
  });

  it.skipIf(noBrowser)('draws few steps one by one', async () => {
    const { page } = await open(pageOf(20, { heldOut: [] }));
    const loss = page.locator('figure.plot .wide').first();
    expect(await loss.locator('.band path').count()).toBe(0);
    const d = (await loss.locator('.line path').first().getAttribute('d'))!;
    expect(d.match(/[ML]/g)).toHaveLength(20);
    expect(await loss.locator('.mark').count()).toBe(0);
    expect(await page.locator('th', { hasText: 'held-out' }).count()).toBe(0);
  });

  it.skipIf(noBrowser)(
    'marks held-out losses with their intervals, and what changes on the way',
    async () => {
      const { page } = await open(pageOf(1000, { heldOut: [{ step: 500, loss: 5.5, stderr: 0.1 }] }));
      const loss = page.locator('figure.plot .wide').first();
      const [bar, frame, end] = await Promise.all([
        loss.locator('.mark line').boundingBox(),
        loss.locator('.axis').first().boundingBox(),
        loss.locator('.at line').first().boundingBox(),
      ]);
      expect(bar!.height).toBeGreaterThan(5);
      expect((bar!.x - frame!.x) / frame!.width).toBeCloseTo(0.5, 2);
      expect((end!.x - frame!.x) / frame!.width).toBeCloseTo(0.5, 2);
      expect(await page.locator('text:visible', { hasText: 'curriculum ends' }).count()).toBe(2);
      expect(await page.getByText('not reached').count()).toBe(0);
      for (const part of ['line', '.shape'])
        expect(await loss.locator(`.mark ${part}`).getAttribute(part === 'line' ? 'stroke' : 'fill')).toBe(
          'var(--series-1)',
        );
      await loss.locator('.mark').focus();
      expect(await page.locator('.details').first().innerText()).toContain('5.5000 ± 0.1000');
    },
  );

  it.skipIf(noBrowser)('tells the same in figures, and how to repeat it', async () => {
    const { page, complaints } = await open(pageOf(STEPS));
    const rows = page.locator('table').first().locator('tbody tr');
    expect(await rows.count()).toBe(12);
    expect(await rows.last().innerText()).toMatch(
      /91,667 to 100,000\s+5\.00\d\d\s+0\.5\d+\s+5\.2150 ± 0\.1000/,
    );
    expect(await page.locator('pre').innerText()).toContain(attack);
    expect(await page.title()).toContain('taken"</script>');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it.skipIf(noBrowser)('shows a single step', async () => {
    const { page } = await open(pageOf(1));
    const dot = await page.locator('.line path').first().getAttribute('d');
    expect(dot).toMatch(/^M[\d.]+,[\d.]+Z$/);
  });

  it('holds before any step', () => {
    expect(pageOf(0)).toContain('No steps yet.');
  });

  it.skipIf(noBrowser).each([360, 768, 1400])(
    'fits a window %d wide, in the dark and in print',
    async (width) => {
      const { page, complaints } = await open(pageOf(STEPS), width, 'dark');
      const overflow = () => page.evaluate('document.documentElement.scrollWidth - innerWidth');
      const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(await overflow()).toBeLessThanOrEqual(0);
      expect(await paper()).toBe('rgb(20, 24, 29)');
      await page.emulateMedia({ media: 'print' });
      expect(await paper()).toBe('rgb(255, 255, 255)');
      expect(complaints).toEqual([]);
    },
  );
});
