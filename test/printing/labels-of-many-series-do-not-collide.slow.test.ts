/** About src/printing/html/scatter-plot.ts: twelve lines of four points, close together. */
import { expect, it } from 'vitest';
import { htmlPage } from '../../src/printing/html/page.js';
import { type PlotPoint, scatterPlot } from '../../src/printing/html/scatter-plot.js';
import { noBrowser, openPage } from './browser.js';

const points = ['ar', 'duo', 'mdlm', 'sedd'].flatMap((model, m) =>
  ['ancestral', 'confidence', 'psi'].flatMap((sampler, s) =>
    [4, 8, 16, 32].map((steps): PlotPoint => {
      const [x, y] = [(20_000 / steps) * (1 + 0.05 * (3 * m + s)), 200 + (1500 / steps) * (1 + 0.03 * m)];
      return {
        ...{ x, y, xInterval: [0.95 * x, 1.05 * x], yInterval: [0.92 * y, 1.08 * y], onFront: false },
        ...{ series: `${model}, ${sampler}`, kind: [model, sampler], label: `${steps} steps`, details: [] },
      };
    }),
  ),
);
const source = htmlPage({
  ...{ title: 'Twelve', lead: '', script: '' },
  body: scatterPlot({
    x: { title: 'tokens per second', scale: 'log' },
    y: { title: 'generative perplexity', scale: 'log' },
    ...{ points, joined: true, caption: '' },
  }),
});

it.skipIf(noBrowser).each([400, 800, 1280])(
  'names every line in a window %d wide, each on free ground',
  async (width) => {
    const { page, complaints, close } = await openPage(source, width);
    const labels: { text: string; left: number; right: number; top: number; bottom: number }[] =
      await page.evaluate(`[...document.querySelectorAll('.plot svg > text')].map((one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return { text: one.textContent, left, right, top, bottom };
    })`);
    const names = labels.filter(({ text, right, left }) => text.includes(', ') && right > left);
    expect(new Set(names.map(({ text }) => text.replace(/, \d+ steps$/, ''))).size).toBe(12);
    const overlapping = labels.flatMap((a, i) =>
      labels
        .slice(i + 1)
        .filter((b) => a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom)
        .map((b) => `${a.text} / ${b.text}`),
    );
    expect(overlapping).toEqual([]);
    const looks: string[] = await page.evaluate(
      `[...document.querySelectorAll('.legend li svg')].map((one) => one.outerHTML)`,
    );
    expect(new Set(looks).size).toBe(12);
    expect(complaints).toEqual([]);
    await close();
  },
);
