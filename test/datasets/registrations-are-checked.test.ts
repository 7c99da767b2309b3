import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { registeredDataset, registeredNames } from '../../src/datasets/registered-datasets.js';
import { FileError } from '../../src/errors.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
mkdirSync(folder.path('datasets'));
const sha256 = 'a'.repeat(64);

describe('a registration', () => {
  it.each([
    ['text that is not JSON', 'mine=here.csv'],
    ['bytes that are not UTF-8', Buffer.from(`{"path":"f\xfcnf.csv","sha256":"${sha256}"}`, 'latin1')],
    ['no path', `{"sha256":"${sha256}"}`],
    ['no whole sha256', `{"path":"a.csv","sha256":"${sha256.slice(1)}"}`],
    ['a column that is no name', `{"path":"a.csv","sha256":"${sha256}","textColumn":7}`],
    ['a list', '[]'],
  ])('of %s is broken, and says how to make it anew', async (_what, content) => {
    writeFileSync(folder.path('datasets', 'mine.json'), content);
    await expect(registeredDataset('mine', folder.path())).rejects.toMatchObject({
      code: 'broken-registration',
      exitCode: 4,
      hint: expect.stringContaining('duo-eval datasets add mine=path'),
    });
  });

  it('that cannot be read is an error of the file, and none where there is none', async () => {
    mkdirSync(folder.path('datasets', 'folder.json'));
    await expect(registeredDataset('folder', folder.path())).rejects.toThrow(FileError);
    expect(await registeredDataset('absent', folder.path())).toBeNull();
    expect(await registeredDataset('../mine', folder.path())).toBeNull();
    expect(await registeredNames(folder.path('nowhere'))).toEqual([]);
    mkdirSync(folder.path('odd'));
    writeFileSync(folder.path('odd', 'datasets'), '');
    expect(await registeredNames(folder.path('odd'))).toEqual([]);
  });
});
