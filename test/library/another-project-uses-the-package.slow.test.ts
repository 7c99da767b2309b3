/** About src/index.ts, src/library/evaluation.ts, package.json and docs/library.md */
import { execFile } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { blocksOf } from '../docs/pages.js';
import { temporaryFolder } from '../support/folder.js';
import { root } from '../support/run.js';
import { compile, link, runExample, writeProject } from './project.js';

/** What each example of the page prints, in their order. */
const PRINTED = [
  /^ar \d+\.\d+ \[ \d+\.\d+, \d+\.\d+ \]\nduo [\s\S]*^model +data set +perplexity/m,
  /^\d+ \d+\.\d+ \[ \d+, \d+, \d+ \]\n[\s\S]*^\d\.\d+ max-probability$/m,
  /^-\d+\.\d+ -\d+\.\d+ -\d+\.\d+\n-\d+\.\d+ -\d+\.\d+ -\d+\.\d+$/m,
  /^mine duo \d+ [0-9a-f]{64}$/m,
  /name: 'ancestral'[\s\S]*^0 \d+ \S[\s\S]*^1 \d+ \S/m,
  /^1 2\ntextNll -?\d/,
  /ar on sotu: to run[\s\S]*^ppl \{[\s\S]*^1$/m,
  /\w/,
  /\| ar +\| +0\.\d+[\s\S]*^0\.\d+$/m,
  /^enough\nmodel-not-found 3 \S/m,
];

/** Whatever registry this machine uses, without what the surrounding npm test told its children. */
const surroundings = () =>
  Object.fromEntries([
    ...Object.entries(process.env).filter(
      ([name]) => !/^npm_(lifecycle|package|command|execpath|node|config_ignore_scripts)/.test(name),
    ),
    ['npm_config_prefer_offline', 'true'],
  ]);
const npm = (cwd: string, ...args: string[]) =>
  promisify(execFile)('npm', args, { cwd, env: surroundings(), maxBuffer: 1 << 24 });

describe('a strict TypeScript project that installs the packed tarball', () => {
  let folder: string;
  beforeAll(async () => {
    folder = temporaryFolder().root;
    const { stdout } = await npm(
      root,
      ...['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    );
    renameSync(join(folder, JSON.parse(stdout)[0].filename), join(folder, 'duo-eval.tgz'));
    writeProject(folder, { 'duo-eval': 'file:duo-eval.tgz' });
    await npm(folder, 'install', '--ignore-scripts', '--no-audit', '--no-fund');
    link(folder, ['@types']);
    await compile(folder);
  });

  it('has as many examples as are checked here', () => {
    expect(blocksOf('docs/library.md').filter(({ language }) => language === 'ts')).toHaveLength(
      PRINTED.length,
    );
  });

  it.each(PRINTED.map((printed, i) => [i + 1, printed] as const))(
    'runs example %d of the page, which prints what it says',
    async (number, printed) => {
      expect(await runExample(folder, `example-${number}`)).toMatch(printed);
    },
  );
});
