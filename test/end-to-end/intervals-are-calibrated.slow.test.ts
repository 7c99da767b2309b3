/** About src/commands/calibrate.ts */
/** `calibrate --intervals`: few replicates here, a thousand by `npm run study:intervals`. */
import { beforeEach, expect, it } from 'vitest';
import type { IntervalCalibrationRecord } from '../../src/evals/calibration/interval-record.js';
import { judgeCoverage } from '../../src/evals/calibration/interval-record.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});

it('intervals of every kind cover, where the former way did not', async () => {
  const args = ['calibrate', '--intervals', '--replicates', '100', '--evaluations', '20', '--json'];
  const record = JSON.parse((await succeed(space, args)).stdout) as IntervalCalibrationRecord;
  expect(record.failed).toBe(0);
  expect(record.passed).toBe(14);
  const topics = record.checks.filter(({ source }) => source === 'documents with topics');
  expect(topics).toHaveLength(5);
  for (const { formerly } of topics) expect(formerly!).toBeLessThan(0.8);
  expect(record.checks.at(-1)).toMatchObject({ replicates: 20, verdict: 'pass' });
});

it('a coverage is judged with chance allowed for below a thousand replicates', () => {
  expect(judgeCoverage(0.93, 1000, null).verdict).toBe('pass');
  expect(judgeCoverage(0.929, 1000, null)).toMatchObject({ verdict: 'fail' });
  expect(judgeCoverage(0.971, 1000, null).verdict).toBe('fail');
  expect(judgeCoverage(0.9, 100, null).verdict).toBe('pass');
  expect(judgeCoverage(0.8, 100, null).verdict).toBe('fail');
  expect(judgeCoverage(0.5, 1000, 'too short')).toEqual({ verdict: 'not-counted', reason: 'too short' });
});
