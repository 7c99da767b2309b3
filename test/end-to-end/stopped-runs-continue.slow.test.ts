/** About src/commands/ppl.ts */
import { beforeEach, describe, expect, it } from 'vitest';
import { finished } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { finishedLosses, startPpl } from './stopped-runs.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});

const much = ['--draws', '24', '--seed', '2'];

describe('a run that is stopped', () => {
  it('by Ctrl-C says so with exit status 130, and --fresh ignores what it finished', async () => {
    const child = startPpl(space, much);
    const end = finished(child);
    while (finishedLosses(space).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    const { code, stdout } = await end;
    expect(code).toBe(130);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'interrupted', exitCode: 130 });
    expect(finishedLosses(space).length).toBeGreaterThan(0);

    const again = startPpl(space, [...much, '--fresh']);
    const ending = finished(again);
    while (finishedLosses(space).length > 40) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await ending).code).toBe(0);
  });

  it('while another process does the same is refused, and its lock is taken over when that one dies', async () => {
    const first = startPpl(space, much);
    const firstEnd = finished(first);
    while (finishedLosses(space).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await finished(startPpl(space, [...much, '--no-wait']));
    expect(second.code).toBe(76);
    expect(JSON.parse(second.stdout).error).toMatchObject({ code: 'in-use' });
    first.kill('SIGKILL');
    await firstEnd;
    expect((await finished(startPpl(space, much))).code).toBe(0);
  });
});
