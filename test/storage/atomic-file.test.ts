import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/errors.js';
import { AtomicFile, writeFileAtomically } from '../../src/storage/atomic-file.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();

describe('an atomic file', () => {
  it('appears at its path only when it is committed, and makes its folder', async () => {
    const path = folder.path('new', 'deep', 'a.txt');
    const file = await AtomicFile.create(path);
    await file.write(Buffer.from('half '));
    await file.write(Buffer.from('whole'));
    expect(readdirSync(folder.path('new', 'deep')).filter((name) => name === 'a.txt')).toEqual([]);
    expect(file.size).toBe(10);
    await file.commit();
    expect(readdirSync(folder.path('new', 'deep'))).toEqual(['a.txt']);
    expect(readFileSync(path, 'utf8')).toBe('half whole');
  });

  it('leaves the old content and no temporary file when it is discarded', async () => {
    mkdirSync(folder.path('kept'));
    const path = folder.path('kept', 'a.txt');
    await writeFileAtomically(path, 'old');
    const file = await AtomicFile.create(path);
    await file.write(Buffer.from('new'));
    await file.discard();
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder.path('kept'))).toEqual(['a.txt']);
  });

  it('is whole whichever of many writers comes last', async () => {
    mkdirSync(folder.path('many'));
    const path = folder.path('many', 'a.txt');
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(contents.map((content) => writeFileAtomically(path, content)));
    expect(contents).toContain(readFileSync(path, 'utf8'));
    expect(readdirSync(folder.path('many'))).toEqual(['a.txt']);
  });

  it('that cannot be made is a FileError with a sentence and the advice given', async () => {
    const file = folder.file('plain', '');
    const failure = await writeFileAtomically(`${file}/a.txt`, 'x', 'Move the folder.').catch(
      (error) => error,
    );
    expect(failure).toBeInstanceOf(FileError);
    expect(failure.message).toMatch(/^Cannot write .*a\.txt: .+\.$/);
    expect(failure.hint).toMatch(/^Move the folder\. /);
  });

  it('keeps the permissions of the file that it replaces', async () => {
    const path = folder.file('shared.json', 'old');
    for (const mode of [0o640, 0o664, 0o755]) {
      chmodSync(path, mode);
      await writeFileAtomically(path, 'new');
      expect(statSync(path).mode & 0o777).toBe(mode);
    }
  });

  it('writes to a device and leaves it one', async () => {
    await writeFileAtomically('/dev/null', 'x');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('that cannot be put in place leaves no temporary file', async () => {
    mkdirSync(folder.path('taken', 'a.txt', 'inner'), { recursive: true });
    await expect(writeFileAtomically(folder.path('taken', 'a.txt'), 'x')).rejects.toBeInstanceOf(FileError);
    expect(readdirSync(folder.path('taken'))).toEqual(['a.txt']);
  });
});
