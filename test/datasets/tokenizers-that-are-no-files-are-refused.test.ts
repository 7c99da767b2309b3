import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const refusal = (code: string) => expect.objectContaining({ code, exitCode: 6, hint: expect.any(String) });
const onWindows = process.platform === 'win32' ? ' (skipped: no pipes and devices with paths here)' : '';

describe.skipIf(onWindows)(`in place of a tokenizer${onWindows}`, () => {
  it('a link to a device is refused before it is read', async () => {
    mkdirSync(folder.path('zero'));
    symlinkSync('/dev/zero', folder.path('zero/tokenizer.json'));
    await expect(loadTokenizer(folder.path('zero'))).rejects.toEqual(refusal('not-a-file'));
  });

  it('a pipe that nobody writes to is refused, also beside a sound tokenizer', async () => {
    const path = byteTokenizer(folder.path('piped'));
    for (const name of ['tokenizer_config.json', 'special_tokens_map.json', 'pipe'])
      expect(spawnSync('mkfifo', [`${path}/${name}`]).status).toBe(0);
    await expect(loadTokenizer(`${path}/pipe`)).rejects.toEqual(refusal('not-a-file'));
    await expect(loadTokenizer(path)).rejects.toEqual(refusal('not-a-file'));
  });

  it('a file larger than any tokenizer is refused by its size', async () => {
    const path = folder.file('large.json', '');
    truncateSync(path, 2 ** 40);
    await expect(loadTokenizer(path)).rejects.toEqual(refusal('file-too-large'));
  });
});
