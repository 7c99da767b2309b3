/**
 * The README's examples work as they are written, and blocks of code on all pages are as they say. All examples of all pages are
 * run by examples-run.slow.test.ts.
 * About README.md, CONTRIBUTING.md, SECURITY.md, docs/
 */
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { blocksOf, examplesOf, pages, README } from './pages.js';
import { follow, type Reader, reader } from './reader.js';

const quick = examplesOf(README).filter(({ slow }) => !slow);

describe(README, () => {
  let here: Reader;
  beforeAll(() => {
    here = reader();
  });

  it.each(quick)('$text', async (example) => {
    expect(await follow(here, example)).not.toBe('');
  });
});

describe('blocks of code', () => {
  const blocks = pages.flatMap(blocksOf);

  it('are run, or say why not', () => {
    const marks = blocks.filter(({ mark }) => mark !== '' && mark !== 'slow' && !/^not-run: \w.+/.test(mark));
    expect(marks).toEqual([]);
    const unmarked = blocks.filter(
      ({ language, text }) => language === '' && /^(npx )?duo-eval /m.test(text),
    );
    expect(unmarked).toEqual([]);
  });

  it('of JSON and YAML parse', () => {
    for (const { language, text } of blocks) {
      if (language === 'json') JSON.parse(text);
      if (language === 'yaml')
        for (const document of parseAllDocuments(text)) expect(document.errors).toEqual([]);
    }
  });

  it('of shell are shell', () => {
    const shells = blocks.filter(({ language }) => language === 'sh' || language === 'bash');
    expect(shells.length).toBeGreaterThan(30);
    for (const { text } of shells) execFileSync('bash', ['-n'], { input: text });
  });
});
