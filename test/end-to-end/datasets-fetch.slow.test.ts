/** About src/commands/datasets/add.ts, src/commands/datasets/fetch.ts */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LAMBADA, PTB, PTB_FILE, parquet, sentences } from '../datasets/fetching.js';
import { byteTokenizer } from '../datasets/small-tokenizer.js';
import { localHub, sha256 } from '../support/hub.js';
import { finished, type Ran, startDuoEval } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { expectFailure, expectNoTrace } from './failure.js';

const hub = await localHub();
const TOKEN = 'hf_SecretSecretSecret';
let space: Workspace;
beforeEach(() => {
  space = workspace();
  hub.answer = () => false;
  hub.asked.length = 0;
  hub.repos.clear();
});

function start(...args: string[]): ChildProcess {
  const env = { HF_ENDPOINT: hub.url, HF_TOKEN: TOKEN };
  return startDuoEval(['datasets', ...args], { folder: space.folder, env });
}
const datasets = (...args: string[]): Promise<Ran> => finished(start(...args));

describe('duo-eval datasets fetch', () => {
  it('fetches, says what it got, and the name works from then on', async () => {
    const commit = hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]);
    const fetched = await datasets('fetch', 'ptb');
    expect(fetched).toMatchObject({ code: 0 });
    expect(fetched.stdout).toBe(
      `name  state    bytes  sha256\nptb   fetched  ${sentences.length}   ${sha256(sentences)}\n`,
    );
    expect(fetched.stderr).toBe(
      `Fetching ptb: ${(sentences.length / 1e6).toPrecision(2)} MB from ${PTB} at ${commit.slice(0, 12)}.\n`,
    );
    const again = await datasets('fetch', 'ptb', '--json');
    expect(again.stderr).toBe('');
    expect(JSON.parse(again.stdout)).toEqual({
      schemaVersion: 1,
      datasets: [
        {
          name: 'ptb',
          state: 'unchanged',
          repo: PTB,
          revision: commit,
          files: [{ path: PTB_FILE, bytes: sentences.length, sha256: sha256(sentences) }],
        },
      ],
    });
    const tokenizer = byteTokenizer(space.at('bytes'), { added: [{ id: 256, content: '<|endoftext|>' }] });
    const packed = await datasets('pack', 'ptb', '--tokenizer', tokenizer, '--length', '8', '--json');
    expect(packed.stderr).toBe('');
    expect(JSON.parse(packed.stdout).dataset).toMatchObject({
      name: 'ptb',
      split: 'validation',
      texts: parquet.sentences.length,
      sourceSha256: sha256(sentences),
    });
    expect((await datasets('verify', 'ptb')).stdout).toBe('name  state\nptb   unchanged\n');
  });

  it('fetches what it can of several, and fails for the rest', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    hub.put(LAMBADA, [{ path: 'data/lambada_test.jsonl', content: Buffer.from('{"text":"x"}\n') }]);
    const ran = await datasets('fetch', 'lambada', 'lm1b', 'ptb');
    expect(ran.code).toBe(4);
    expect(ran.stdout).toContain('ptb   fetched');
    expect(ran.stderr).toContain('is not the file that "lambada" is known by');
    expect(ran.stderr).toContain('status 404');
    expectNoTrace(ran.stderr);
    const json = await datasets('fetch', 'lambada', '--json');
    expect(JSON.parse(json.stdout).error).toMatchObject({ code: 'dataset-not-the-published', exitCode: 4 });
  });

  it('never shows the token', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]);
    const runs = [await datasets('fetch', 'ptb')];
    hub.answer = (request, response) => {
      response.writeHead(401).end(request.headers.authorization);
      return true;
    };
    runs.push(await datasets('fetch', 'ptb', '--update', '--json'));
    expect(runs.map(({ code }) => code)).toEqual([0, 4]);
    for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toContain('hf_Secret');
    expect(hub.asked.filter(({ server, token }) => server === 'store' && token)).toEqual([]);
  });

  it.each([
    [['fetch', 'lambda'], 2, 'There is no data set "lambda" to fetch.', 'Did you mean lambada?'],
    [['fetch', 'ptb', '--revision', ''], 2, '--revision is empty', 'branch'],
    [['fetch', 'ptb', '--timeout', '0'], 2, '--timeout', '--timeout'],
    [['fetch', 'ptb'], 4, 'has no the', 'datasets add'],
  ])('%j is refused', async (args, exit, says, hint) => {
    expectFailure(await datasets(...args), { exit, says, hint });
  });

  it('gives up a silent hub after --timeout', async () => {
    hub.answer = () => true;
    const ran = await datasets('fetch', 'ptb', 'lm1b', '--timeout', '0.3');
    expectFailure(ran, { exit: 4, says: 'sent nothing for 0.3 seconds', hint: '--timeout' });
    expect(hub.asked).toHaveLength(1);
  });
});

describe('a fetch that is ended', () => {
  const content = randomBytes(200_000);

  it.each([
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const)('by %s goes on where it stopped', async (signal, code) => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    hub.answer = (_request, response, server) => {
      if (server !== 'store') return false;
      response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
      return true;
    };
    const child = start('fetch', 'ptb');
    const ended = finished(child);
    await partHasBytes(1000);
    child.kill(signal);
    const ran = await ended;
    expect(ran.code).toBe(code);
    if (code === 130) expect(ran.stderr).toContain('Error: Interrupted.');
    expect(names().filter((name) => !name.endsWith('.part'))).toEqual([]);

    hub.answer = () => false;
    hub.asked.length = 0;
    expect(await datasets('fetch', 'ptb')).toMatchObject({ code: 0 });
    expect(hub.asked.at(-1)).toMatchObject({ server: 'store', range: 'bytes=1000-' });
    expect(names()).toEqual([`${sha256(content)}.parquet`, 'record.json'].sort());
  });

  const folder = () => join(space.at('.cache'), 'datasets', 'ptb');
  const names = () => readdirSync(folder()).sort();
  async function partHasBytes(bytes: number): Promise<void> {
    const { statSync } = await import('node:fs');
    for (;;) {
      try {
        const part = names().find((name) => name.endsWith('.part'));
        if (part && statSync(join(folder(), part)).size >= bytes) return;
      } catch {
        // Not made yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
});
