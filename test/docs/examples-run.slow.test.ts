/**
 * Every example of every page, in order: later ones may use what the others wrote.
 * About README.md, CONTRIBUTING.md, SECURITY.md, docs/, src/commands/
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { examplesOf, pages } from './pages.js';
import { follow, type Reader, reader } from './reader.js';

const pagesWithExamples = pages.filter((page) => examplesOf(page).length > 0);

describe.each(pagesWithExamples)('%s', (page) => {
  let here: Reader;
  beforeAll(() => {
    here = reader();
  });

  it.each(examplesOf(page))('$text', async (example) => {
    expect(await follow(here, example)).not.toBe('');
  });
});
