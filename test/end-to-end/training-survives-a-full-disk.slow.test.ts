/** About src/commands/train.ts */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';

let space: Workspace;
/** A disk of so many bytes; its folder in the workspace. */
const DISK = 'disk';
let isMounted = false;

beforeAll(() => {
  space = workspace();
  space.write('text.txt', Array.from({ length: 900 }, (_, i) => `and then ${i % 60}`).join(' '));
  mkdirSync(space.at(DISK));
  isMounted = mount('size=64k');
});
afterAll(() => {
  if (isMounted) execFileSync('umount', [space.at(DISK)]);
});

function mount(options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', space.at(DISK)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const command = (out: string) => [
  'train',
  ...['--family', 'duo', '--dataset', 'text.txt', '--tokenizer', fixture('tokenizer'), '--out', out],
  ...['--hidden-size', '16', '--condition-size', '8', '--blocks', '1', '--heads', '2', '--length', '16'],
  ...['--steps', '30', '--batch', '4', '--save-every', '10', '--threads', '1', '--curriculum-steps', '0'],
];
const bytes = (folder: string, name: string) => readFileSync(space.at(join(folder, name)));

it('what was saved stays, the failure says so, and the run goes on when there is room', async ({ skip }) => {
  if (!isMounted) skip('a small disk can be mounted by root alone');
  await succeed(space, [...command('whole'), '--quiet']);
  const sizes = readdirSync(space.at('whole')).map((name) => statSync(space.at(join('whole', name))).size);
  const state = statSync(space.at('whole/training.state')).size;
  const all = sizes.reduce((sum, size) => sum + size, 0);
  // Room for all files, but not for a second state while the first is kept.
  const pages = 64 * 1024;
  execFileSync('mount', ['-o', `remount,size=${Math.ceil(all + pages + 0.3 * state)}`, space.at(DISK)]);

  expectFailure(await space.run(command(`${DISK}/run`)), {
    exit: 6,
    says: `Cannot write ${DISK}/run/training.state: no space is left on the disk.`,
    hint: 'Free some space',
  });
  const kept = readdirSync(space.at(`${DISK}/run`));
  expect(kept.sort()).toEqual(['duo.card.json', 'duo.onnx', 'loss.csv', 'loss.html', 'training.state']);
  expect(JSON.parse(bytes(`${DISK}/run`, 'training.state').toString('latin1').split('\n')[0]).step).toBe(10);
  const scored = ['ppl', '--model', `${DISK}/run/duo.onnx`, '--dataset', 'text.txt', '--quiet'];
  await succeed(space, scored);

  execFileSync('mount', ['-o', `remount,size=${4 * all}`, space.at(DISK)]);
  const { stderr } = await succeed(space, command(`${DISK}/run`));
  expect(stderr).toContain('Continuing after step 10 of 30.');
  for (const name of ['duo.onnx', 'training.state', 'loss.csv'])
    expect([name, bytes(`${DISK}/run`, name).equals(bytes('whole', name))]).toEqual([name, true]);
});
