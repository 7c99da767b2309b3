// Makes pages of the library's interface, from the entries that package.json exports: `npm run docs:api` writes .api/.
// TypeDoc reads types through the JavaScript interface of TypeScript, which ends with version 6: it cannot use the compiler of
// this project (7). So npx runs it beside a TypeScript 6 of its own; nothing is added to the project's packages.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { exports: entries = {} } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/** Paths of the sources behind `exports`, whichever of its forms is used. */
function sourcesOf(entry) {
  if (typeof entry === 'object' && entry !== null) return Object.values(entry).flatMap(sourcesOf);
  const source = /^\.\/dist\/(.+?)(\.d)?\.[jt]s$/.exec(String(entry))?.[1];
  return source !== undefined && existsSync(`${root}src/${source}.ts`) ? [`src/${source}.ts`] : [];
}
const sources = process.argv[2] ? process.argv.slice(2) : [...new Set(sourcesOf(entries))];
if (sources.length === 0) {
  console.error('package.json exports nothing yet; name source files to document them all the same.');
  process.exit(1);
}

const packages = ['--package', 'typedoc@0.28.20', '--package', 'typescript@6.0.3'];
const options = ['--tsconfig', 'tsconfig.json', '--skipErrorChecking', '--readme', 'none', '--out', '.api'];
execFileSync('npx', ['--yes', ...packages, 'typedoc', ...options, ...sources], {
  cwd: root,
  stdio: 'inherit',
});
