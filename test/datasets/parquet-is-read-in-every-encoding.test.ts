import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import { type ParquetFile, parquetFile } from '../../fuzz/parquet-file.mjs';
import { temporaryFolder } from '../support/folder.js';
import { oracle as readOracle } from './oracle.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const oracle = readOracle('parquet-files') as { files: Record<string, string> };
const texts = ['one', '', 'two', 'two', 'fünf ✓', ...Array.from({ length: 300 }, (_, i) => `word ${i % 11}`)];

const forms = (['plain', 'dictionary', 'delta-length', 'delta-byte-array'] as const).flatMap((encoding) =>
  ([1, 2] as const).flatMap((version) =>
    (['none', 'gzip', 'brotli'] as const).map((codec): ParquetFile => ({ encoding, version, codec })),
  ),
);

describe('a Parquet column of texts', () => {
  it.each(forms)('$encoding, pages of version $version, codec $codec', async (form) => {
    for (const required of [true, false]) {
      const bytes = parquetFile({ texts, required, ...form });
      expect(await textsOf(folder.file('a.parquet', bytes))).toEqual(texts);
    }
  });

  it.each(forms)(
    '$encoding, version $version, codec $codec: the file is one that others read',
    async (form) => {
      const file = new Uint8Array(parquetFile({ texts, ...form })).buffer;
      const rows = (await parquetReadObjects({ file, compressors })) as { text: string }[];
      expect(rows.map(({ text }) => text)).toEqual(texts);
    },
  );

  it('names the row that has no text', async () => {
    for (const version of [1, 2] as const) {
      const path = folder.file('null.parquet', parquetFile({ texts: ['a', 'b', null, 'c'], version }));
      await expect(textsOf(path)).rejects.toMatchObject({ code: 'not-text' });
      await expect(textsOf(path)).rejects.toThrow(/row 3: "text" should be text but is null/);
    }
  });

  it('of one text only, or of none, is read', async () => {
    for (const few of [[], ['a'], ['']]) {
      for (const form of forms) {
        const path = folder.file('few.parquet', parquetFile({ texts: few, ...form }));
        expect(await textsOf(path)).toEqual(few);
      }
    }
  });

  it('that is no text says what it is', async () => {
    const lists = folder.file('b.parquet', Buffer.from(oracle.files.none, 'base64'));
    await expect(textsOf(lists, 'tags')).rejects.toThrow(/"tags" should be text but is an array/);
    await expect(textsOf(lists, 'score')).rejects.toThrow(/"score" should be text but is number/);
  });

  it('is refused when a page is not what its checksum says', async () => {
    const sound = parquetFile({ texts, lies: { checksum: 'true' } });
    expect(await textsOf(folder.file('c.parquet', sound))).toEqual(texts);
    const altered = Buffer.from(sound);
    altered[altered.indexOf('word 3')] ^= 1;
    const failure = textsOf(folder.file('d.parquet', altered));
    await expect(failure).rejects.toThrow(/a page is not what its checksum says/);
  });
});
