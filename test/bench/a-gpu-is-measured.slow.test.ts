/** About bench/gpu.mjs, rehearsed on the CPU. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const bench = fileURLToPath(new URL('../../bench/gpu.mjs', import.meta.url));

it('a provider is compared with the cpu, and measured by batch size', async () => {
  const args = [bench, '--quick', '--json', '--provider', 'cpu', '--pairs', '1'];
  const { rows } = JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as {
    rows: { what: string; to: string; values: number[]; target: number | null; verdict: string | null }[];
  };
  expect(rows.map(({ what }) => what.replace(/: .*/, ''))).toEqual([
    'ar, losses',
    'ar, distributions of tokens',
    'mdlm, losses',
    'mdlm, distributions of tokens',
    'duo, losses',
    'duo, distributions of tokens',
    'step of ancestral, batch 1',
    'step of ancestral, batch 2',
    'call of perplexity, batch 1',
    'call of perplexity, batch 2',
    'cached decoding, batch 1',
    'cached decoding, batch 2',
  ]);
  for (const { values, target, verdict } of rows) {
    if (target !== null) expect([values, verdict]).toEqual([[0], 'reached']);
    else expect(values[0]).toBeGreaterThan(0);
  }
});
