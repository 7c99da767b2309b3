/** About src/commands/sample.ts */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finished, fixture, root, startDuoEval } from '../support/run.js';
import { succeed, workspace } from '../support/workspace.js';

const space = workspace();

const cases = join(root, '..', 'shared', 'cases', 'samplers');
const moduleOf = (body: string) =>
  `export default { name: 'own', summary: 'One.', families: ['mdlm'], async *sample(run) { ${body} } };`;
const sample = (path: string, ...more: string[]) => [
  ...['sample', '--model', fixture('markov-mdlm.onnx'), '--sampler', path],
  ...['--steps', '2', '--samples', '2', '--length', '8', '--threads', '1', ...more],
];

/** What the cases hold, where they lie beside the project; else the same in other words. */
const misbehaving: [name: string, body: string, says: RegExp][] = [
  ['hang-sync', 'for (;;);', /gave no sign of life for 1 s of its own time, in step 0/],
  ['hang-async', 'await new Promise(() => {});', /waits for something that cannot come, in step 0/],
  ['exit0', 'process.exit(0);', /ended its thread, in step 0/],
];

describe('a module as a sampler', () => {
  it.each(misbehaving)(
    '%s ends in a sentence that names it, in its status, and in no file',
    async (name, body, says) => {
      const shared = join(cases, `${name}.mjs`);
      space.write(`${name}.mjs`, existsSync(shared) ? readFileSync(shared) : moduleOf(body));
      const ran = await space.run(sample(`./${name}.mjs`, '--timeout', '1', '--out', `${name}.jsonl`));
      expect(ran.code).toBe(2);
      expect(ran.stderr).toMatch(
        new RegExp(`^Error: The sampler of \\./${name}\\.mjs .*${says.source}`, 'm'),
      );
      expect(existsSync(space.at(`${name}.jsonl`))).toBe(false);
    },
  );

  it('that computes for ever ends at Ctrl-C', async () => {
    space.write('endless.mjs', moduleOf("console.log('begun'); await 0; for (;;);"));
    const child = startDuoEval(sample('./endless.mjs'), { folder: space.folder });
    const ran = finished(child);
    child.stderr?.once('data', () => setTimeout(() => child.kill('SIGINT'), 300));
    expect(await ran).toMatchObject({ code: 130, stderr: expect.stringContaining('Interrupted.') });
  });

  it('prints to stderr, not among the samples', async () => {
    space.write('talking.mjs', moduleOf("console.log('a word'); run.tokens.fill(7); yield;"));
    const { stdout, stderr } = await succeed(space, sample('./talking.mjs'));
    expect(stderr).toContain('a word\n');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind ?? 'sample'),
    ).toEqual(['samples', 'sample', 'sample']);
  });

  it('that is a named pipe is not waited for', async () => {
    await finished(spawn('mkfifo', [space.at('pipe.mjs')]));
    const ran = await space.run(sample('./pipe.mjs'));
    expect(ran).toMatchObject({ code: 6, stderr: expect.stringMatching(/pipe\.mjs: it is a named pipe/) });
  });
});
