/** About src/ */
import { describe, expect, it } from 'vitest';
import { filesUnder, importsOf, read, roomOf } from './source-files.js';

const sources = filesUnder('src');
const tests = filesUnder('test');

/** Longer files, each with the idea that it tells from end to end. */
const LONG: Readonly<Record<string, string>> = {
  'src/evals/perplexity/run.ts': 'an evaluation, whole or of some sequences, and its record',
  'src/models/importers/pickle.ts': "a pickle's stack machine, instruction by instruction",
};

/** A postfix `!` outside of strings and comments. */
function asserts(line: string): boolean {
  if (/^\s*(\*|\/\/|\/\*)/.test(line)) return false;
  const code = line.replace(/'(?:[^'\\]|\\.)*'|`(?:[^`\\$]|\\.)*`/g, "''").replace(/\/\/.*$/, '');
  return /[\w\])]!(?!=)(?=[\s.,;:)\]}[(?+*/-]|$)/.test(code);
}

describe('the house', () => {
  it('has no room for things without an idea', () => {
    const folders = [...sources, ...tests].flatMap((path) => path.split('/').slice(0, -1));
    const names = sources.map((path) => path.split('/').at(-1)!.replace(/\.ts$/, ''));
    const banned = /^(utils?|helpers?|misc|common|lib)$/;
    expect([...new Set([...folders, ...names])].filter((name) => banned.test(name))).toEqual([]);
  });

  it('says at the head of every source file of more than a few lines what it is', () => {
    const silent = sources.filter((path) => {
      const text = read(path);
      // A command says it in its summary.
      const told = text.includes('/**') || /static override summary/.test(text);
      return text.split('\n').length > 30 && !told;
    });
    expect(silent).toEqual([]);
  });

  it('holds a whole idea in each file: files of more than 350 lines are named here with theirs', () => {
    const long = sources.filter((path) => read(path).split('\n').length > 350);
    expect(long).toEqual(Object.keys(LONG));
  });

  it('has no more half files: under 60 lines, and needed by one other alone', () => {
    const importers = new Map<string, Set<string>>();
    for (const { from, to } of sources.flatMap(importsOf))
      importers.set(to, (importers.get(to) ?? new Set()).add(from));
    const half = sources.filter(
      (path) =>
        !path.startsWith('src/commands/') &&
        read(path).split('\n').length <= 60 &&
        importers.get(path)?.size === 1,
    );
    // Each has an idea of its own. A new one usually belongs in the file that needs it; when one is joined, lower this.
    expect(half.length, half.join('\n')).toBeLessThanOrEqual(19);
  });

  it('says why wherever it asserts that a value is not null', () => {
    const silent = sources.flatMap((path) => {
      const lines = read(path).split('\n');
      return lines.flatMap((line, i) =>
        asserts(line) && !line.includes('//') && !(lines[i - 1] ?? '').trim().startsWith('//')
          ? [`${path}:${i + 1}`]
          : [],
      );
    });
    expect(silent).toEqual([]);
  });

  it('asserts something in every test file', () => {
    const idle = tests.filter(
      (path) => path.endsWith('.test.ts') && !/\bexpect(TypeOf|[A-Z]\w*)?\(/.test(read(path)),
    );
    expect(idle).toEqual([]);
  });

  it('leaves no test skipped, focused or to do without a reason', () => {
    const left = tests.filter((path) => /\b(it|describe|test)\.(only|todo|skip)\(/.test(read(path)));
    expect(left).toEqual([]);
  });

  it('has a room under test/ for every room under src/', () => {
    const rooms = (paths: string[]) =>
      new Set(paths.filter((path) => path.split('/').length > 2).map(roomOf));
    // Commands are tested as processes, by test/end-to-end.
    const missing = [...rooms(sources)].filter((name) => name !== 'commands' && !rooms(tests).has(name));
    expect(missing).toEqual([]);
  });

  it('names exact versions of what it depends on', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json'));
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)),
    );
    expect(loose).toEqual([]);
  });

  it('locks only packages of the public registry', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { resolved?: string }>;
    };
    const elsewhere = Object.values(packages).filter(
      ({ resolved }) => resolved && !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(elsewhere).toEqual([]);
  });

  it('locks every package that a locked one names, those for other platforms too, as npm ci demands', () => {
    interface Locked {
      dependencies?: Record<string, string>;
      devDependencies?: Record<string, string>;
      optionalDependencies?: Record<string, string>;
    }
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
    /** As Node looks: beside the package, then in each folder above. */
    const found = (from: string, name: string): boolean => {
      const path = from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`;
      if (path in packages) return true;
      return from !== '' && found(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name);
    };
    const missing = Object.entries(packages).flatMap(([from, locked]) =>
      Object.keys({ ...locked.dependencies, ...locked.devDependencies, ...locked.optionalDependencies })
        .filter((name) => !found(from, name))
        .map((name) => `${from} → ${name}`),
    );
    expect(Object.keys(packages).length).toBeGreaterThan(100);
    expect(missing).toEqual([]);
  });
});
