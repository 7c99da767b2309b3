/** About src/commands/ppl.ts */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { uniform } from '../../src/random/uniforms.js';
import { fixture, startDuoEval } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});

const KILLS = 50;
const args = [
  'ppl',
  ...['--model', fixture('markov-duo.onnx'), '--model', fixture('markov-ar.onnx')],
  ...['--protocol', 'strict', '--limit', '100', '--batch', '8', '--json', '--quiet'],
];
/** A little work to be killed in often. */
const little = ['--draws', '8'];

function start(extra: string[]): ChildProcess {
  return startDuoEval([...args, ...extra], { folder: space.folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(
  child: ChildProcess,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, stdout, stderr };
}

const journalFolder = () => space.at('.cache/journals');
const journals = () =>
  existsSync(journalFolder()) ? readdirSync(journalFolder()).filter((name) => name.endsWith('.jsonl')) : [];

/** `journal/draw/sequence` of every loss on disk, in the order it was finished; a torn last line is none. */
function finishedLosses(): string[] {
  return journals().flatMap((name) =>
    readFileSync(join(journalFolder(), name), 'utf8')
      .split('\n')
      .slice(1, -1)
      .flatMap((line) => {
        const { d, s } = JSON.parse(line) as { d: number; s: number[] };
        return s.map((sequence) => `${name}/${d}/${sequence}`);
      }),
  );
}

const figures = (stdout: string) =>
  (JSON.parse(stdout).results as { metrics: object; cost: { modelCalls: number } }[]).map(
    ({ metrics, cost }) => ({
      metrics,
      modelCalls: cost.modelCalls,
    }),
  );

describe('a run that is killed', () => {
  it(`${KILLS} times at random moments ends with the unbroken run's figures, and nothing is run twice`, async () => {
    const unbroken = await ended(start(little));
    const began = performance.now();
    await ended(start(little)); // the first run also reads the program from the disk
    const whole = performance.now() - began;
    expect(unbroken.status).toBe(0);
    expect(journals()).toEqual([]);

    let before: string[] = [];
    let interrupted = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = start(little);
      const end = ended(child);
      const moment = uniform({ seed: 5, stream: 0x40, sequence: kill, step: 0 });
      const timer = setTimeout(() => child.kill('SIGKILL'), (0.2 + 0.7 * moment) * whole);
      const { status, stdout } = await end;
      clearTimeout(timer);
      if (stdout.endsWith('}\n')) {
        // It was quicker than the kill, or was killed while it removed the journals of what it had printed.
        expect(JSON.parse(stdout).error).toBeUndefined();
        expect(figures(stdout)).toEqual(figures(unbroken.stdout));
        before = finishedLosses();
        continue;
      }
      expect(status).toBeNull();
      interrupted++;
      const now = finishedLosses();
      expect(new Set(now).size).toBe(now.length);
      expect(now).toEqual(expect.arrayContaining(before));
      before = now;
    }
    expect(interrupted).toBeGreaterThan(KILLS / 4);

    const last = await ended(start(little));
    expect(last.stderr).toBe('');
    expect(figures(last.stdout)).toEqual(figures(unbroken.stdout));
    expect(journals()).toEqual([]);
  });
});
