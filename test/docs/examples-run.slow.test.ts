/**
 * Every example of every page, in order: later ones may use what the others wrote. Those of the README that are quick run in
 * examples-run.test.ts.
 * About README.md, CONTRIBUTING.md, SECURITY.md, docs/, src/commands/
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Example, examplesOf, pages, README } from './pages.js';
import { follow, type Reader, reader } from './reader.js';

/** What an example does: where two slow ones differ only by the file that they write, one of them runs. */
const done = (text: string) => text.replace(/ --out \S+/g, '').replace(/\s+/g, ' ');
const isFirst = (example: Example) => {
  const alike = pages.flatMap(examplesOf).find(({ text }) => done(text) === done(example.text));
  return alike?.page === example.page;
};
const slowExamplesOf = (page: string) =>
  examplesOf(page).filter((example) => (example.slow ? isFirst(example) : page !== README));
const pagesWithExamples = pages.filter((page) => slowExamplesOf(page).length > 0);

describe.each(pagesWithExamples)('%s', (page) => {
  let here: Reader;
  beforeAll(() => {
    here = reader();
  });

  it.each(slowExamplesOf(page))('$text', async (example) => {
    expect(await follow(here, example)).not.toBe('');
  });
});
