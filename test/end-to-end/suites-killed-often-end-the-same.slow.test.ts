/** About src/commands/run.ts */
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { uniform } from '../../src/random/uniforms.js';
import { startDuoEval } from '../support/run.js';
import { succeed, type Workspace } from '../support/workspace.js';
import { cells, run, suite, suiteWorkspace, timeless } from './suites-of-three.js';

let space: Workspace;
beforeEach(() => {
  space = suiteWorkspace();
});

/** More for a release: KILLS=200. */
const KILLS = Number(process.env.KILLS ?? 8);
describe('a suite that is killed', () => {
  it(`${KILLS} times at random moments ends with the unbroken one's figures`, async () => {
    space.write('suite.yaml', suite('limit: 16, draws: 3, batch: 4').replace('seeds: [1, 2]', 'seeds: [1]'));
    const cache = (name: string) => ({ DUO_EVAL_CACHE: space.at(name) });
    await succeed(space, run('unbroken.json'), cache('other-cache'));
    const began = performance.now();
    await succeed(space, run('unbroken.json', '--fresh'), cache('other-cache'));
    const whole = performance.now() - began;

    let kills = 0;
    let finished = 0;
    for (let attempt = 0; kills < KILLS && attempt < 4 * KILLS; attempt++) {
      const child: ChildProcess = startDuoEval(run('broken.json', '--json'), {
        folder: space.folder,
        stdio: 'ignore',
      });
      const moment = uniform({ seed: 6, stream: 0x40, sequence: attempt, step: 0 });
      const timer = setTimeout(() => child.kill('SIGKILL'), (0.1 + 0.8 * moment) * whole);
      const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
      clearTimeout(timer);
      expect(cells(space).length).toBeGreaterThanOrEqual(finished); // what is finished stays finished
      finished = cells(space).length;
      if (status === null) {
        kills++;
        continue;
      }
      expect(status).toBe(0);
      expect(timeless(space, 'broken.json')).toBe(timeless(space, 'unbroken.json'));
      rmSync(space.at('.cache/cells'), { recursive: true }); // there is nothing left to kill: from the start
      finished = 0;
    }
    expect(kills).toBe(KILLS);
    await succeed(space, run('broken.json'));
    expect(timeless(space, 'broken.json')).toBe(timeless(space, 'unbroken.json'));
  });
});
