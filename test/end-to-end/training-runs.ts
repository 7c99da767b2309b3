/** Small runs of training: texts that count, a network that is quick, and a run that is killed on its way. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startDuoEval } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';

/** With a text to train on, and other.txt, a part of it, to validate on. @param text name of the first */
export function countingWorkspace(text = 'text.txt'): Workspace {
  const space = workspace();
  const counting = Array.from({ length: 900 }, (_, i) => `and then ${i % 60}`).join(' ');
  space.write(text, counting);
  space.write('other.txt', counting.slice(1000, 6000));
  return space;
}

export const SMALL_NETWORK = [
  ...['--hidden-size', '16', '--condition-size', '8', '--blocks', '1', '--heads', '2', '--length', '16'],
];

export const bytesOf = (space: Workspace, name: string): Buffer => readFileSync(space.at(name));

/** Kills a run once it has saved a step, `atLeast` or later; one that ends before is left to end. */
export async function killOnceSaved(
  space: Workspace,
  args: string[],
  { out, atLeast = 0 }: { out: string; atLeast?: number },
): Promise<void> {
  const child = startDuoEval(args, { folder: space.folder, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const state = join(out, 'training.state');
  const saved = () =>
    existsSync(space.at(state)) &&
    JSON.parse(bytesOf(space, state).toString('latin1').split('\n')[0]).step >= atLeast;
  while (!saved() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill('SIGKILL');
  await ended;
}

/** Two folders hold the same files, bit for bit. */
export function expectSameFiles(space: Workspace, a: string, b: string, names: string[]): void {
  for (const name of names) {
    const same = bytesOf(space, join(a, name)).equals(bytesOf(space, join(b, name)));
    expect([name, same]).toEqual([name, true]);
  }
}
