/** Every example of pages that have slow ones, in order: the slow ones may use what the others wrote. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { examplesOf, pages } from './pages.js';
import { follow, type Reader, reader } from './reader.js';

const slowPages = pages.filter((page) => examplesOf(page).some(({ slow }) => slow));

describe.each(slowPages)('%s', (page) => {
  let here: Reader;
  beforeAll(() => {
    here = reader();
  });
  afterAll(() => here.close());

  it.each(examplesOf(page))('$text', (example) => follow(here, example), 600_000);
});
