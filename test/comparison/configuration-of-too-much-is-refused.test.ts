import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readGates } from '../../src/comparison/gate/config.js';
import { UsageError } from '../../src/errors.js';
import { differencesWithin } from '../../src/report/report.js';
import { sampleResult } from '../records/sample.js';
import { temporaryFolder } from '../support/folder.js';
import { rowsOfResults, withoutSequences } from './rows.js';

const folder = temporaryFolder();
const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i));
const gates = (...more: string[]) => `gates:\n  - {metric: ppl, max: 80}\n${more.join('')}`;

describe('a gates file', () => {
  it.each([
    [
      'of 20,000 gates',
      gates(...lines(20_000, () => '  - {metric: ppl, max: 9}\n')),
      /bytes|more than 1000 gates/,
    ],
    [
      'of 1,001 gates',
      gates(...lines(1000, () => '  - {metric: ppl, max: 9}\n')),
      /line 1: gates: there are more than 1000 gates/,
    ],
    [
      'of 100,000 keys',
      gates(...lines(100_000, (i) => `k${i}: 1\n`)),
      /it has \d+ bytes, and may have 524288/,
    ],
    ['of 30,000 keys', gates(...lines(30_000, (i) => `k${i}: 1\n`)), /line 1: a map may have 1000 keys/],
    [
      'with a key twice',
      gates('  - metric: ppl\n    max: 1\n    max: 2\n'),
      /line 5: the key max stands twice in a map/,
    ],
  ])('%s is refused', (_what, text, says) => {
    const path = folder.file('gates.yaml', text);
    expect(() => readGates(path)).toThrow(says);
  });

  it('of 1,000 gates is read', () => {
    const path = folder.file('gates.yaml', gates(...lines(999, () => '  - {metric: ppl, max: 9}\n')));
    expect(readGates(path).value.gates).toHaveLength(1000);
  });

  it('that is a pipe, or not UTF-8, is refused', () => {
    execFileSync('mkfifo', [folder.path('fifo')]);
    expect(() => readGates(folder.path('fifo'))).toThrow(/it is a named pipe, not a regular file/);
    expect(() => readGates(folder.file('latin1.yaml', Buffer.from([0x67, 0xff])))).toThrow(
      /is not UTF-8 text/,
    );
    expect(() => readGates(folder.path('none.yaml'))).toThrow(
      /none\.yaml cannot be read: there is no such file/,
    );
  });
});

it('more results than can be compared two by two are refused, with what to do', () => {
  const rows = rowsOfResults(lines(201, (i) => `m${i}`).map((name) => withoutSequences(sampleResult(name))));
  expect(() => differencesWithin(rows, [])).toThrow(UsageError);
  expect(() => differencesWithin(rows, [])).toThrow(/201 results of ppl on sotu; at most 200/);
  expect(differencesWithin(rows.slice(0, 20), []).length).toBeGreaterThanOrEqual(190);
});
