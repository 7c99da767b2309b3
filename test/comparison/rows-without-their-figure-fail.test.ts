import { expect, it } from 'vitest';
import { checkGates } from '../../src/comparison/gate/checks.js';
import { checkText } from '../../src/comparison/gate/sentences.js';
import { sampleResult } from '../records/sample.js';
import { gatesOf } from './gates.js';
import { generatedResult } from './generated-rows.js';
import { rowsOfResults, withoutSequences } from './rows.js';

/** Of an evaluation that this version does not know, whose schema cannot say which figures there are. */
const later = (name: string, metrics: object) => ({
  eval: 'later',
  model: { name },
  dataset: { name: 'd' },
  metrics,
});
const score = { value: 3, stderr: 0.1, ci95: [2.8, 3.2] };

it.each([
  ['max: 80', ''],
  ['maxIncrease: 1%', ''],
])('a gate (%s) fails on a row that lacks the figure which others of its evaluation have', (limit) => {
  const rows = rowsOfResults([later('a', { score }), later('b', {}), later('c', { score: null })]);
  const { verdict, checks } = checkGates(gatesOf(`  - {metric: score, ${limit}}`), rows, rows);
  expect(checks.map(({ model, verdict: one }) => [model, one])).toEqual([
    ['a', limit === 'max: 80' ? 'pass' : expect.any(String)],
    ['b', 'fail'],
    ['c', 'fail'],
  ]);
  expect(verdict).toBe('fail');
  expect(checkText(checks[1])).toMatch(/^b on d: score unknown, limit .*: fail\.$/);
});

it('a gate passes over rows of evaluations that have no such figure', () => {
  const rows = rowsOfResults([withoutSequences(sampleResult()), generatedResult('duo', 8, 90, 5)]);
  const { checks } = checkGates(gatesOf('  - {metric: ppl, max: 500}'), rows, null);
  expect(checks.map(({ eval: name, verdict }) => [name, verdict])).toEqual([['ppl', 'pass']]);
});
