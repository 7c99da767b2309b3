/** About bin/run.js, package.json */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { root } from '../support/run.js';
import { resultsOf } from './results.js';

let folder: string;
let contents: string[];
let printed: string;
/** The block of README.md, as it is written. */
const commands = /^```sh[^\n]*\n(npm install [^`]*)^```$/m.exec(
  readFileSync(join(root, 'README.md'), 'utf8'),
)![1];
beforeAll(async () => {
  folder = temporaryFolder().root;
  const { stdout } = await npm(root, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder);
  const [{ files, filename }] = JSON.parse(stdout);
  contents = files.map(({ path }: { path: string }) => path);
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'empty', 'package.json'), '{"private": true}\n');
  renameSync(join(folder, filename), join(folder, 'empty', filename));
  const { stdout: said } = await promisify(execFile)('sh', ['-e', '-c', commands], {
    cwd: join(folder, 'empty'),
    env: surroundings(),
    maxBuffer: 1 << 24,
  });
  printed = said;
});

/** Whatever registry this machine uses, without what the surrounding npm test told its children, such as to run no scripts. */
function surroundings(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(lifecycle|package|command|execpath|node|config_ignore_scripts)/.test(name),
  );
  return { ...Object.fromEntries(kept), npm_config_prefer_offline: 'true' };
}

function npm(cwd: string, ...args: string[]) {
  return promisify(execFile)('npm', args, { cwd, env: surroundings(), maxBuffer: 1 << 24 });
}

const installed = () => join(folder, 'empty');
/** The command as the shell finds it after an installation. */
const duoEval = (...args: string[]) =>
  promisify(execFile)('npx', ['--no-install', 'duo-eval', ...args], {
    cwd: installed(),
    env: { PATH: process.env.PATH, HOME: folder, DUO_EVAL_CACHE: join(folder, 'cache') },
  });

describe('the package', () => {
  it('holds what it needs to run, and what its reader needs', () => {
    const needed = [
      'bin/run.js',
      'dist/cli/main.js',
      'dist/workers/session.js',
      'oclif.manifest.json',
      'package.json',
    ];
    const forReaders = [
      'LICENSE',
      'README.md',
      'docs/protocols.md',
      'CHANGELOG.md',
      'THIRD-PARTY-NOTICES.md',
      'schema/results-1.schema.json',
    ];
    const fixtures = [
      'fixtures/markov-duo.onnx',
      'fixtures/markov-duo.card.json',
      'fixtures/tokenizer/tokenizer.json',
    ];
    expect(contents).toEqual(expect.arrayContaining([...needed, ...forReaders, ...fixtures]));
  });

  it('holds nothing else', () => {
    const expected =
      /^(bin|dist|docs|fixtures|schema)\/|^tasks\/\w+\.yaml$|^integrations\/lm-eval\/duo_eval_lm\.py$|^(package\.json|oclif\.manifest\.json|LICENSE|[A-Z-]+\.md)$/;
    expect(contents.filter((path) => !expected.test(path))).toEqual([]);
    expect(contents.filter((path) => /\.(ts|test\.js|map)$/.test(path) && !path.endsWith('.d.ts'))).toEqual(
      [],
    );
  });

  it('installs by the commands of the README as they are written, which then tell the version', () => {
    expect(commands).toMatch(/^npm install (--\S+ )*\.\/\S+\.tgz\nnpx duo-eval --version\n$/);
    expect(printed).toMatch(/^duo-eval\/\d+\.\d+\.\d+ /m);
  });

  it('installs without development tools', () => {
    const modules = readdirSync(join(installed(), 'node_modules'));
    expect(modules).toContain('duo-eval');
    for (const tool of ['typescript', 'vitest', '@biomejs']) expect(modules).not.toContain(tool);
    expect(existsSync(join(installed(), 'node_modules', 'duo-eval', 'src'))).toBe(false);
  });

  it('tells its version', async () => {
    const { stdout } = await duoEval('--version');
    expect(stdout).toMatch(/^duo-eval\/\d+\.\d+\.\d+ /);
  });

  it('evaluates a fixture on embedded text where it was installed', async () => {
    const model = 'node_modules/duo-eval/fixtures/markov-duo.onnx';
    const { stdout } = await duoEval('ppl', '--model', model, '--limit', '8', '--json');
    const [{ metrics, model: record }] = resultsOf({ stdout }).results;
    expect(record).toMatchObject({ name: 'markov-duo', family: 'duo', path: model });
    expect(metrics.ppl.value).toBeGreaterThan(2);
    expect(metrics.ppl.value).toBeLessThan(60);
  });
});
