import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture, root } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface Block {
  language: string;
  text: string;
}
const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
  ([, language, text]): Block => ({ language, text }),
);
/** Examples that run the command; with the output shown below them, where it is. */
const examples = blocks
  .map((block, i) => ({ ...block, shown: blocks[i + 1]?.language === 'text' ? blocks[i + 1].text : null }))
  .filter(({ language, text }) => language === 'sh' && text.includes('duo-eval'));

let space: Workspace;
beforeAll(() => {
  space = workspace();
  cpSync(fixture(''), space.at('fixtures'), { recursive: true });
  const story = 'Once upon a time there was a chain of bytes that knew only its last state. ';
  space.write('stories.jsonl', `${JSON.stringify({ story: story.repeat(20) })}\n`.repeat(3));
  space.write('bin/duo-eval', `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin/run.js')}" "$@"\n`);
  chmodSync(space.at('bin/duo-eval'), 0o755);
});

/** Runs a block as a shell does that stops at the first failure. */
const shell = (text: string) =>
  promisify(execFile)('sh', ['-e', '-c', text], {
    cwd: space.folder,
    env: {
      PATH: `${space.at('bin')}:${process.env.PATH}`,
      HOME: space.folder,
      DUO_EVAL_CACHE: space.at('.cache'),
      DUO_EVAL_CONFIG: space.at('.config'),
    },
  });

const words = (line: string) => line.trim().replace(/\s+/g, ' ');

describe('README.md', () => {
  it('opens with the two commands that set up, run and test', () => {
    expect(readme).toMatch(/^# duo-eval\n\n```sh\nnpm ci && npm start\n```\n\n```sh\nnpm test\n```\n/);
    for (const script of ['start', 'test', 'check', 'fixtures', 'bench'])
      expect(manifest.scripts[script], script).toBeTruthy();
  });

  it('has examples of every kind of command', () => {
    const all = examples.map(({ text }) => text).join('');
    for (const command of [
      'ppl',
      'inspect',
      'doctor',
      'datasets list',
      'datasets add',
      'datasets verify',
      'datasets pack',
      'gen',
      'bench',
      'frontier',
    ])
      expect(`${all}${readme}`).toContain(`duo-eval ${command}`);
    expect(examples.length).toBeGreaterThanOrEqual(7);
  });

  it.each(examples.map(({ text, shown }) => ({ text, shown })))(
    '$text',
    async ({ text, shown }) => {
      const { stdout } = await shell(text);
      expect(stdout).not.toBe('');
      if (shown === null) return;
      const printed = stdout.split('\n').map(words);
      for (const line of shown
        .split('\n')
        .filter((one) => /^[a-z/]/i.test(one))
        .slice(0, 1))
        expect(printed).toContain(words(line));
    },
    300_000,
  );

  it('shows the table of npm start with the header that is printed', async () => {
    const start = /bin\/run\.js (ppl .*)$/.exec(manifest.scripts.start)?.[1];
    const { stdout } = await shell(`duo-eval ${start?.replace(/--limit \d+/, '--limit 3')}`);
    const [header] = stdout.split('\n');
    const table = blocks.find(({ language, text }) => language === 'text' && text.startsWith('model'))!.text;
    // Narrower figures leave room for further columns.
    expect(words(header)).toContain(words(table.split('\n')[0]));
    for (const line of stdout.split('\n').filter((one) => /^(Protocol|Difference)/.test(one)))
      expect(table).toContain(words(line).split(' ').slice(0, 2).join(' '));
    const row = (text: string) =>
      [...text.matchAll(/^(\S+) +(sotu|moby-dick) /gm)].map(([, model, name]) => [model, name]);
    expect(row(stdout)).toHaveLength(8);
    expect(row(table)).toEqual(row(stdout));
  });

  it('lists every exit status of the errors, and every variable that the sources read', () => {
    const errors = readFileSync(join(root, 'src/errors.ts'), 'utf8');
    const statuses = [...errors.matchAll(/exitCode = (\d+)/g)].map(([, status]) => status);
    expect(statuses.length).toBeGreaterThan(5);
    const listed = [...readme.matchAll(/^\| (\d+) +\|/gm)].map(([, status]) => status);
    expect(listed).toEqual(expect.arrayContaining(['0', '1', ...statuses]));
    for (const variable of ['DUO_EVAL_CACHE', 'DUO_EVAL_CONFIG', 'DUO_EVAL_DEBUG', 'NO_COLOR'])
      expect(readme.includes(`\`${variable}\``), variable).toBe(true);
  });

  it('links only to files that are there', () => {
    for (const [, path] of readme.matchAll(/`((?:src|test|schema|fixtures|bench)\/[\w./-]*)`/g))
      expect(existsSync(join(root, path)), path).toBe(true);
  });
});
