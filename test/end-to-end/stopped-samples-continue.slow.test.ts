/** About src/commands/sample.ts */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { uniform } from '../../src/random/uniforms.js';
import { fixture, startDuoEval } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});

const KILLS = 6;
const args = [
  'sample',
  ...['--model', fixture('markov-duo.onnx'), '--steps', '30', '--length', '64', '--samples', '40'],
  ...['--out', 'out.jsonl', '--trace', 'trace.jsonl'],
];

const start = (extra: string[] = []): ChildProcess =>
  startDuoEval([...args, ...extra], { folder: space.folder, stdio: ['ignore', 'ignore', 'pipe'] });

const ended = async (child: ChildProcess) => {
  let stderr = '';
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, stderr };
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const folder = () => space.at('.cache/journals');
const journals = () =>
  existsSync(folder()) ? readdirSync(folder()).filter((name) => name.endsWith('.jsonl')) : [];

/** Number of each sample in the journal, in the order it was finished; a torn last line is none. */
const finishedSamples = () =>
  journals().flatMap((name) =>
    readFileSync(join(folder(), name), 'utf8')
      .split('\n')
      .slice(1, -1)
      .flatMap((line) => {
        const { i, t } = JSON.parse(line) as { i: number; t: string[] };
        return t.map((_, b) => i + b);
      }),
  );

/** Lines without what time took. */
const lasting = (name: string) =>
  space
    .read(name)
    .replaceAll(/,"seconds":[^}]+/g, '')
    .replaceAll(/"batch":\d+/g, '');

async function unbroken(): Promise<string[]> {
  await succeed(space, [...args, '--batch', '8']);
  return [lasting('out.jsonl'), lasting('trace.jsonl')];
}

describe('a run of samples', () => {
  it(`killed ${KILLS} times ends with the unbroken run's samples and traces, each drawn once`, async () => {
    const whole = await unbroken();
    expect(journals()).toEqual([]);

    let before: number[] = [];
    let kills = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      // Another batch each time, which changes nothing.
      const child = start(['--batch', String(2 + kill), '--quiet']);
      const end = ended(child);
      const moment = 100 * uniform({ seed: 4, stream: 0x40, sequence: kill, step: 0 });
      while (child.exitCode === null && finishedSamples().length <= before.length) await pause(5);
      await pause(moment);
      child.kill('SIGKILL');
      const { status } = await end;
      if (status === 0) break;
      const now = finishedSamples();
      expect(now).toEqual([...now.keys()]);
      expect(now.length).toBeGreaterThan(before.length);
      kills++;
      before = now;
    }
    expect(kills).toBeGreaterThan(2);

    expect((await ended(start())).status).toBe(0);
    expect([lasting('out.jsonl'), lasting('trace.jsonl')]).toEqual(whole);
    expect(journals()).toEqual([]);
  });

  it('ends at Ctrl-C with 130, and says what it continues', async () => {
    const child = start(['--batch', '2']);
    const end = ended(child);
    while (finishedSamples().length === 0) await pause(10);
    child.kill('SIGINT');
    const { status, stderr } = await end;
    expect(status).toBe(130);
    expect(stderr).toContain('Interrupted.');
    expect(existsSync(space.at('out.jsonl'))).toBe(false);
    const count = finishedSamples().length;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(40);
    const again = await ended(start());
    expect(again.status).toBe(0);
    expect(again.stderr).toContain(`continuing; ${count} samples were finished`);
  });
});
