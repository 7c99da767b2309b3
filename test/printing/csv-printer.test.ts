import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatResults } from '../../src/printing/formats.js';
import { resultsFile } from '../../src/records/record.js';
import { sampleFile, sampleResult } from '../records/sample.js';

async function rowsOf(file = sampleFile()): Promise<Record<string, string>[]> {
  return parse(await formatResults(file, 'csv', EVALUATIONS), { columns: true });
}

describe('the CSV', () => {
  it('has a fixed header', async () => {
    const [header] = (await formatResults(resultsFile([]), 'csv', EVALUATIONS)).split('\n');
    expect(header.split(',')).toMatchSnapshot();
  });

  it('has one row a model and data set, with raw figures', async () => {
    const file = sampleFile();
    const rows = await rowsOf(file);
    expect(rows).toHaveLength(6);
    const { ppl, nll } = file.results[2].metrics;
    expect(Number(rows[2].ppl)).toBe(ppl.value);
    expect(Number(rows[2].ppl_ci95_high)).toBe(ppl.ci95?.[1]);
    expect(Number(rows[2].nll_mc_stderr)).toBe(nll.mcStderr);
    expect([rows[2].time_from, rows[2].time_to]).toEqual(['0.001', '1']);
  });

  it('has empty cells for what is unknown, and 0 for what is 0', async () => {
    const result = sampleResult('ar');
    result.metrics.ppl.stderr = null;
    result.metrics.ppl.ci95 = null;
    const [row] = await rowsOf(resultsFile([result]));
    expect([row.ppl_stderr, row.ppl_ci95_low, row.ppl_ci95_high, row.cpu, row.time_from]).toEqual([
      '',
      '',
      '',
      '',
      '',
    ]);
    expect(row.ppl_mc_stderr).toBe('0');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1'])(
    'cannot start a formula with %j',
    async (name) => {
      const [row] = await rowsOf(resultsFile([sampleResult(name)]));
      expect(row.model).toMatch(/^'/);
    },
  );

  it('leaves negative figures as numbers', async () => {
    const result = sampleResult();
    result.metrics.nll.ci95 = [-0.5, 0.5];
    const [row] = await rowsOf(resultsFile([result]));
    expect(row.nll_ci95_low).toBe('-0.5');
  });

  it('keeps commas, quotes and line ends of names inside their cell', async () => {
    const [row] = await rowsOf(resultsFile([sampleResult('a,"b"\nc\x1b[31m')]));
    expect(row.model).toBe('a,"b" c');
  });
});
