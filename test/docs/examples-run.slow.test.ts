/**
 * Every example of pages that have slow ones, in order: the slow ones may use what the others wrote.
 * About README.md, docs/, src/commands/
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { examplesOf, pages } from './pages.js';
import { follow, type Reader, reader } from './reader.js';

const slowPages = pages.filter((page) => examplesOf(page).some(({ slow }) => slow));

describe.each(slowPages)('%s', (page) => {
  let here: Reader;
  beforeAll(() => {
    here = reader();
  });

  it.each(examplesOf(page))('$text', async (example) => {
    expect(await follow(here, example)).not.toBe('');
  });
});
