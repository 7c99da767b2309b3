import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/evals/registry.js';
import { EVALUATIONS } from '../../../src/evals/registry.js';
import { formatResults } from '../../../src/printing/formats.js';
import { resultsFile } from '../../../src/records/record.js';
import { parseResults, resultsJsonSchema } from '../../../src/records/results-file.js';
import { displayWidth } from '../../../src/terminal-text.js';
import { sampleResult } from '../../records/sample.js';
import { generativeResult, realText } from './generative-sample.js';

const file = () => resultsFile([generativeResult(), realText()]);

describe('generative results', () => {
  it('are JSON that the schema and the reader accept', async () => {
    const text = await formatResults(file(), 'json', EVALUATIONS);
    const validate = new Ajv2020({ strict: false }).compile(resultsJsonSchema(EVALUATIONS));
    expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
    expect(parseResults(text, 'gen.json', EVALUATIONS)).toEqual(JSON.parse(JSON.stringify(file())));
  });

  it('have a fixed CSV header', async () => {
    const [header] = (await formatResults(file(), 'csv', EVALUATIONS)).split('\n');
    expect(header.split(',')).toMatchSnapshot();
  });

  it('are raw in the CSV, and empty where there is no model, sampler or judge', async () => {
    const judgeless = { ...generativeResult('b'), judge: null };
    const csv = await formatResults(
      resultsFile([generativeResult(), realText(), judgeless]),
      'csv',
      EVALUATIONS,
    );
    const rows: Record<string, string>[] = parse(csv, { columns: true });
    const [duo, sotu, without] = rows;
    expect(Number(duo.gen_ppl)).toBe(84.5);
    expect(duo.sampler_options).toBe('{"kappa":"pure-posterior"}');
    expect([sotu.model, sotu.sampler, sotu.nfe, sotu.temperature]).toEqual(['', '', '', '']);
    expect([without.judge, without.tokens]).toEqual(['', '']);
  });

  it('share columns of one name with those of another evaluation', async () => {
    const mixed = resultsFile<Result>([sampleResult(), generativeResult()]);
    const rows: Record<string, string>[] = parse(await formatResults(mixed, 'csv', EVALUATIONS), {
      columns: true,
    });
    expect(rows.map((row) => [row.eval, row.model, row.ppl === '', row.gen_ppl === ''])).toEqual([
      ['ppl', 'duo', false, true],
      ['gen', 'duo', true, false],
    ]);
  });

  it('fit 80 columns as a table, with perplexity, its interval, entropy and repetition', async () => {
    const long = generativeResult('a-very-long-name-of-a-samples-file-that-must-give-way');
    const text = await formatResults(resultsFile([long, realText()]), 'table', EVALUATIONS, {
      width: 80,
      color: false,
    });
    for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    for (const cell of ['84.5 ± 2.1', '[80, 89]', '4.250 ± 0.011', '0.0123 ± 0.0011'])
      expect(text).toContain(cell);
  });

  it('stand in markdown with all columns', async () => {
    const text = await formatResults(file(), 'markdown', EVALUATIONS);
    expect(text).toMatch(/^\| texts \| gen\. perplexity \|/);
    expect(text).toMatch(/\| psi \| 8 \|/);
  });

  it.each([
    [4.25, 4.34, false],
    [4.25, 4.36, true],
  ])('of entropies %f and %f are compared with a warning: %s', async (a, b, warned) => {
    const texts = resultsFile([generativeResult('a', a), generativeResult('b', b)]);
    expect(
      (await formatResults(texts, 'markdown', EVALUATIONS)).includes(
        'Entropies differ by 0.11 nats (a to b)',
      ),
    ).toBe(warned);
  });

  it('of other lengths are not warned of, but said not to compare', async () => {
    const other = generativeResult('b', 5);
    other.samples.length = 64;
    const text = await formatResults(resultsFile([generativeResult('a'), other]), 'markdown', EVALUATIONS);
    expect(text).not.toContain('Entropies differ');
    expect(text).toContain('Entropies are of different tokenizers or lengths');
    expect(text).toContain('depend on the amount of text');
  });
});
