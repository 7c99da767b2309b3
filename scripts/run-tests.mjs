/**
 * Runs the fast or the slow tests, all of them or those about some source files.
 *
 *   npm test                                           the fast tests
 *   npm test -- --about src/sampling/generate.ts       those of them that are about this file
 *   npm test -- --about src/sampling                   … or about any file of this folder
 *   npm run test:slow -- --about src/commands/ppl.ts   the slow ones about it
 *   npm test -- -t 'a name'                            all else goes to vitest
 *
 * A test is about the source files that it imports, and about those that it names in a comment `About src/…` (a list,
 * separated by commas): tests of the command line name the command's file. Where no test is about a file, those about
 * the files that import it are run.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const typeScript = (folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();

const IMPORT = /(?:^\s*(?:import|export)\s[^'";]*?from\s+|\bimport\(\s*|^\s*import\s+)'(\.[^']+)'/gm;

/** Files of src/ that a file imports, itself or by what lies beside it under test/. */
function imported(path, text) {
  const targets = [...text.matchAll(IMPORT)].map(([, to]) =>
    posix.join(dirname(path), to).replace(/\.js$/, '.ts'),
  );
  const isBeside = (to) => path.endsWith('.test.ts') && dirname(to) === dirname(path);
  return targets.flatMap((to) => {
    if (to.startsWith('src/')) return [to];
    return isBeside(to) ? imported(to, readFileSync(join(root, to), 'utf8')) : [];
  });
}

/** Files and folders that a test says it is about. */
function named(text) {
  const lists = text.matchAll(/\bAbout ((?:(?:,\s*(?:\*\s*)?)?(?:[\w@.-]+\/[\w@./-]*|[A-Z]+\.md))+)/g);
  return [...lists].flatMap(([, list]) => list.split(/,\s*(?:\*\s*)?/).map((one) => one.replace(/\/$/, '')));
}

/** What each test is about, by its path. */
export function subjects() {
  const tests = typeScript('test').filter((path) => path.endsWith('.test.ts'));
  return new Map(
    tests.map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return [path, new Set([...imported(path, text), ...named(text)])];
    }),
  );
}

const isWithin = (file, folder) => file === folder || file.startsWith(`${folder}/`);
/** A test about a room is about its files; one about all of src/ is about none of them. */
const concerns = (subject, place) =>
  isWithin(subject, place) || (subject.includes('/') && isWithin(place, subject));

/** Tests about a file or folder; where there are none, about what imports it, and so on. */
export function testsAbout(place) {
  const about = subjects();
  const found = (places) =>
    [...about]
      .filter(([, files]) => [...files].some((file) => places.some((one) => concerns(file, one))))
      .map(([test]) => test);
  const importers = typeScript('src').map((path) => [
    path,
    imported(path, readFileSync(join(root, path), 'utf8')),
  ]);
  const seen = new Set([place]);
  for (let places = [place]; places.length > 0; ) {
    const tests = found(places);
    if (tests.length > 0) return { tests, through: places[0] === place ? [] : places };
    places = importers
      .filter(
        ([path, files]) => !seen.has(path) && files.some((file) => places.some((one) => isWithin(file, one))),
      )
      .map(([path]) => path);
    for (const path of places) seen.add(path);
  }
  return { tests: [], through: [] };
}

const isSlow = (test) => test.endsWith('.slow.test.ts');

function main([project, ...given]) {
  const places = [];
  const passed = [];
  for (let i = 0; i < given.length; i++) {
    if (given[i] === '--about') places.push(given[++i] ?? '');
    else if (given[i].startsWith('--about=')) places.push(given[i].slice('--about='.length));
    else passed.push(given[i]);
  }
  const files = [];
  for (const one of places) {
    const place = relative(root, join(process.cwd(), one)).split(sep).join('/');
    const { tests, through } = testsAbout(place);
    const chosen = tests.filter((test) => isSlow(test) === (project === 'slow'));
    if (through.length > 0)
      console.log(`No test is about ${place} itself; these are about ${through.join(', ')}.`);
    const others = tests.length - chosen.length;
    if (others > 0)
      console.log(
        `${others} more about ${place}: npm ${project === 'slow' ? 'test' : 'run test:slow'} -- --about ${place}`,
      );
    files.push(...chosen);
  }
  if (places.length > 0 && files.length === 0) {
    console.error(`No ${project} test is about ${places.join(', ')}.`);
    return 1;
  }
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--project', project, ...passed, ...new Set(files)];
  return spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root }).status ?? 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.exitCode = main(process.argv.slice(2));
