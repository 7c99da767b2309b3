import { describe, expect, it } from 'vitest';
import { tracePage } from '../../src/sampling/trace-page.js';
import { noBrowser, openPage } from '../printing/browser.js';

const attack = '</script><script>document.title = "taken"</script><img src=x onerror="document.title = 1">';
const texts = ['The', ' king', attack, '\n', '\u0007', '', ' end'];
const mask = 7;

/** Two samples of five tokens: the first is given, the third is put right in the last step. */
const source = tracePage({
  title: `model ${attack}`,
  lead: 'psi, 3 steps',
  samples: [
    {
      sample: 0,
      prior: Int32Array.of(0, mask, mask, mask, mask),
      steps: [
        { at: Int32Array.of(1, 2), tokens: Int32Array.of(1, 4) },
        { at: Int32Array.of(3, 4), tokens: Int32Array.of(3, 5) },
        { at: Int32Array.of(2), tokens: Int32Array.of(2) },
      ],
    },
    {
      sample: 1,
      prior: Int32Array.of(0, 6, 6, 6, 6),
      steps: [{ at: new Int32Array(0), tokens: new Int32Array(0) }],
    },
  ],
  given: Uint8Array.of(1, 0, 0, 0, 0),
  maskTokenId: mask,
  textOf: (id) => texts[id] ?? '',
  note: 'The first 2 of 9 samples.',
});

describe('a page that plays samples', () => {
  it('refers to nothing outside itself', () => {
    expect(source).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(source).not.toMatch(/url\(|@import|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });

  it.skipIf(noBrowser)('shows at each step what it changed, and what it changed again', async () => {
    const { page, complaints, close } = await openPage(source);
    const at = async (step: number) => {
      await page.fill('#step', String(step));
      return {
        tokens: await page.locator('#text .token').allTextContents(),
        now: await page
          .locator('#text .now')
          .evaluateAll((all) => all.map((one) => Number(one.dataset.position))),
        again: await page
          .locator('#text .again')
          .evaluateAll((all) => all.map((one) => Number(one.dataset.position))),
        masks: await page.locator('#text .mask').count(),
        given: await page.locator('#text .given').allTextContents(),
        status: await page.locator('#status').textContent(),
      };
    };
    expect(await at(0)).toMatchObject({
      tokens: ['The', '····', '····', '····', '····'],
      now: [],
      masks: 4,
      given: ['The'],
    });
    expect(await at(1)).toMatchObject({
      tokens: ['The', ' king', '␇', '····', '····'],
      now: [1, 2],
      again: [],
      masks: 2,
    });
    expect((await at(1)).status).toBe('Step 1 of 3: 2 changed, 2 masked');
    expect(await at(2)).toMatchObject({ now: [3, 4], masks: 0 });
    expect(await at(3)).toMatchObject({
      tokens: ['The', ' king', attack, '\n', '⟨5⟩'],
      now: [2],
      again: [2],
    });
    expect((await at(3)).status).toBe('Step 3 of 3: 1 changed (1 not for the first time), 0 masked. Done.');

    await page.locator('#text .token').nth(2).hover();
    expect(await page.locator('#history').textContent()).toContain('step 1: "␇", step 3: "</script>');
    await page.selectOption('#sample', '1');
    expect(await page.locator('#text .token').allTextContents()).toEqual([
      'The',
      ' end',
      ' end',
      ' end',
      ' end',
    ]);
    expect(await page.title()).toBe(`model ${attack}`);
    expect(await page.locator('main img, #text script').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it.skipIf(noBrowser)('plays by itself to the end, and again by its button', async () => {
    const { page, complaints, close } = await openPage(source);
    await page.selectOption('#speed', '120');
    await page.getByText('Done.', { exact: false }).waitFor();
    expect(await page.locator('#play').textContent()).toBe('Play');
    await page.click('#play');
    expect(await page.locator('#play').textContent()).toBe('Pause');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    expect(await page.locator('#status').textContent()).toContain('Done.');
    expect(complaints).toEqual([]);
    await close();
  });

  it.skipIf(noBrowser)('goes to a step by its bar', async () => {
    const { page, close } = await openPage(source);
    await page.locator('#bars rect.hit').nth(2).click();
    expect(await page.locator('#status').textContent()).toContain('Step 2 of 3');
    await close();
  });

  it.skipIf(noBrowser).each([
    [360, 'dark'],
    [1400, 'light'],
  ] as const)('fits a window %d wide, %s', async (width, scheme) => {
    const { page, complaints, close } = await openPage(source, width, scheme);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const style = (property: string) => page.evaluate(`getComputedStyle(document.body).${property}`);
    const [paper, ink] = [await style('backgroundColor'), await style('color')];
    expect(paper).toBe(scheme === 'dark' ? 'rgb(20, 24, 29)' : 'rgb(255, 255, 255)');
    expect(ink).not.toBe(paper);
    expect(complaints).toEqual([]);
    await close();
  });
});
