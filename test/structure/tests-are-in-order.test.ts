/** About test/ */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { subjects } from '../../scripts/run-tests.mjs';
import { filesUnder, read, root } from './source-files.js';

const tests = filesUnder('test', '.test.ts');
const all = filesUnder('test');

describe('the tests', () => {
  it('assert no duration and set no time limit of their own: those follow the machine (support/patience.ts)', () => {
    const clock = /expect\([^\n]*(performance\.now|hrtime|Date\.now\(\) - \w+\)|elapsed)/;
    const limit = /\.setConfig\(|^\s*\}, \d[\d_]{3,}\);$|^\s*\d+_000,\n\s*\);$/m;
    const found = tests.filter((path) => clock.test(read(path)) || limit.test(read(path)));
    expect(found).toEqual([]);
  });

  it('make folders and servers of the hub with test/support, which cleans up after them', () => {
    const makers = all.filter((path) => /\bmkdtemp(Sync)?\(/.test(read(path)));
    expect(makers).toEqual(['test/support/folder.ts']);
  });

  it('start the built program with test/support/run.ts', () => {
    const start =
      /\b(spawn|spawnSync|execFile|execFileSync)\(\s*process\.execPath,\s*\[[^\]]*bin['/, ]+run\.js/;
    const starters = all.filter((path) => start.test(read(path)));
    expect(starters).toEqual([]);
  });

  it('name what they are about: by what they import, or in a comment `About src/…`, of files that are there', () => {
    const about = [...subjects()];
    expect(about.filter(([, files]) => files.size === 0).map(([test]) => test)).toEqual([]);
    const lost = about.flatMap(([test, files]) =>
      [...files].filter((file) => !existsSync(join(root, file))).map((file) => `${test} → ${file}`),
    );
    expect(lost).toEqual([]);
  });

  it('of the command line name the file of a command, or of src/cli', () => {
    const silent = tests.filter(
      (path) =>
        path.startsWith('test/end-to-end/') && !/\bAbout (src\/(commands|cli)|bin)\//.test(read(path)),
    );
    expect(silent).toEqual([]);
  });
});
