import { describe, expect, it } from 'vitest';
import { parquetBombs } from '../../fuzz/bombs.mjs';
import { parquetFile, run } from '../../fuzz/parquet-file.mjs';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const read = (bytes: Buffer) => textsOf(folder.file('bomb.parquet', bytes)).catch((error) => error);

describe('a Parquet file that lies', () => {
  it.each(Object.keys(parquetBombs))('%s: is refused, or read as far as it is true', async (how) => {
    const outcome = await read(parquetBombs[how][1]());
    if (Array.isArray(outcome)) expect(outcome.length).toBeLessThan(10);
    else
      expect(outcome).toMatchObject({
        code: expect.stringMatching(/^(broken-parquet|data-unfolds-too-far)$/),
        exitCode: 4,
      });
  });

  it.each([
    ['its number of rows', { rows: 4 }, /a row group has 4 rows and 3 texts/],
    ['the values of a page', { pageValues: 4 }, /a page says it has 4 values where 3 are left/],
    ['the size of a page', { compressed: 10 ** 6 }, /a page reaches beyond its column/],
    ['what a page unpacks to', { uncompressed: 9 }, /unpacks to \d+ bytes, not to 9/],
    ['where its column begins', { offset: 2 }, /column text reaches beyond the end of the file/],
    ['its levels', { levels: run(1, 2, 1) }, /a page holds fewer values than it says/],
    ['a checksum', { checksum: 7 }, /a page is not what its checksum says/],
  ])('about %s is told so', async (_what, lies, says) => {
    expect((await read(parquetFile({ lies }))).message).toMatch(says);
  });

  it('about a dictionary is told so', async () => {
    const beyond = parquetFile({ encoding: 'dictionary', lies: { indices: run(5, 3, 1) } });
    expect((await read(beyond)).message).toMatch(/refers beyond the end of its dictionary/);
    const short = parquetFile({ encoding: 'dictionary', lies: { indices: new Uint8Array(0) } });
    expect((await read(short)).message).toMatch(/a page holds fewer values than it says/);
  });

  it('about its ends is told so', async () => {
    const sound = parquetFile();
    const changed = (at: number, text: string) => {
      const bytes = Buffer.from(sound);
      bytes.write(text, at < 0 ? bytes.length + at : at, 'latin1');
      return bytes;
    };
    expect((await read(changed(0, 'XXXX'))).message).toMatch(/does not begin with PAR1/);
    expect((await read(changed(-4, 'XXXX'))).message).toMatch(/does not end with PAR1/);
    expect((await read(changed(-4, 'PARE'))).message).toMatch(/it is encrypted/);
    expect((await read(changed(-8, '\xff\xff\xff\x7f'))).message).toMatch(
      /its footer is larger than the file/,
    );
  });
});
