import { describe, expect, it } from 'vitest';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatHtml } from '../../src/printing/html.js';
import { resultsFile } from '../../src/records/record.js';
import { benchResult, frontierResult } from '../evals/throughput/bench-sample.js';
import { sampleFile } from '../records/sample.js';
import { noBrowser, openPage } from './browser.js';

const attack = '<img src=x onerror="document.title=1">';

describe('results as a page', () => {
  it('has the rows, differences and notes of the table', () => {
    const page = formatHtml(sampleFile(), EVALUATIONS);
    for (const { model, dataset } of sampleFile().results) {
      expect(page).toContain(model.name);
      expect(page).toContain(dataset.name);
    }
    expect(page).toContain('Difference in nats per text token');
    expect(page).toContain('standard error over 64 sequences of sotu');
    expect(page).not.toContain('class="plot"');
  });

  it.skipIf(noBrowser)('plots what was timed and judged, whatever its names are', async () => {
    const results = [
      benchResult('duo 8', 'duo', 640),
      benchResult('duo 32', 'duo', 160),
      benchResult(attack, 'mdlm', 300),
    ];
    const { page, complaints, close } = await openPage(formatHtml(resultsFile(results), EVALUATIONS));
    expect(await page.locator('figure.plot .mark:visible').count()).toBe(3);
    expect(await page.locator('main > .scroll tbody tr').count()).toBe(3);
    expect(await page.locator('td').filter({ hasText: attack }).count()).toBeGreaterThan(0);
    expect(await page.title()).not.toBe('1');
    expect(complaints).toEqual([]);
    await close();
  });

  it.skipIf(noBrowser)('plots sweeps with the entropy they are compared at', async () => {
    const results = [frontierResult('duo', 480), frontierResult('mdlm', null)];
    const { page, complaints, close } = await openPage(formatHtml(resultsFile(results), EVALUATIONS));
    expect(await page.locator('figure.plot').count()).toBe(2);
    expect(await page.locator('figure.plot .wide .at line').count()).toBe(1);
    expect(await page.locator('figcaption').first().innerText()).toContain(
      '1 of 2 configurations have no place',
    );
    expect(complaints).toEqual([]);
    await close();
  });
});
