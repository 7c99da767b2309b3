import { describe, expect, it } from 'vitest';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatResults } from '../../src/printing/formats.js';
import { resultsFile } from '../../src/records/record.js';
import { sampleFile, sampleResult } from '../records/sample.js';

describe('the markdown', () => {
  it('has as many cells in every row as in the header', async () => {
    const lines = (await formatResults(sampleFile(), 'markdown', EVALUATIONS))
      .split('\n')
      .filter((line) => line.startsWith('|'));
    const cells = lines.map((line) => line.split('|').length);
    expect(new Set(cells.slice(0, 8)).size).toBe(1);
    expect(new Set(cells.slice(8)).size).toBe(1);
    expect(lines[2]).toContain('| 57.64 ± 0.61 |');
  });

  it('escapes what would break a cell or be read as markup', async () => {
    const text = await formatResults(resultsFile([sampleResult('a|b\n*c*<img>')]), 'markdown', EVALUATIONS);
    expect(text.split('\n')[2]).toMatch(/^\| a\\\|b \\\*c\\\*&lt;img> \| sotu \|/);
  });
});
