/**
 * Every CSV that is printed, read back by csv-parse, which tells the cells, and by DuckDB, which tells the types: a
 * figure is a number to the last bit, what is unknown is NULL, and a name stays in its cell.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import { formatCalibrationCsv } from '../../src/evals/calibration/printed.js';
import { type CalibrationCheck, type CalibrationRecord, judge } from '../../src/evals/calibration/record.js';
import type { Result } from '../../src/evals/registry.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatResults } from '../../src/printing/formats.js';
import { resultsFile } from '../../src/records/record.js';
import { reportCsv } from '../../src/report/csv.js';
import { plainText } from '../../src/terminal-text.js';
import { addRow, writeCurve } from '../../src/training/loss-tables.js';
import { resultOfNats, rowsOfResults, withoutSequences } from '../comparison/rows.js';
import { generativeResult, realText } from '../evals/generation/generative-sample.js';
import { benchResult, frontierResult } from '../evals/throughput/bench-sample.js';
import { sampleResult } from '../records/sample.js';
import { temporaryFolder } from '../support/folder.js';
import { readByDuckDb, type Table } from './duckdb.js';

/** A name that a careless writer would break a row with; its line end is printed as a space. */
const AWKWARD = 'a "quoted", name; \'it\'\nof 漢字 👩‍👩‍👧\t| end';
const PRINTED = 'a "quoted", name; \'it\' of 漢字 👩‍👩‍👧 | end';

const nats = (shift: number) =>
  Array.from({ length: 30 }, (_, i) => 600 + 90 * Math.sin(3 * i) + shift * Math.cos(i));
/** A digest is text: one of digits alone, which no real one is, would be a number for any reader. */
const lettered = <T extends Result>(result: T): T =>
  JSON.parse(JSON.stringify(result), (key, value) =>
    /sha256/i.test(key) && value ? 'a1'.repeat(32) : value,
  );
const printed = (results: Result[]) => formatResults(resultsFile(results.map(lettered)), 'csv', EVALUATIONS);

/** What both readers make of it, cell by cell. */
async function agreed(csv: string): Promise<Table> {
  const cells = parse(csv, { columns: true }) as Record<string, string>[];
  const table = await readByDuckDb(csv);
  expect(Object.keys(table.types)).toEqual(Object.keys(cells[0]));
  expect(table.rows).toHaveLength(cells.length);
  const numeric = new Set(['BIGINT', 'DOUBLE']);
  for (const [i, row] of cells.entries()) {
    for (const [column, cell] of Object.entries(row)) {
      const [type, value] = [table.types[column], table.rows[i][column]];
      const where = `${column} of row ${i}, ${type}`;
      if (cell === '') expect(value, where).toBeNull();
      else if (numeric.has(type)) expect(Number(value), where).toBe(Number(cell));
      else expect(String(value), where).toBe(cell);
    }
  }
  return table;
}

const number = (value: unknown) => (value === null ? null : Number(value));

describe('the CSV of', () => {
  it('ppl', async () => {
    const results = [resultOfNats(nats(1), AWKWARD), sampleResult('ar')];
    results[1].metrics.ppl = { ...results[1].metrics.ppl, stderr: null, ci95: null };
    const { types, rows } = await agreed(await printed(results));
    expect(types).toMatchObject({
      model: 'VARCHAR',
      ppl: 'DOUBLE',
      nll_ci95_low: 'DOUBLE',
      draws: 'BIGINT',
    });
    expect(types).toMatchObject({
      tokens: 'BIGINT',
      wall_seconds: 'DOUBLE',
      node: 'VARCHAR',
      time_from: 'DOUBLE',
    });
    expect(rows[0]).toMatchObject({ model: PRINTED, ppl: results[0].metrics.ppl.value, cpu: null });
    expect(rows[1]).toMatchObject({ ppl: results[1].metrics.ppl.value, ppl_stderr: null, time_from: null });
  });

  it('gen, real text beside it', async () => {
    const generated = generativeResult(AWKWARD);
    const { types, rows } = await agreed(await printed([generated, realText()]));
    expect(types).toMatchObject({
      gen_ppl: 'DOUBLE',
      entropy_ci95_low: 'DOUBLE',
      steps: 'BIGINT',
      top_p: 'DOUBLE',
    });
    expect(rows[0]).toMatchObject({
      texts: PRINTED,
      sampler_options: '{"kappa":"pure-posterior"}',
      gen_nll: generated.metrics.genNll.value,
    });
    expect(rows[1]).toMatchObject({ model: null, steps: null, nfe: null, entropy: 4.3 });
  });

  it('bench', async () => {
    const { types, rows } = await agreed(await printed([benchResult(), benchResult(AWKWARD, 'ar', 71.25)]));
    expect(types).toMatchObject({
      throughput: 'DOUBLE',
      rounds: 'BIGINT',
      pareto: 'BOOLEAN',
      cached: 'BOOLEAN',
    });
    expect(rows[1]).toMatchObject({
      throughput: 71.25,
      pareto: false,
      cached: false,
      speed_up_over_masked: null,
    });
    expect(rows[0].cached).toBeNull();
  });

  it('frontier, an entropy that was not reached among it', async () => {
    const { types, rows } = await agreed(
      await printed([frontierResult(AWKWARD), frontierResult('far', null)]),
    );
    expect(types).toMatchObject({ gen_ppl_ci95_low: 'BIGINT', temperature: 'DOUBLE', pareto: 'BOOLEAN' });
    expect(types.temperatures).toBe('VARCHAR');
    expect(rows.map(({ gen_ppl }) => number(gen_ppl))).toEqual([480, null]);
    expect(rows[0].model).toBe(PRINTED);
  });

  it('a run of several evaluations', async () => {
    const results = [sampleResult('duo'), generativeResult(), benchResult(), frontierResult()];
    const { types, rows } = await agreed(await printed(results));
    expect(rows.map((row) => row.eval)).toEqual(['ppl', 'gen', 'bench', 'frontier']);
    expect(types).toMatchObject({ ppl: 'DOUBLE', throughput: 'BIGINT', outside: 'BIGINT', seed: 'BIGINT' });
    expect(rows.map(({ ppl }) => ppl === null)).toEqual([false, true, true, true]);
  });

  it('compare', async () => {
    const first = resultOfNats(nats(0), AWKWARD);
    const other = [resultOfNats(nats(9), 'b', 'ptb'), resultOfNats(nats(9), AWKWARD)];
    const alone = withoutSequences(resultOfNats(nats(3), 'a', 'ptb'));
    const { differences } = compareRows(
      rowsOfResults([first, alone], 'first "one".json'),
      rowsOfResults(other, 'b.json'),
    );
    const { types, rows } = await agreed(formatDifferences(differences, 'csv'));
    expect(types).toMatchObject({ difference: 'DOUBLE', significant: 'BOOLEAN', sequences: 'BIGINT' });
    expect(types).toMatchObject({ seed_a: 'BIGINT', seed_b: 'BIGINT' });
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ a: PRINTED, method: 'paired', file_a: 'first "one".json' });
    expect(number(rows[0].difference)).toBe(differences[0].value);
    expect(rows[1]).toMatchObject({ method: 'intervals', sequences: null });
  });

  it('report', async () => {
    const rows = rowsOfResults([
      resultOfNats(nats(2), AWKWARD),
      lettered(generativeResult()),
      lettered(benchResult()),
    ]);
    const table = await agreed(reportCsv(rows));
    expect(table.types).toMatchObject({
      value: 'DOUBLE',
      stderr: 'DOUBLE',
      steps: 'BIGINT',
      judge: 'VARCHAR',
      sample_seed: 'BIGINT',
    });
    const figures = rows.flatMap((row) => [...row.figures.values()]);
    expect(table.rows.map(({ value }) => number(value))).toEqual(figures.map(({ value }) => value));
    expect(table.rows.map(({ stderr }) => number(stderr))).toEqual(figures.map(({ stderr }) => stderr));
  });

  it('calibrate', async () => {
    const check = (estimate: number, notCounted: string | null): CalibrationCheck => ({
      ...{
        source: AWKWARD,
        description: '',
        family: 'duo',
        schedule: 'log-linear',
        estimator: 'plain',
        protocol: 'duo',
      },
      ...{ sequences: 4, tokens: 512, draws: 20, whole: 2.25, closedForm: 2, estimate, stderr: 0.01 },
      ...judge({ closedForm: 2, estimate, stderr: 0.01, exact: false, notCounted }),
    });
    const checks = [check(2.03, null), check(9, 'it says,\n"no"')];
    const { types, rows } = await agreed(formatCalibrationCsv({ checks } as CalibrationRecord));
    expect(types).toMatchObject({
      estimate: 'DOUBLE',
      mc_stderr: 'DOUBLE',
      draws: 'BIGINT',
      reason: 'VARCHAR',
    });
    expect(rows[0]).toMatchObject({ source: plainText(AWKWARD), z: checks[0].z, reason: null });
    expect(rows[1]).toMatchObject({ verdict: 'not-counted', reason: 'it says, "no"' });
  });

  it('training: losses of every step and of held-out text', async () => {
    const folder = temporaryFolder().root;
    const curve = Float32Array.of(6.9, 1.5, 5.123456, 1e-9);
    await writeCurve(join(folder, 'loss.csv'), curve);
    const losses = await agreed(readFileSync(join(folder, 'loss.csv'), 'utf8'));
    expect(losses.types).toEqual({ step: 'BIGINT', loss: 'DOUBLE', gradient_norm: 'DOUBLE' });
    expect(losses.rows.map(({ loss }) => loss)).toEqual([curve[0], curve[2]]);
    await addRow(join(folder, 'validation.csv'), { step: 10, nelbo: 5.5, stderr: 0.25 });
    await addRow(join(folder, 'validation.csv'), { step: 20, nelbo: 5.25, stderr: 0.125 });
    const validation = await agreed(readFileSync(join(folder, 'validation.csv'), 'utf8'));
    expect(validation.rows.map(({ nelbo }) => nelbo)).toEqual([5.5, 5.25]);
  });
});
