/** About src/printing/html.ts, src/report/page.ts, src/comparison/printed-differences.ts, src/history/page.ts, src/server/page.ts: all pages that are written, on a phone, a tablet and a screen, in the dark and in print. */
import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import type { Result } from '../../src/evals/registry.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { historyPage } from '../../src/history/page.js';
import type { Trend } from '../../src/history/trends.js';
import { formatResults } from '../../src/printing/formats.js';
import { resultsFile } from '../../src/records/record.js';
import { reportPage } from '../../src/report/page.js';
import { differencesWithin } from '../../src/report/report.js';
import { tracePage } from '../../src/sampling/trace-page.js';
import { servedPage } from '../../src/server/page.js';
import { trainingPage } from '../../src/training/training-page.js';
import { generatedResult } from '../comparison/generated-rows.js';
import { resultOfNats, rowsOfResults } from '../comparison/rows.js';
import { benchResult, frontierResult } from '../evals/throughput/bench-sample.js';
import { noBrowser, openPage } from './browser.js';

const SETS = ['ptb', 'wikitext-2', 'lm1b', 'lambada', 'ag_news', 'pubmed', 'arxiv'];
const SAMPLERS = ['ancestral', 'confidence', 'psi'];
const nats = (shift: number, jitter = 0) =>
  Array.from({ length: 40 }, (_, i) => 600 + 90 * Math.sin(3 * i) + shift + jitter * Math.sin(17 * i));

const perplexities = ['ar', 'mdlm', 'duo', 'duo-distilled-with-a-long-name'].flatMap((model, m) =>
  SETS.map((set, s) => {
    const result = resultOfNats(nats(3 * m * (s - 2), m === 0 ? 0 : 9 * ((s + m) % 3)), model, set);
    return { ...result, model: { ...result.model, family: model === 'ar' ? 'ar' : 'mdlm' } };
  }),
);

/** Twelve series of four points. */
const texts = ['ar', 'duo', 'mdlm', 'sedd'].flatMap((model, m) =>
  SAMPLERS.flatMap((sampler, s) =>
    [4, 8, 16, 32].map((steps) => {
      const [perplexity, seconds] = [(200 + 1500 / steps) * (1 + 0.03 * m), steps * (1 - 0.05 * (3 * m + s))];
      const one = generatedResult(model, steps, perplexity, 5.5 + 0.01 * s, seconds) as {
        samples: { sampler: object };
      };
      return {
        ...one,
        samples: { ...one.samples, path: null, sampler: { ...one.samples.sampler, name: sampler } },
      };
    }),
  ),
);

const benches = (batches: readonly number[]) =>
  batches.flatMap((batch) =>
    ['duo', 'mdlm', 'sedd', 'gidd'].flatMap((model, m) =>
      SAMPLERS.flatMap((sampler, s) =>
        [4, 8, 16].map((steps) => {
          const speed = ((9000 * Math.sqrt(batch)) / steps) * (1 + 0.06 * (3 * m + s));
          const one = benchResult(`${model} ${sampler} ${steps}`, model, speed);
          const perplexity = (200 + 1500 / steps) * (1 + 0.03 * m);
          one.samples.sampler = { name: sampler, options: {}, steps };
          one.metrics.genPpl = { value: perplexity, stderr: 9, ci95: [perplexity - 20, perplexity + 20] };
          one.throughput.batch = batch;
          return one;
        }),
      ),
    ),
  );

const sweeps = ['duo', 'mdlm', 'sedd'].flatMap((model, m) =>
  [4, 8, 16].map((steps, s) => {
    const one = frontierResult(model, 480 - 40 * m - 30 * s);
    return { ...one, sampler: { ...one.sampler, steps }, tokensPerSecond: 9000 / steps };
  }),
);

const trend = (dataset: string, changes: number): Trend => ({
  ...{ eval: 'ppl', model: 'duo', dataset, apart: '', metric: 'ppl', title: 'perplexity' },
  points: Array.from({ length: 60 }, (_, i) => {
    const value = 40 + 3 * Math.floor((i * (changes + 1)) / 60) + 0.3 * Math.sin(5 * i);
    return {
      at: new Date(Date.UTC(2026, 8, 1 + i)),
      commit: null,
      value,
      ci95: [value - 1, value + 1] as const,
    };
  }),
  changes: Array.from({ length: changes }, (_, i) => ({
    ...{ at: new Date(Date.UTC(2026, 8, 1 + Math.ceil((60 * (i + 1)) / (changes + 1)))), commit: 'abcdef1' },
    ...{ before: 40, after: 43, change: 0.07, interval: [0.05, 0.09] as const, isRelative: true },
  })),
});

const rows = rowsOfResults([...perplexities, ...texts]);
const reported = {
  ...{ title: 'A report', rows, differences: differencesWithin(rows.slice(0, 28), []), published: true },
  samples: [{ file: 'a.jsonl', model: 'duo', sampling: 'ancestral', count: 3, texts: ['long '.repeat(300)] }],
};
const page = (results: readonly object[], comparisons: object[] = []) =>
  formatResults(resultsFile(results as Result[], comparisons as never), 'html', EVALUATIONS);
const pair = (shift: number, file: string) =>
  rowsOfResults(
    SETS.map((on, s) => resultOfNats(nats(shift * s, 3 * shift), 'duo', on)),
    file,
  );

const PAGES: readonly [string, () => string | Promise<string>][] = [
  ['of a report', () => reportPage(reported)],
  ['of the table of a paper', () => reportPage({ ...reported, samples: [], paper: true })],
  [
    'of a comparison',
    () => formatDifferences(compareRows(pair(2, 'new.json'), pair(0, 'old.json')).differences, 'html'),
  ],
  [
    'of perplexities',
    () =>
      page(perplexities, [
        {
          a: 'ar',
          b: 'duo',
          dataset: 'ptb',
          deltaNll: 0.2,
          stderr: 0.04,
          ci95: [0.1, 0.3],
          significant: true,
        },
      ]),
  ],
  ['of throughputs', () => page(benches([8]))],
  ['of throughputs at several batches', () => page(benches([1, 4, 16]))],
  ['of sweeps', () => page(sweeps)],
  [
    'of a history',
    () => historyPage([trend('ptb', 0), trend('lm1b', 1), trend('sotu', 4)], 'Results over time'),
  ],
  [
    'of a training run',
    () =>
      trainingPage({
        ...{
          title: 'Training',
          lead: 'Step 400 of 400.',
          lossTitle: 'loss, nats per token',
          greatestNorm: 1,
        },
        curve: Float32Array.from({ length: 800 }, (_, i) => (i % 2 === 0 ? 5 + 3 * Math.exp(-i / 90) : 0.5)),
        heldOut: [100, 200, 300, 400].map((step) => ({ step, loss: 5.2 + 3 / step, stderr: 0.1 })),
        places: [
          { step: 380, label: 'curriculum ends' },
          { step: 400, label: 'diverged' },
        ],
        ...{
          caption: '',
          tables: [{ title: 'Data', rows: [['text', 'f'.repeat(64)]] }],
          command: 'duo-eval train',
        },
      }),
  ],
  [
    'of a trace',
    () =>
      tracePage({
        ...{ title: 'Samples', lead: 'psi, 2 steps', given: null, maskTokenId: 7, textOf: () => ' word' },
        samples: [
          {
            sample: 0,
            prior: new Int32Array(64).fill(7),
            steps: [0, 32].map((from) => ({
              at: Int32Array.from({ length: 32 }, (_, i) => from + i),
              tokens: new Int32Array(32),
            })),
          },
        ],
      }),
  ],
  [
    'that serves a model',
    () =>
      servedPage(
        {
          name: 'duo',
          drawnLength: 128,
          checkpoint: { family: 'duo', signature: { fixedLength: null } },
        } as never,
        true,
      ),
  ],
];

/** Texts of one drawing that lie on each other, by their boxes. */
const OVERLAPS = `[...document.querySelectorAll('svg')].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll('text')]
    .map((one) => ({ text: one.textContent, box: one.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0);
  return boxes.flatMap((a, i) =>
    boxes.slice(i + 1)
      .filter(({ box: b }) => a.box.left < b.right - 1 && b.left < a.box.right - 1 && a.box.top < b.bottom - 2 && b.top < a.box.bottom - 2)
      .map((b) => a.text + ' / ' + b.text));
})`;
/** Texts of drawings that are cut off at their edges. */
const CUT = `[...document.querySelectorAll('figure.plot svg')].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1 || box.top < frame.top - 1);
  }).map((one) => one.textContent);
})`;
/** The smallest text of a drawing, in pixels of the screen. */
const SMALLEST = `Math.min(...[...document.querySelectorAll('figure.plot svg text')].map((one) => one.getBoundingClientRect().height).filter((height) => height > 0 ), 99)`;

describe.skipIf(noBrowser).each(PAGES)('the page %s', (name, source) => {
  it('is read at every width, in light, dark and print', async () => {
    const { page, complaints, close } = await openPage(await source(), 400);
    for (const width of [400, 800, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      for (const look of [
        { media: 'screen', colorScheme: 'light' },
        { media: 'screen', colorScheme: 'dark' },
        { media: 'print', colorScheme: 'dark' },
      ] as const) {
        await page.emulateMedia(look);
        const where = `${width} wide, ${look.colorScheme}, ${look.media}`;
        const [over, overlaps, cut, smallest, colours] = (await page.evaluate(
          `[document.documentElement.scrollWidth - innerWidth, ${OVERLAPS}, ${CUT}, ${SMALLEST},
            [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]]`,
        )) as [number, string[], string[], number, string[]];
        expect(over, `sideways scrolling, ${where}`).toBeLessThanOrEqual(0);
        expect(overlaps, where).toEqual([]);
        expect(cut, `cut off, ${where}`).toEqual([]);
        expect(smallest, where).toBeGreaterThan(9);
        const isDark = look.media === 'screen' && look.colorScheme === 'dark';
        expect(colours[0], where).toBe(isDark ? 'rgb(20, 24, 29)' : 'rgb(255, 255, 255)');
        expect(colours[0]).not.toBe(colours[1]);
      }
    }
    if (name !== 'that serves a model')
      expect(await page.locator('time').innerText()).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(complaints).toEqual([]);
    await close();
  });
});

it.skipIf(noBrowser)(
  'a report of twelve series names each of them, wide and narrow, with looks that differ',
  async () => {
    const { page, close } = await openPage(reportPage(reported), 1280);
    const speed = page
      .locator('figure.plot', { has: page.getByText('tokens per second (log)').first() })
      .first();
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 900 });
      const drawing = speed.locator('svg.drawn:visible').first();
      const names = (await drawing.locator('> text').allTextContents()).map((text) =>
        text.replace(/, \d+ steps$/, ''),
      );
      for (const model of ['ar', 'duo', 'mdlm', 'sedd'])
        for (const sampler of SAMPLERS) expect(names, `${width} wide`).toContain(`${model}, ${sampler}`);
    }
    const looks = await speed.locator('.legend li svg').evaluateAll((all) => all.map((one) => one.outerHTML));
    expect(new Set(looks.slice(0, 12)).size).toBe(12);
    await close();
  },
);
