/** An evaluation of two models in a process that is to be stopped, and what it has finished so far. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixture, startDuoEval } from '../support/run.js';
import type { Workspace } from '../support/workspace.js';

const ARGS = [
  'ppl',
  ...['--model', fixture('markov-duo.onnx'), '--model', fixture('markov-ar.onnx')],
  ...['--protocol', 'strict', '--limit', '100', '--batch', '8', '--json', '--quiet'],
];

export function startPpl({ folder }: Workspace, extra: string[], args = ARGS): ChildProcess {
  return startDuoEval([...args, ...extra], { folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

const JOURNALS = '.cache/journals';

/** Names of the journals that are kept. */
export function journals(space: Workspace): string[] {
  const folder = space.at(JOURNALS);
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jsonl')) : [];
}

/** `journal/draw/sequence` of every loss on disk, in the order it was finished; a torn last line is none. */
export function finishedLosses(space: Workspace): string[] {
  return journals(space).flatMap((name) =>
    readFileSync(space.at(join(JOURNALS, name)), 'utf8')
      .split('\n')
      .slice(1, -1)
      .flatMap((line) => {
        const { d, s } = JSON.parse(line) as { d: number; s: number[] };
        return s.map((sequence) => `${name.slice(0, 64)}/${d}/${sequence}`); // a writer's file: hash, number
      }),
  );
}
