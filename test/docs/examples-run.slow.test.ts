/**
 * Every example of every page, in order: later ones may use what the others wrote. Those of the README that are quick run in
 * examples-run.test.ts.
 * About README.md, CONTRIBUTING.md, SECURITY.md, docs/, src/commands/
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { examplesOf, pages, README } from './pages.js';
import { follow, type Reader, reader } from './reader.js';

const slowExamplesOf = (page: string) => examplesOf(page).filter(({ slow }) => page !== README || slow);
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
