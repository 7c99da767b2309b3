/** About src/server/page.ts, src/server/denoising.ts, src/server/routes.ts */
import { chromium, type Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { browserPath, noBrowser } from '../printing/browser.js';
import { afterUse } from '../support/after-use.js';
import { until } from '../support/patience.js';
import { type Served, served } from './served.js';

interface Opened {
  page: Page;
  complaints: string[];
  status(): Promise<string>;
  tokens(): Promise<string[]>;
}

async function open({ url }: Served, width: number, scheme: 'light' | 'dark' = 'light'): Promise<Opened> {
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  afterUse(() => browser.close());
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !asked.startsWith('data:')) complaints.push(`asked for ${asked}`);
  });
  await page.goto(url);
  return {
    page,
    complaints,
    status: async () => (await page.textContent('#status')) ?? '',
    tokens: () => page.$$eval('button.token', (spans) => spans.map((span) => span.textContent ?? '')),
  };
}

async function write({ page, status }: Opened, text: string, count: number): Promise<void> {
  await page.fill('#prompt', text);
  await page.fill('#count', String(count));
  await page.click('#write');
  await until(async () => /^Done/.test(await status()));
}

const screenshots = process.env.DUO_EVAL_SCREENSHOTS;

describe.skipIf(noBrowser)('the page of a server, in a browser', () => {
  it.each([
    [400, 'light'],
    [1280, 'dark'],
  ] as const)(
    'at %i pixels, %s, shows a text emerge, keeps tokens and writes the others again',
    async (width, scheme) => {
      const server = await served('mdlm');
      const opened = await open(server, width, scheme);
      const { page, tokens, complaints, status } = opened;
      await page.fill('#seed', '3');
      await write(opened, 'My fellow citizens', 24);
      const first = await tokens();
      expect(first).toHaveLength(24);
      expect(first).not.toContain('····');
      expect(await page.textContent('.said')).toBe('My fellow citizens');
      // By the keyboard: the first token, then two to the right.
      await page.focus('button.token');
      await page.keyboard.press('Enter');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Space');
      expect(await page.$$eval('[aria-pressed=true]', (kept) => kept.length)).toBe(2);
      expect(await status()).toBe('2 of 24 tokens are kept.');
      await page.fill('#seed', '4');
      await page.click('#again');
      await until(
        async () => /^Done/.test(await status()) && (await tokens()).every((token) => token !== '····'),
      );
      const second = await tokens();
      expect([second[0], second[2]]).toEqual([first[0], first[2]]);
      expect(second).not.toEqual(first);
      await write(opened, ' The war', 8);
      expect(await page.$$eval('#turns > li', (turns) => turns.length)).toBe(2);
      const wide = await page.evaluate(
        'document.documentElement.scrollWidth > document.documentElement.clientWidth',
      );
      expect(wide).toBe(false);
      expect(complaints).toEqual([]);
      if (screenshots) await page.screenshot({ path: `${screenshots}/page-${width}.png`, fullPage: true });
    },
  );

  it('names each of its fields, and prints without them', async () => {
    const opened = await open(await served('duo'), 1280);
    const { page } = opened;
    await page.fill('#steps', '8');
    await write(opened, 'The war', 12);
    const namesOf = () =>
      page.$$eval('button.token', (tokens) => tokens.map((token) => token.getAttribute('aria-label')));
    // A token of white space alone, which a network may write at any time, has no text that names it.
    await page.route('**/v1/denoise', (route) => {
      // After the token that begins each text.
      const tokens = [0, 1, 2, 3, null];
      const changes = [' ', '\n \t', 'war'].map((piece, i) => [i + 1, tokens[i + 1], piece]);
      const events = [
        { start: { length: 5, seed: 5, sampler: 'ancestral' } },
        { step: 1, changes },
        { done: { tokens, calls: 1 } },
      ];
      return route.fulfill({
        contentType: 'text/event-stream',
        body: events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''),
      });
    });
    await page.click('#clear');
    await write(opened, '', 4);
    expect(await namesOf()).toEqual(['space', 'new line, space, tab', null, 'not written yet']);
    const nameless = await page.$$eval('input, textarea, button', (fields) =>
      fields
        .filter((field) => {
          const labels = (field as { labels?: { length: number } | null }).labels?.length ?? 0;
          return labels === 0 && !field.textContent?.trim() && !field.getAttribute('aria-label');
        })
        .map((field) => field.id),
    );
    expect(nameless).toEqual([]);
    await page.emulateMedia({ media: 'print' });
    expect(await page.isVisible('form')).toBe(false);
    expect(await page.isVisible('#turns')).toBe(true);
    if (screenshots) await page.screenshot({ path: `${screenshots}/page-print.png`, fullPage: true });
  });

  it('says the sentence of a failure, and what a stop leaves', async () => {
    const server = await served('ar', { token: 'a-token-of-some-length' });
    const opened = await open(server, 1000);
    const { page, status } = opened;
    await page.fill('#prompt', 'The war');
    await page.click('#write');
    await until(async () => /asks for a token/.test(await status()));
    await page.fill('#token', 'a-token-of-some-length');
    await write(opened, 'The war', 12);
    // From left to right: keeping one keeps all before it.
    await page.click('button.token:nth-of-type(4)');
    expect(await page.$$eval('[aria-pressed=true]', (kept) => kept.length)).toBe(4);
    await page.click('#again');
    await until(async () => /^Done/.test(await status()));
  });
});
