import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addDataset, verifyDatasets } from '../../src/datasets/catalogue.js';
import { openSamples } from '../../src/records/samples-file.js';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const refused = (action: Promise<unknown>) =>
  action.then(
    () => 'read',
    ({ code }) => code,
  );

describe.skipIf(process.platform === 'win32')('what is no regular file (needs named pipes)', () => {
  it('is refused as data at once', async () => {
    execFileSync('mkfifo', [folder.path('pipe.jsonl')]);
    symlinkSync('/dev/zero', folder.path('zero.txt'));
    const socket = createServer().listen(folder.path('socket.csv'));
    await once(socket, 'listening');
    for (const name of ['pipe.jsonl', 'zero.txt', 'socket.csv']) {
      expect(await refused(textsOf(folder.path(name))), name).toBe('not-a-file');
    }
    socket.close();
  });

  it('is refused as samples at once', async () => {
    execFileSync('mkfifo', [folder.path('samples.jsonl')]);
    expect(await refused(openSamples(folder.path('samples.jsonl')))).toBe('not-a-file');
  });

  it('is refused in the place of a registered file', async () => {
    process.env.DUO_EVAL_CONFIG = folder.path('config');
    const path = folder.file('once.txt', 'a text');
    await addDataset(`once=${path}`);
    execFileSync('rm', [path]);
    execFileSync('mkfifo', [path]);
    const [{ failure }] = await verifyDatasets(['once']);
    expect(failure).toMatchObject({ code: 'not-a-file' });
    expect(await refused(textsOf('once'))).toBe('not-a-file');
  });
});
