/** About src/commands/bench.ts, src/commands/frontier.ts, src/evals/generation/comparison.ts, src/evals/suite/comparison-keys.ts, src/evals/suite/frontier.ts, src/evals/suite/generation.ts, src/evals/suite/throughput.ts, src/evals/frontier/run.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';

interface Row {
  eval: string;
  model: { name: string } | null;
  samples?: { name: string; control?: string };
  metrics: Record<string, { value: number | null; stderr: number | null } | undefined>;
}

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const rowsOf = (file: string): Row[] => JSON.parse(space.read(file)).results;
const controlsOf = (rows: readonly Row[]) => rows.flatMap(({ samples }) => samples?.control ?? []);
const model = fixture('mdlm.onnx');
const judge = fixture('judge.onnx');
const few = ['--samples', '8', '--length', '32', '--quiet'];
const asked = ['--mauve', judge, '--brier', '4', '--controls'];

describe('MAUVE, BrierLM and naive samplers', () => {
  it('are in bench, where batches of one sampler share BrierLM', async () => {
    const flags = ['--model', model, '--steps', '4', '--batch', '4,8', '--no-memory', ...few, ...asked];
    await succeed(space, ['bench', ...flags, '--reference-dataset', 'sotu', '--out', 'b.json']);
    const rows = rowsOf('b.json');
    expect(rows.map((row) => row.eval)).toEqual(['bench', 'bench', 'gen', 'gen', 'gen', 'gen']);
    expect(controlsOf(rows)).toEqual(['unigram', 'periodic', 'repeat']);
    expect(rows.slice(0, 5).every(({ metrics }) => metrics.mauve && metrics.brier1)).toBe(true);
    expect(rows[0].metrics.brier1).toEqual(rows[1].metrics.brier1);
    expectFailure(await space.run(['bench', ...flags]), { exit: 2, says: 'real text to compare with' });
  });

  it('are in frontier, at the entropy where models are compared', async () => {
    const flags = ['--model', model, '--steps', '4', '--temperatures', '0.3,1.2', '--judge', judge, ...few];
    await succeed(space, ['frontier', ...flags, ...asked, '--out', 'f.json']);
    const rows = rowsOf('f.json') as (Row & {
      target: { entropy: number };
      points: { measures: Row['metrics'] }[];
    })[];
    expect(rows.map((row) => row.eval)).toEqual(['frontier', 'gen', 'gen', 'gen']);
    const [{ target, points, metrics }, , periodic] = rows;
    const ends = points.map(({ measures }) => measures.mauve?.value ?? Number.NaN);
    expect(metrics.mauve?.value).toBeGreaterThanOrEqual(Math.min(...ends));
    expect(metrics.mauve?.value).toBeLessThanOrEqual(Math.max(...ends));
    expect(metrics.brier1?.stderr).not.toBeNull();
    expect(Math.abs((periodic.metrics.entropy?.value ?? 0) - target.entropy)).toBeLessThan(0.2);
  });

  it('are in suites, with real text and controls as a cell, and leave the keys of other cells as they were', async () => {
    const suite = (more: string) =>
      space.write(
        'suite.yaml',
        `models: [${model}]\ngen: {judge: ${judge}, steps: [4], samples: 8, length: 32${more}}\n`,
      );
    suite('');
    await succeed(space, ['run', 'suite.yaml', '--quiet', '--out', 'plain.json']);
    const measures = `, references: [sotu], mauve: ${judge}, brier: 4, controls: true`;
    suite(measures);
    const { stdout } = await succeed(space, ['run', 'suite.yaml', '--quiet', '--out', 's.json']);
    expect(stdout).toContain('repeat');
    const rows = rowsOf('s.json');
    expect(rows.map(({ samples }) => samples?.name)).toEqual([
      'mdlm',
      'unigram',
      'periodic',
      'repeat',
      'sotu',
    ]);
    expect(rows[0].metrics.mauve?.value).toBeGreaterThan(0);
    expect(rows[0].metrics.genPpl).toEqual(rowsOf('plain.json')[0].metrics.genPpl);
    for (const more of ['', measures]) {
      suite(more);
      const planned = (await succeed(space, ['run', 'suite.yaml', '--dry-run'])).stdout;
      expect(planned).toMatch(/\n0 of \d cells to run/);
    }
    suite(', controls: true');
    expectFailure(await space.run(['run', 'suite.yaml', '--dry-run']), { exit: 2, says: 'need real text' });
  });

  it('are in the frontier of a suite as in its command, controls as a cell', async () => {
    const suite = (more: string) =>
      space.write(
        'sweeps.yaml',
        `models: [${model}]\nfrontier: {judge: ${judge}, steps: [4], temperatures: [0.3, 1.2], samples: 8, length: 32${more}}\n`,
      );
    suite(`, mauve: ${judge}, brier: 4`);
    await succeed(space, ['run', 'sweeps.yaml', '--quiet', '--out', 'without.json']);
    suite(`, mauve: ${judge}, brier: 4, controls: true`);
    const planned = (await succeed(space, ['run', 'sweeps.yaml', '--dry-run'])).stdout;
    expect(planned).toMatch(/\n1 of 2 cells to run/);
    await succeed(space, ['run', 'sweeps.yaml', '--quiet', '--out', 'with.json']);
    const rows = rowsOf('with.json');
    expect(controlsOf(rows)).toEqual(['unigram', 'periodic', 'repeat']);
    expect(rows[0]).toEqual(rowsOf('without.json')[0]);
    const flags = ['--model', model, '--steps', '4', '--temperatures', '0.3,1.2', '--judge', judge, ...few];
    await succeed(space, ['frontier', ...flags, ...asked, '--batch', '8', '--out', 'alone.json']);
    expect(rows.map(({ metrics }) => metrics)).toEqual(rowsOf('alone.json').map(({ metrics }) => metrics));
    await succeed(space, ['report', 'with.json', '--out', 'again.yaml']);
    const again = space.read('again.yaml');
    expect(again).toContain('\nfrontier:\n');
    expect(again).toContain('controls: true\n');
    expect(again).not.toContain('No suite gives');
    expect((await succeed(space, ['run', 'again.yaml', '--dry-run'])).stdout).toMatch(/ of 2 cells to run/);
    suite(', controls: true, entropy: 3');
    expectFailure(await space.run(['run', 'sweeps.yaml', '--dry-run']), { exit: 2, says: 'need real text' });
  });
});
