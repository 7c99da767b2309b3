/** About src/datasets/file-texts.ts, src/datasets/hub/fetch-table.ts, src/evals/tasks/documents.ts */
import { readFileSync, rmSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import { tableRows } from '../../src/datasets/file-texts.js';
import { fetchTable } from '../../src/datasets/hub/fetch-table.js';
import { temporaryFolder } from '../support/folder.js';
import { localHub } from '../support/hub.js';

const folder = temporaryFolder();
process.env.DUO_EVAL_CACHE = folder.path('cache');
const parquet = folder.path('rows.parquet');

async function rowsOf(path: string) {
  const rows: unknown[] = [];
  for await (const batch of tableRows(path)) rows.push(...batch.map(({ record }) => record));
  return rows;
}

const ROWS = [
  { question: 'Why?', choices: { text: ['a', 'b'], label: ['A', 'B'] }, answer: 1 },
  { question: 'Who, "exactly"?', choices: { text: ['c'], label: ['A'] }, answer: 0 },
];

beforeAll(async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`copy (select * from (values
      ('Why?', {'text': ['a', 'b'], 'label': ['A', 'B']}, 1::bigint),
      ('Who, "exactly"?', {'text': ['c'], 'label': ['A']}, 0::bigint)
    ) as rows(question, choices, answer)) to '${parquet}' (format parquet)`);
  connection.closeSync();
});

describe('whole rows', () => {
  it('of Parquet have their lists, structs and numbers', async () => {
    expect(await rowsOf(parquet)).toEqual(ROWS);
  });

  it('of JSON and CSV are what is written', async () => {
    expect(await rowsOf(folder.file('a.jsonl', ROWS.map((row) => JSON.stringify(row)).join('\n')))).toEqual(
      ROWS,
    );
    expect(await rowsOf(folder.file('a.json', JSON.stringify(ROWS)))).toEqual(ROWS);
    expect(await rowsOf(folder.file('a.csv', 'q,a\n"x, ""y""",1\nz,2\n'))).toEqual([
      { q: 'x, "y"', a: '1' },
      { q: 'z', a: '2' },
    ]);
    await expect(rowsOf(folder.file('b.csv', 'q,a\nx\n'))).rejects.toThrow(/row 2 has 1 column where 2/);
    await expect(rowsOf(folder.file('a.txt', 'x'))).rejects.toMatchObject({ code: 'unknown-data-form' });
    await expect(rowsOf(folder.file('c.parquet', 'PAR1 nothing PAR1'))).rejects.toMatchObject({
      code: 'broken-parquet',
    });
  });

  it('come from the hub’s own tables, once', async () => {
    const hub = await localHub();
    hub.put('owner/name', [
      { path: 'config/test/0000.parquet', content: readFileSync(parquet), isLarge: true },
    ]);
    const connection = {
      endpoint: { url: hub.url, host: new URL(hub.url).host, token: null },
      ...{ timeoutMs: 5000, pausesMs: [] },
    };
    const split = { repo: 'owner/name', config: 'config', split: 'test' };
    const [path] = await fetchTable(split, connection);
    expect(await rowsOf(path)).toEqual(ROWS);
    expect(hub.asked.some(({ url }) => url.includes(encodeURIComponent('refs/convert/parquet')))).toBe(true);
    const before = hub.asked.length;
    expect(await fetchTable(split, connection)).toEqual([path]);
    expect(hub.asked.length).toBe(before);
    // Lost here, and another file on the hub under the commit of the first fetch.
    const { commit = '' } = hub.repos.get('owner/name') ?? {};
    rmSync(path);
    const content = Buffer.concat([readFileSync(parquet), Buffer.from('PAR1')]);
    hub.put('owner/name', [{ path: 'config/test/0000.parquet', content, isLarge: true }], commit);
    await expect(fetchTable(split, connection)).rejects.toMatchObject({ code: 'dataset-changed' });
    const other = { ...split, split: 'train' };
    await expect(fetchTable(other, connection)).rejects.toMatchObject({
      code: expect.stringMatching(/^hub-/),
    });
  });
});
