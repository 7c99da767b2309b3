/** A real browser, where the machine has one: Debian's chromium, or the one that CHROMIUM_PATH names. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Undefined where there is none. */
export const browserPath = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((candidate) => candidate && existsSync(candidate));

/** Why tests of pages cannot run here; null where they can. */
export const noBrowser = browserPath ? null : 'no chromium on this machine (CHROMIUM_PATH names one)';

export interface OpenedPage {
  page: Page;
  /** What the console said, and what the page asked the network for. */
  complaints: string[];
  close(): Promise<void>;
}

/** Opens a page's source in a window so wide. */
export async function openPage(
  source: string,
  width = 1000,
  scheme: 'light' | 'dark' = 'light',
): Promise<OpenedPage> {
  const browser: Browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  const complaints: string[] = [];
  page.on('console', (message) => {
    complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:') && !request.url().startsWith('about:'))
      complaints.push(`asked for ${request.url()}`);
  });
  await page.setContent(source, { waitUntil: 'load' });
  return { page, complaints, close: () => browser.close() };
}
