/** CSV as DuckDB reads it: its own parser, and its own opinion of what type a column has. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { temporaryFolder } from '../support/folder.js';

export interface Table {
  /** By column: BIGINT, DOUBLE, BOOLEAN, VARCHAR, … A column of nothing but unknowns is VARCHAR. */
  types: Record<string, string>;
  rows: Record<string, unknown>[];
}

/** Nothing of the dialect or the types is given but that the first line is a header; every line tells of the types. */
export async function readByDuckDb(csv: string): Promise<Table> {
  const folder = temporaryFolder().root;
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const path = join(folder, 'table.csv');
    writeFileSync(path, csv);
    const reader = await connection.runAndReadAll(
      `select * from read_csv('${path}', header = true, sample_size = -1)`,
    );
    const types = reader.columnTypes().map(String);
    return {
      types: Object.fromEntries(reader.columnNames().map((name, i) => [name, types[i]])),
      rows: reader.getRowObjectsJS() as Record<string, unknown>[],
    };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
