import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/evals/registry.js';
import { EVALUATIONS } from '../../../src/evals/registry.js';
import { formatResults } from '../../../src/printing/formats.js';
import { resultsFile } from '../../../src/records/record.js';
import { parseResults, resultsJsonSchema } from '../../../src/records/results-file.js';
import { interleavedRatio } from '../../../src/statistics/interleaved-ratio.js';
import { displayWidth } from '../../../src/terminal-text.js';
import { realText } from '../generation/generative-sample.js';
import { against, benchResult, frontierResult } from './bench-sample.js';

const bench = () => resultsFile<Result>([benchResult(), benchResult('ar', 'ar', 70), realText()]);
const frontier = () => resultsFile([frontierResult(), frontierResult('mdlm', null)]);
const screen = { width: 80, color: false };

describe('results of bench and frontier', () => {
  it.each([
    ['bench', bench],
    ['frontier', frontier],
  ] as const)('of %s are JSON that the schema and the reader accept', async (_name, file) => {
    const text = await formatResults(file(), 'json', EVALUATIONS);
    const validate = new Ajv2020({ strict: false }).compile(resultsJsonSchema(EVALUATIONS));
    expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
    expect(parseResults(text, 'file', EVALUATIONS)).toEqual(JSON.parse(JSON.stringify(file())));
  });

  it.each([
    ['bench', () => resultsFile([benchResult()])],
    ['frontier', frontier],
  ] as const)('of %s have a fixed CSV header', async (_name, file) => {
    const [header] = (await formatResults(file(), 'csv', EVALUATIONS)).split('\n');
    expect(header.split(',')).toMatchSnapshot();
  });

  it('are raw in the CSV', async () => {
    const rows: Record<string, string>[] = parse(await formatResults(bench(), 'csv', EVALUATIONS), {
      columns: true,
    });
    expect(rows.map(({ eval: name }) => name)).toEqual(['bench', 'bench', 'gen']);
    expect([rows[0].throughput, rows[0].peak_memory_bytes, rows[0].pareto]).toEqual([
      '640',
      String(130 * 2 ** 20),
      'true',
    ]);
    expect([rows[0].speed_up_over_masked, rows[2].throughput]).toEqual(['', '']);
    const [at]: Record<string, string>[] = parse(await formatResults(frontier(), 'csv', EVALUATIONS), {
      columns: true,
    });
    expect([at.gen_ppl, at.temperatures, at.entropies]).toEqual(['480', '0.8 1', '3.8 4']);
  });

  it('of bench fit 80 columns, mark the front and label what is uncached', async () => {
    const text = await formatResults(bench(), 'table', EVALUATIONS, screen);
    for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    expect(text).toMatch(/^\* duo 8 /m);
    expect(text).toMatch(/^ {2}ar \(uncached\) /m);
    expect(text.replace(/\s+/g, ' ')).toContain('* marks the Pareto front');
    expect(text.replace(/\s+/g, ' ')).toContain('median of 8 rounds');
    expect(text).toMatch(/^sotu /m);
  });

  it.each(['table', 'markdown', 'csv', 'json', 'html'] as const)(
    'of bench tell in %s how another build compares',
    async (format) => {
      const result = benchResult();
      result.throughput.against = against();
      const text = await formatResults(
        resultsFile<Result>([result, realText()]),
        format,
        EVALUATIONS,
        screen,
      );
      if (format === 'table')
        for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
      if (format === 'json') expect(parseResults(text, 'file', EVALUATIONS).results[0]).toEqual(result);
      else if (format === 'csv') {
        const [row]: Record<string, string>[] = parse(text, { columns: true });
        expect(Number(row.throughput_ratio)).toBeCloseTo(0.8025, 3);
        expect([row.against, row.against_throughput, row.against_rounds]).toEqual(['old', '800', '4']);
      } else {
        expect(text).toMatch(/ 0\.802 \\?\[0\.78|>0\.802 \[0\.78/);
        expect(text).toContain('84.5 ± 2.1');
        expect(text).toContain('4.250 ± 0.011');
        expect(text.replace(/\s+/g, ' ')).toContain('timed in turn in 4 rounds');
        expect(text).not.toContain('~ 0.80');
      }
    },
  );

  it('of bench mark with ~ a ratio that may be 1', async () => {
    const result = benchResult();
    const pairs = [780, 830, 790, 810].map((own, r) => ({ ...against().pairs[r], own }));
    result.throughput.against = against({ pairs, ratio: interleavedRatio(pairs) });
    expect(await formatResults(resultsFile<Result>([result]), 'table', EVALUATIONS, screen)).toMatch(
      / ~ 1\.00\d* \[0\.9/,
    );
    const same = pairs.map((pair) => ({ ...pair, own: pair.other }));
    result.throughput.against = against({ pairs: same, ratio: interleavedRatio(same) });
    expect(await formatResults(resultsFile<Result>([result]), 'table', EVALUATIONS, screen)).toContain(
      '~ 1.000 [1.000',
    );
  });

  it('of bench warn when entropies differ', async () => {
    const other = benchResult('duo 16');
    other.metrics.entropy.value = 4.4;
    const text = await formatResults(resultsFile([benchResult(), other]), 'markdown', EVALUATIONS);
    expect(text).toContain('Entropies differ by 0.15 nats (duo 8 to duo 16)');
  });

  it('of a sweep that does not reach the entropy say which temperatures would', async () => {
    const text = (await formatResults(frontier(), 'table', EVALUATIONS, screen)).replace(/\s+/g, ' ');
    expect(text).toContain('mdlm, psi, 8 steps: no temperature of the sweep reaches this entropy; higher');
    expect(text).toContain('entropy of 4.300 nats, that of sotu');
    expect(text).not.toContain('duo, psi, 8 steps:');
  });
});
