import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import { formatCalibrationCsv } from '../../src/evals/calibration/printed.js';
import type { CalibrationRecord } from '../../src/evals/calibration/record.js';
import type { Result } from '../../src/evals/registry.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatCsv } from '../../src/printing/csv.js';
import { reportCsv } from '../../src/report/csv.js';
import { rowsOfResults } from '../comparison/rows.js';
import { generativeResult } from '../evals/generation/generative-sample.js';
import { benchResult, frontierResult } from '../evals/throughput/bench-sample.js';
import { sampleResult } from '../records/sample.js';

/** What a spreadsheet computes once it has dropped what it does not show. */
const COMPUTED = /^(?:[\s\u00ad\u200b-\u200f\u2060\u3164\ufeff]|\ufe0f)*[=+\-@|＝＋－＠]/;
const HIDDEN = ['', '\u200b', '\u00ad', '\x1b[31m', ' ', '\n', '\u3164', '\u{e0041}', '\ufe0f'];
const hostile = HIDDEN.flatMap((hidden) => ['=', '＝'].map((sign) => `${hidden}${sign}HYPERLINK("x")`));

/** Every text of a record is that text but those that are keys of it. */
function spoilt<T>(value: T, text: string, name = ''): T {
  const fixed = ['eval', 'kind', 'interval', 'first', 'verdict', 'unit', 'selection'];
  if (typeof value === 'string') return (fixed.includes(name) ? value : text) as T;
  if (Array.isArray(value)) return value.map((one) => spoilt(one, text)) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, spoilt(one, text, key)])) as T;
}

function expectInert(csv: string, textual: number): void {
  const rows: string[][] = parse(csv);
  const texts = rows
    .slice(1)
    .flat()
    .filter((cell) => cell !== '' && Number.isNaN(Number(cell)));
  expect(texts.length).toBeGreaterThanOrEqual(textual);
  expect(texts.some((cell) => cell.includes('HYPERLINK'))).toBe(true);
  expect(texts.filter((cell) => COMPUTED.test(cell))).toEqual([]);
}

describe('no cell is what a spreadsheet would compute', () => {
  const samples: Result[] = [sampleResult(), generativeResult(), benchResult(), frontierResult()];

  it.each(samples.map((one) => [one.eval, one] as const))('in results of %s', (_eval, sample) => {
    for (const text of hostile) {
      const result = spoilt(sample, text);
      expectInert(formatCsv({ schemaVersion: 1, results: [result], comparisons: [] }, EVALUATIONS), 8);
      expectInert(reportCsv(rowsOfResults([result], `${text}.json`)), 6);
    }
  });

  it('in comparisons', () => {
    for (const text of hostile) {
      const rows = (nll: number) =>
        rowsOfResults([spoilt(sampleResult('duo', 'sotu', nll), text)], `${text}.json`);
      expectInert(formatDifferences(compareRows(rows(5), rows(4)).differences, 'csv'), 5);
    }
  });

  it('in calibrations', () => {
    const check = {
      source: 's',
      description: 'd',
      family: 'f',
      schedule: 's',
      estimator: 'e',
      protocol: 'p',
      reason: 'r',
    };
    const checks = {
      sequences: 1,
      tokens: 1,
      draws: 1,
      whole: 1,
      closedForm: 1,
      estimate: 1,
      stderr: 1,
      z: 1,
    };
    for (const text of hostile) {
      const record = { checks: [{ ...spoilt(check, text), ...checks, verdict: 'pass' }] };
      expectInert(formatCalibrationCsv(record as unknown as CalibrationRecord), 6);
    }
  });
});
