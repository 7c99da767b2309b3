/** About src/commands/doctor.ts, src/commands/inspect.ts */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { smallNetwork, writeModel } from '../graph/small-network.js';
import { temporaryFolder } from '../support/folder.js';
import { duoEval } from '../support/run.js';

const folder = () => temporaryFolder().root;
const run = (args: string[], env: Record<string, string> = {}) => duoEval(args, { env });

describe('inspect', () => {
  it('takes the model as its argument or as --model', async () => {
    const path = writeModel(smallNetwork());
    const [plain, flagged] = await Promise.all(
      [[path], ['--model', path]].map((args) => run(['inspect', ...args, '--json'])),
    );
    expect(plain).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(plain.stdout)).toMatchObject({ schemaVersion: 1, model: { name: 'small' } });
    expect(flagged.stdout).toBe(plain.stdout);
    expect((await run(['inspect', path])).stdout).toContain('--family');
  });

  it.each([
    ['no model at all', [], 2],
    ['a missing file', ['none.onnx'], 3],
    ['a flag it does not have', ['x.onnx', '--famly', 'ar'], 2],
  ])('answers %s with a sentence and status', async (_, args, status) => {
    const result = await run(['inspect', ...args]);
    expect(result.code).toBe(status);
    expect(result.stderr).toMatch(/^Error: .*\.\n {2}\S/);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  it('reports a file that is no model as JSON when asked', async () => {
    const path = join(folder(), 'weights.onnx');
    writeFileSync(path, 'PK\x03\x04');
    const { code, stdout } = await run(['inspect', path, '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, error: { code: 'not-onnx', exitCode: 3 } });
  });
});

describe('doctor', () => {
  it('finds the cpu, the folders and the embedded data in order, and leaves nothing behind', async () => {
    const above = folder();
    const { code, stdout } = await run(['doctor', '--json'], {
      DUO_EVAL_CACHE: join(above, 'not', 'there', 'yet'),
    });
    const { machine, folders, embedded } = JSON.parse(stdout);
    expect(machine.providers.map(({ provider }: { provider: string }) => provider)).toEqual([
      'cpu',
      'webgpu',
      'cuda',
    ]);
    expect(machine.providers[0].works).toBe(true);
    expect(folders.every(({ writable }: { writable: boolean }) => writable)).toBe(true);
    expect(embedded.every(({ problem }: { problem: unknown }) => problem === null)).toBe(true);
    expect(code).toBe(0);
    expect(readdirSync(above)).toEqual([]);
  });

  it('names the variable of a folder that cannot be written to', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    const { code, stdout } = await run(['doctor', '--quiet'], { DUO_EVAL_CACHE: join(file, 'cache') });
    expect(stdout).toMatch(/^bad +cache .*cannot be written to[\s\S]*DUO_EVAL_CACHE/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
    expect(code).toBe(6);
  });
});
