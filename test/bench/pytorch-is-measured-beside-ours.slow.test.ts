/**
 * PyTorch in a process of its own, on networks so small that the figures say nothing. TORCH_PYTHON names a Python that has torch.
 * About bench/against-torch.mjs, bench/run.mjs
 */
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const bench = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));
const python = process.env.TORCH_PYTHON ?? 'python3';
const hasTorch = (() => {
  try {
    execFileSync(python, ['-c', 'import torch, transformers, safetensors'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

it.skipIf(!hasTorch)(
  'the two networks agree, and PyTorch has a ratio for each way',
  { timeout: 1_200_000 },
  async () => {
    const args = [bench, '--against-torch', '--quick', '--json', '--pairs', '1', '--python', python];
    const { rows } = JSON.parse((await run(process.execPath, args)).stdout) as {
      rows: { what: string; to: string; values: number[] }[];
    };
    const rounded = rows.filter(({ to }) => to.endsWith('int8'));
    expect(rounded.map(({ what }) => what)).toEqual([
      'forward alone, eager, bfloat16',
      'forward alone, torch.compile, bfloat16',
    ]);
    expect(rows.filter((row) => !rounded.includes(row)).map(({ what }) => what)).toEqual([
      'forward alone, eager, float32',
      'forward alone, torch.compile, float32',
      'forward alone, eager, bfloat16',
      'forward alone, torch.compile, bfloat16',
      'reference step, eager, float32',
      'reference step, torch.compile, float32',
      'reference step, eager, bfloat16',
    ]);
    for (const { values } of rows) {
      expect(values).toHaveLength(1);
      expect(values[0]).toBeGreaterThan(0);
    }
  },
);

it('says that a Python without PyTorch is no use', async () => {
  const args = [bench, '--against-torch', '--quick', '--python', 'no-such-python'];
  const failure = await run(process.execPath, args).catch((error) => error);
  expect(failure.code).not.toBe(0);
  expect(failure.stderr).toContain('no-such-python cannot be started');
});
