/** About src/commands/datasets/ */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { duoEval } from '../support/run.js';
import { byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const tokenizer = byteTokenizer(folder.path('bytes'), {
  added: [{ id: 256, content: '<|endoftext|>' }],
});

const datasets = (...args: string[]) => duoEval(['datasets', ...args], { folder: folder.root });

describe('duo-eval datasets', () => {
  it('add, list and verify work on what was added', async () => {
    const path = folder.file('ptb.valid.txt', 'a sentence \n');
    expect(await datasets('add', `ptb=${path}`)).toMatchObject({ code: 0, stderr: '' });
    const listed = await datasets('list');
    expect(listed.stdout).toMatch(/^name +split +state +file\n/);
    expect(listed.stdout).toContain(`registered  ${path}`);
    const { datasets: entries } = JSON.parse((await datasets('list', '--json')).stdout);
    expect(entries.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['sotu', 'sotu-train', 'moby-dick', 'ptb', 'arxiv']),
    );
    expect(await datasets('verify', 'ptb')).toMatchObject({
      code: 0,
      stdout: 'name  state\nptb   unchanged\n',
    });

    folder.file('ptb.valid.txt', 'another\n');
    const changed = await datasets('verify', 'ptb', 'moby-dick');
    expect(changed.code).toBe(4);
    expect(changed.stdout).toContain('ptb        dataset-changed');
    expect(changed.stderr).toMatch(/^Error: .*its SHA-256 differs\.\n {2}If the change is meant/);
    expect(JSON.parse((await datasets('verify', '--json')).stdout).error).toMatchObject({ exitCode: 4 });
  });

  it('pack prints texts, tokens, sequences and sha256, and writes the ids', async () => {
    const text = folder.file('a.jsonl', '{"text":"abcd"}\n{"text":"efg"}\n');
    const out = folder.path('a.i32');
    const packed = await datasets('pack', text, '--tokenizer', tokenizer, '--length', '5', '--out', out);
    expect(packed).toMatchObject({ code: 0, stderr: '' });
    const facts = Object.fromEntries(
      packed.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/ +/)),
    );
    const ids = readFileSync(out);
    expect(facts).toEqual({
      dataset: 'a',
      split: 'all',
      texts: '2',
      tokens: '7',
      sequences: '2',
      dropped: '1',
      sha256: createHash('sha256').update(ids).digest('hex'),
    });
    expect([...new Int32Array(ids.buffer, ids.byteOffset, ids.length / 4)]).toEqual([
      ...[256, 97, 98, 99, 256],
      ...[256, 100, 101, 102, 256],
    ]);
    const strict = ['--protocol', 'strict', '--keep-remainder', '--json'];
    expect(
      JSON.parse((await datasets('pack', text, '--tokenizer', tokenizer, '--length', '5', ...strict)).stdout),
    ).toMatchObject({
      schemaVersion: 1,
      dataset: { name: 'a', texts: 2, tokens: 7, sequences: 3 },
      protocol: { name: 'strict', length: 5 },
      droppedTokens: 0,
    });
  });

  it('pack says so when sequences are not wrapped', async () => {
    const bare = byteTokenizer(folder.path('bare'));
    const text = folder.file('b.txt', 'abcdef');
    const { stderr } = await datasets('pack', text, '--tokenizer', bare, '--length', '3');
    expect(stderr).toContain('neither BOS nor EOS');
  });

  it.each([
    [['pack', 'lambda', '--tokenizer', 'x'], 2, 'Did you mean lambada?'],
    [['pack', 'sotu'], 2, '--tokenizer'],
    [['pack', 'sotu', '--tokenizer', 'nowhere'], 4, 'There is no tokenizer at nowhere.'],
    [['pack', 'lm1b', '--tokenizer', tokenizer], 4, '--dataset lm1b=path'],
    [['pack', 'sotu', '--tokenizer', tokenizer, '--length', '2'], 2, 'no room for text'],
    [['pack', 'sotu', '--tokenizer', tokenizer, '--protocol', 'strikt'], 2, 'Did you mean strict?'],
    [['add', 'ptb'], 2, 'is not of the form name=path'],
    [['add', 'ptb=nowhere.txt'], 6, 'There is no data file nowhere.txt.'],
    [['verify', 'mobydick'], 2, 'Did you mean moby-dick?'],
  ])('%j ends with status %i and a sentence', async (args, status, says) => {
    const ended = await datasets(...args);
    expect(ended.code).toBe(status);
    expect(ended.stderr).toContain(says);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });
});
