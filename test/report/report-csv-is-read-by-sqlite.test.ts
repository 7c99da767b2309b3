import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reportCsv } from '../../src/report/csv.js';
import { generatedResult } from '../comparison/generated-rows.js';
import { resultOfNats, rowsOfResults } from '../comparison/rows.js';
import { temporaryFolder } from '../support/folder.js';

/** A reader of CSV that is not ours; some machines have none. */
const noSqlite = spawnSync('sqlite3', ['-version']).status === 0 ? null : 'no sqlite3 on this machine';

it.skipIf(noSqlite)('a report in CSV is a table for sqlite3, figure by figure', () => {
  const nats = Array.from({ length: 20 }, (_, i) => 600 + 9 * Math.sin(i));
  const awkward = 'a "quoted", name\nwith a line';
  const results = [resultOfNats(nats, awkward), generatedResult('duo', 8, 90, 5.5)];
  const rows = rowsOfResults(results);
  const folder = temporaryFolder().root;
  writeFileSync(join(folder, 'report.csv'), reportCsv(rows));
  const { stdout, stderr } = spawnSync(
    'sqlite3',
    [
      ...[':memory:', '-cmd', '.mode csv', '-cmd', '.import report.csv report', '-json'],
      "select model, metric, cast(value as real) as value, stderr, steps from report where metric in ('ppl', 'distinct2')",
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  const [ppl, distinct] = JSON.parse(stdout) as Record<string, string | number>[];
  const value = rows[0].figures.get('ppl')!.value!;
  expect(Math.abs(Number(ppl.value) / value - 1)).toBeLessThan(1e-12);
  expect(ppl.model).toBe('a "quoted", name with a line');
  expect(distinct).toMatchObject({ model: 'duo', value: 0.9, stderr: '', steps: '8' });
});
