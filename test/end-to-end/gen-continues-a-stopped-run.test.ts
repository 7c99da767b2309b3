/** About src/commands/gen.ts */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture, startDuoEval } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { writeSamples } from './samples.js';

let space: Workspace;
beforeAll(async () => {
  space = workspace();
  await writeSamples(space, 'many.jsonl', { count: 1500 });
});

const args = ['gen', 'many.jsonl', '--judge', fixture('markov-ar.onnx'), '--batch', '1', '--json'];
const journals = () => {
  const folder = space.at('.cache/journals');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(folder, name));
};
const linesKept = () => journals().map((path) => readFileSync(path, 'utf8').split('\n').length - 2)[0] ?? 0;

/** Starts the run and interrupts it when some windows are on disk. */
async function interrupted(): Promise<number | null> {
  const child = startDuoEval(args, { folder: space.folder, stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const timer = setInterval(() => linesKept() > 20 && child.kill('SIGINT'), 5);
  const status = await ended;
  clearInterval(timer);
  return status;
}

describe('a run of gen that was interrupted', () => {
  it('continues where it was, and ends in the figures of an unbroken one', async () => {
    expect(await interrupted()).toBe(130);
    const kept = linesKept();
    expect(kept).toBeGreaterThan(20);
    expect(kept).toBeLessThan(1500);
    const continued = await succeed(space, args);
    expect(continued.stderr).toContain(`many: continuing; ${kept} windows were judged by an earlier run`);
    expect(journals()).toEqual([]);
    const unbroken = await succeed(space, args);
    expect(unbroken.stderr).not.toContain('continuing');
    const [a, b] = [continued, unbroken].map(({ stdout }) => JSON.parse(stdout).results[0].metrics);
    expect(a).toEqual(b);
  });
});
