/** About src/cli/completion.ts, src/commands/completion.ts */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { completionScript } from '../../src/cli/completion.js';
import { temporaryFolder } from '../support/folder.js';
import { duoEval } from '../support/run.js';

const folder = temporaryFolder();
const hasBash = spawnSync('bash', ['--version']).status === 0;

it.skipIf(!hasBash)('bash offers commands, flags, and the words that a flag takes', async () => {
  const { stdout } = await duoEval(['completion', 'bash']);
  const script = folder.file('completion.bash', stdout);
  const offered = (...words: string[]) => {
    const line = words.map((word) => `'${word}'`).join(' ');
    const tried = `source ${script}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _duo_eval; echo "\${COMPREPLY[*]}"`;
    return spawnSync('bash', ['-c', tried], { encoding: 'utf8' }).stdout.trim().split(' ');
  };
  expect(offered('duo-eval', 'pp')).toEqual(['ppl']);
  expect(offered('duo-eval', 'datasets', '')).toEqual(['add', 'fetch', 'list', 'pack', 'verify']);
  expect(offered('duo-eval', 'train', 'tok')).toEqual(['tokenizer']);
  expect(offered('duo-eval', 'ppl', '--fresh', '--estim')).toEqual(['--estimator']);
  expect(offered('duo-eval', 'ppl', '--estimator', '')).toEqual(['control-variate', 'plain', 'exact-count']);
  expect(offered('duo-eval', 'ppl', '--estimator', '=', 'p')).toEqual(['plain']);
  expect(offered('duo-eval', 'ppl', '-d', 'zero')).toEqual(['zero-shot']);
  expect(offered('duo-eval', 'bench', '--sampler', 'dc')).toEqual(['dcd']);
  // A file name: the shell's own completion goes on where nothing is offered.
  expect(offered('duo-eval', 'ppl', '--model', '')).toEqual(['']);
});

it('text of a summary stays in its quotes', () => {
  const summary = "What it's about: $(rm -rf /) `id`\\";
  const commands = [
    { id: 'one', summary, flags: { of: { name: 'of', type: 'option', helpValue: 'a|b', summary } } },
  ];
  const fish = completionScript('fish', { bin: 'duo-eval', commands, words: {} });
  const [quoted] = /'What.*$/m.exec(fish) ?? [];
  expect(quoted).toBe("'What it'\\''s about: $(rm -rf /) `id`'");
  const zsh = completionScript('zsh', { bin: 'duo-eval', commands, words: {} });
  expect(zsh).toMatch(/bashcompinit/);
  expect(zsh).not.toContain('rm -rf');
});

it('another shell is a sentence', async () => {
  const { code, stderr } = await duoEval(['completion', 'tcsh']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('There is no completion for the shell "tcsh"')]);
});
