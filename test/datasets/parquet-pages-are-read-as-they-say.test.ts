import { describe, expect, it } from 'vitest';
import { type ParquetFile, parquetFile } from '../../fuzz/parquet-file.mjs';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const texts = ['one', 'two', 'three'];
const read = (options: ParquetFile) =>
  textsOf(folder.file('a.parquet', parquetFile({ texts, ...options }))).catch((error) => error.message);

describe('a page of a Parquet file', () => {
  it.each([1, 2] as const)('of version %i may have a long header of unknown fields', async (version) => {
    expect(await read({ version, lies: { remark: 5_000 } })).toEqual(texts);
    expect(await read({ version, lies: { remark: 500_000 } })).toEqual(texts);
    expect(await read({ version, lies: { remark: 2_000_000 } })).toMatch(/a header of more than a MiB/);
  });

  it('may be stored as it is in a column that is compressed', async () => {
    expect(await read({ version: 2, codec: 'gzip', lies: { stored: true } })).toEqual(texts);
    expect(await read({ version: 2, codec: 'gzip' })).toEqual(texts);
  });

  it('with levels in another encoding, or larger than itself, is refused', async () => {
    expect(await read({ lies: { levelEncoding: 4 } })).toMatch(/a page has levels of the encoding 4/);
    for (const definitionBytes of [-1, 1000]) {
      expect(await read({ version: 2, lies: { definitionBytes } })).toMatch(
        /levels of a page reach beyond it/,
      );
    }
    expect(await read({ lies: { page: Buffer.from([1, 2, 3]) } })).toMatch(
      /levels of a page reach beyond it/,
    );
    expect(await read({ lies: { page: Buffer.from([9, 0, 0, 0, 1]) } })).toMatch(
      /levels of a page reach beyond/,
    );
  });

  it('whose texts reach beyond it is refused', async () => {
    const page = (...bytes: number[]) => Buffer.from(bytes);
    const required = true;
    expect(await read({ required, lies: { page: page(200, 0, 0, 0, 97) } })).toMatch(/a text reaches beyond/);
    expect(await read({ required, lies: { page: page(1, 0) } })).toMatch(/a text reaches beyond its page/);
    // Three lengths of which the second is negative; then three that are more than there is.
    const lengths = (...differences: number[]) => [
      128,
      1,
      4,
      3,
      2,
      0,
      8,
      0,
      0,
      0,
      ...differences,
      ...new Array(30).fill(0),
    ];
    const encoding = 'delta-length' as const;
    expect(await read({ required, encoding, lies: { page: page(128, 1, 4, 3, 2, 7, 0, 0, 0, 0) } })).toMatch(
      /a text reaches beyond its page/,
    );
    expect(await read({ required, encoding, lies: { page: page(...lengths(99, 0)) } })).toMatch(
      /a text reaches beyond its page/,
    );
  });
});
