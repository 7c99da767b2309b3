/** A TypeScript project of someone else that uses the library: the examples of docs/library.md, compiled and run. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { blocksOf } from '../docs/pages.js';
import { environmentIn, fixture, root } from '../support/run.js';

const strict = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ['node'],
    outDir: 'built',
    skipLibCheck: true,
  },
  include: ['*.ts'],
};

/** The names of the examples, in their order, which are written into the folder with all that they speak of. */
export function writeProject(folder: string, dependencies: Record<string, string> = {}): string[] {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write('package.json', JSON.stringify({ private: true, type: 'module', dependencies }));
  write('tsconfig.json', JSON.stringify(strict));
  cpSync(fixture(''), join(folder, 'fixtures'), { recursive: true });
  const examples = blocksOf('docs/library.md').filter(({ language }) => language === 'ts');
  return examples.map(({ text }, i) => {
    write(`example-${i + 1}.ts`, text);
    return `example-${i + 1}`;
  });
}

/** The types of Node, and a package that is this working tree, unless another is installed. */
export function link(folder: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    const target = name === 'duo-eval' ? root : join(root, 'node_modules', name);
    symlinkSync(target, join(folder, 'node_modules', name), 'junction');
  }
}

/** @throws with what the compiler says */
export async function compile(folder: string): Promise<void> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', folder], { cwd: folder }).catch((error) => {
    throw new Error(error.stdout);
  });
}

/** @returns what it printed   @throws where it ends with another status than 0 */
export async function runExample(folder: string, name: string): Promise<string> {
  const script = join(folder, 'built', `${name}.js`);
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    cwd: folder,
    env: environmentIn(folder),
  });
  return stdout;
}
