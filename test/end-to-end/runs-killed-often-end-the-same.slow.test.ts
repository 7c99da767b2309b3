/** About src/commands/ppl.ts */
import { beforeEach, describe, expect, it } from 'vitest';
import { uniform } from '../../src/random/uniforms.js';
import { finished } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { finishedLosses, journals, startPpl } from './stopped-runs.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});

/** More for a release: KILLS=200. */
const KILLS = Number(process.env.KILLS ?? 16);
/** A little work to be killed in often. */
const little = ['--draws', '8'];

const figures = (stdout: string) =>
  (JSON.parse(stdout).results as { metrics: object; cost: { modelCalls: number } }[]).map(
    ({ metrics, cost }) => ({
      metrics,
      modelCalls: cost.modelCalls,
    }),
  );

describe('a run that is killed', () => {
  it(`${KILLS} times at random moments ends with the unbroken run's figures, and nothing is run twice`, async () => {
    const unbroken = await finished(startPpl(space, little));
    const began = performance.now();
    await finished(startPpl(space, little)); // the first run also reads the program from the disk
    const whole = performance.now() - began;
    expect(unbroken.code).toBe(0);
    expect(journals(space)).toEqual([]);

    let before: string[] = [];
    let interrupted = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = startPpl(space, little);
      const end = finished(child);
      const moment = uniform({ seed: 5, stream: 0x40, sequence: kill, step: 0 });
      const timer = setTimeout(() => child.kill('SIGKILL'), (0.2 + 0.7 * moment) * whole);
      const { code, stdout } = await end;
      clearTimeout(timer);
      if (stdout.endsWith('}\n')) {
        // It was quicker than the kill, or was killed while it removed the journals of what it had printed.
        expect(JSON.parse(stdout).error).toBeUndefined();
        expect(figures(stdout)).toEqual(figures(unbroken.stdout));
        before = finishedLosses(space);
        continue;
      }
      expect(code).toBeNull();
      interrupted++;
      const now = finishedLosses(space);
      expect(new Set(now).size).toBe(now.length);
      expect(now).toEqual(expect.arrayContaining(before));
      before = now;
    }
    expect(interrupted).toBeGreaterThan(KILLS / 4);

    const last = await finished(startPpl(space, little));
    expect(last.stderr).toBe('');
    expect(figures(last.stdout)).toEqual(figures(unbroken.stdout));
    expect(journals(space)).toEqual([]);
  });
});
