/** About src/commands/ppl.ts */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { fixture, startDuoEval } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});

const args = [
  'ppl',
  ...['--model', fixture('markov-duo.onnx'), '--model', fixture('markov-ar.onnx')],
  ...['--protocol', 'strict', '--limit', '100', '--batch', '8', '--json', '--quiet'],
];
const much = ['--draws', '24', '--seed', '2'];

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

describe('a run that is stopped', () => {
  it('by Ctrl-C says so with exit status 130, and --fresh ignores what it finished', async () => {
    const child = start(much);
    const end = ended(child);
    while (finishedLosses().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    const { status, stdout } = await end;
    expect(status).toBe(130);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'interrupted', exitCode: 130 });
    expect(finishedLosses().length).toBeGreaterThan(0);

    const again = start([...much, '--fresh']);
    const ending = ended(again);
    while (finishedLosses().length > 40) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await ending).status).toBe(0);
  });

  it('while another process does the same is refused, and its lock is taken over when that one dies', async () => {
    const first = start(much);
    const firstEnd = ended(first);
    while (finishedLosses().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await ended(start(much));
    expect(second.status).toBe(6);
    expect(JSON.parse(second.stdout).error).toMatchObject({ code: 'in-use' });
    first.kill('SIGKILL');
    await firstEnd;
    expect((await ended(start(much))).status).toBe(0);
  });
});
