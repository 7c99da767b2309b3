/** The source files of the project and what they import, read as text. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Paths of the .ts files of a folder, relative to the project, with `/`. */
export function filesUnder(folder: string, ending = '.ts'): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

export const read = (path: string) => readFileSync(join(root, path), 'utf8');

export interface Import {
  from: string;
  /** A package's name, or the path of a source file. */
  to: string;
  kind: 'static' | 'type' | 'dynamic';
}

const STATIC = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";()]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g;

export function importsOf(path: string): Import[] {
  const text = read(path);
  const resolved = (specifier: string) =>
    specifier.startsWith('.')
      ? join(dirname(path), specifier).split(sep).join('/').replace(/\.js$/, '.ts')
      : specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
  return [
    ...[...text.matchAll(STATIC)].map(
      ([, type, to]): Import => ({
        from: path,
        to: resolved(to),
        kind: type ? 'type' : 'static',
      }),
    ),
    ...[...text.matchAll(DYNAMIC)].map(
      ([, to]): Import => ({ from: path, to: resolved(to), kind: 'dynamic' }),
    ),
  ];
}

/** `evals` for src/evals/x.ts; a file right under src/ is its own room. */
export function roomOf(path: string): string {
  const [, room] = path.split('/');
  return room;
}
