/**
 * About src/commands/inspect.ts, src/commands/datasets/fetch.ts, src/storage/waiting.ts, src/storage/lock.ts, src/models/importers/hub-model.ts,
 * src/datasets/hub/fetch-dataset.ts, src/cli/base-command.ts
 */
import type { ChildProcess } from 'node:child_process';
import { beforeEach, describe, expect, it } from 'vitest';
import { PTB, PTB_FILE, sentences } from '../datasets/fetching.js';
import { localHub, sendBytes } from '../support/hub.js';
import { finished, startDuoEval } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { model } from './tiny-duo.js';

const hub = await localHub();
let space: Workspace;
/** Lets the hub send what it is asked for from now on, and what it keeps back. */
let release: () => void;
beforeEach(() => {
  space = workspace();
  hub.asked.length = 0;
  hub.repos.clear();
  const opened = new Promise<void>((resolve) => {
    release = resolve;
  });
  hub.answer = (request, response, server) => {
    if (server !== 'store') return false;
    const [{ content }] = [...hub.repos.values()].flatMap(({ files }) => files.filter((one) => one.isLarge));
    opened.then(() => sendBytes(request, response, content));
    return true;
  };
});

interface Running {
  child: ChildProcess;
  /** What it has said so far. */
  said(): string;
  end: ReturnType<typeof finished>;
}

function start(args: string[]): Running {
  const child = startDuoEval(args, { folder: space.folder, env: { HF_ENDPOINT: hub.url } });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  return { child, said: () => said, end: finished(child) };
}

const timesFetched = () => hub.asked.filter(({ server }) => server === 'store').length;

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}

const WORKS: [what: string, args: string[], put: () => void, last: RegExp][] = [
  [
    'a model that is fetched and converted',
    ['inspect', 'hf:tiny/duo', '--json'],
    () => hub.put('tiny/duo', model),
    /"name": "duo"/,
  ],
  [
    'a data set that is fetched',
    ['datasets', 'fetch', 'ptb', '--json', '--timeout', '600'],
    () => hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]),
    /"state": "unchanged"|"state": "fetched"/,
  ],
];

describe.each(WORKS)('%s by a neighbour', (_what, args, put, last) => {
  beforeEach(put);

  it('is waited for, with progress, and then used', async () => {
    const first = start(args);
    await until(() => timesFetched() === 1);
    const second = start(args);
    await until(() => second.said().includes('waiting: The fetch of'));
    expect(second.said()).toMatch(
      /The fetch of .* is under way in another process \(\d+\)\. Waiting for it; --no-wait would end here\./,
    );
    release();
    for (const { end } of [first, second])
      expect(await end).toMatchObject({ code: 0, stdout: expect.stringMatching(last) });
    expect(timesFetched()).toBe(1);
  });

  it('is taken over when the neighbour is killed', async () => {
    const first = start(args);
    await until(() => timesFetched() === 1);
    const second = start(args);
    await until(() => second.said().includes('Waiting for it'));
    first.child.kill('SIGKILL');
    expect(await first.end).toMatchObject({ code: null });
    await until(() => timesFetched() === 2);
    release();
    expect(await second.end).toMatchObject({ code: 0, stdout: expect.stringMatching(last) });
  });
});
