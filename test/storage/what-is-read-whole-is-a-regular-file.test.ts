import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { gitLfsPointer, isGitLfsPointer, readSmallFile } from '../../src/storage/small-file.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();

function refusal(path: string, most = 100): unknown {
  try {
    return `read ${readSmallFile(path, most).length} bytes`;
  } catch (error) {
    return error;
  }
}

it('a file is read up to its budget, and through a link', () => {
  const path = folder.path('whole');
  writeFileSync(path, 'x'.repeat(100));
  symlinkSync(path, folder.path('link'));
  expect(readSmallFile(folder.path('link'), 100).toString()).toBe('x'.repeat(100));
  expect(refusal(path, 99)).toMatchObject({
    code: 'file-too-large',
    exitCode: 6,
    message: expect.stringMatching(/100 bytes, and may have 99/),
  });
});

it.skipIf(process.platform !== 'linux')('a file that says it is empty is read all the same', () => {
  expect(readSmallFile('/proc/self/status', 2 ** 16).toString()).toContain('Pid:');
  expect(refusal('/proc/self/status', 10)).toMatchObject({ code: 'file-too-large' });
});

it('what is no regular file is refused at once, by name', async () => {
  const pipe = folder.path('pipe');
  execFileSync('mkfifo', [pipe]);
  symlinkSync('/dev/zero', folder.path('zero'));
  mkdirSync(folder.path('inner'));
  const server = createServer().listen(folder.path('socket'));
  await once(server, 'listening');
  const kinds = { pipe: 'a named pipe', zero: 'a device', inner: 'a folder', socket: 'a socket' };
  for (const [name, kind] of Object.entries(kinds)) {
    expect(refusal(folder.path(name)), name).toMatchObject({
      code: 'not-a-file',
      why: `it is ${kind}, not a regular file`,
    });
  }
  server.close();
});

it('a file that is not there is told from one that cannot be read', () => {
  expect(refusal(folder.path('nothing'))).toMatchObject({ code: 'no-such-file', exitCode: 6 });
});

it('a pointer of Git LFS is known', () => {
  const pointer = Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n');
  expect([isGitLfsPointer(pointer), isGitLfsPointer(Buffer.from('version'))]).toEqual([true, false]);
  expect(gitLfsPointer('a.onnx').message).toBe(
    'Cannot read a.onnx: it is a Git LFS pointer, not the file itself.',
  );
});
