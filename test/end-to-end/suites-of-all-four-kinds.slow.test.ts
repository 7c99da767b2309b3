/** About src/commands/run.ts, src/commands/merge.ts */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture, startDuoEval } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeAll(async () => {
  space = workspace();
  space.write('suite.yaml', suite());
  await succeed(space, run('--out', 'whole.json'));
});

const judge = `{path: ${fixture('markov-ar.onnx')}, name: exact}`;
const sweep = 'temperatures: [0.7, 1, 1.4], samples: 4, length: 32, batch: 4';
const suite = ({ bench = 'batch: 2', frontier = sweep } = {}) => `
models: [${fixture('markov-ar.onnx')}, {name: uniform, path: ${fixture('markov-duo.onnx')}}]
datasets: [sotu]
ppl: {limit: 4}
gen: {judge: ${judge}, steps: [2, 4], samples: 2, length: 32}
bench:
  judge: ${judge}
  samplers: [ancestral, {name: psi, options: {eta: 0.04}}]
  steps: [2, 4]
  samples: 4
  length: 32
  references: [sotu]
  memory: false
  ${bench}
frontier: {judge: ${judge}, steps: [2, 4], ${frontier}}
`;
const run = (...more: string[]) => ['run', 'suite.yaml', '--quiet', ...more];
const cache = (name: string) => ({ DUO_EVAL_CACHE: space.at(name) });
const kept = (name: string) => {
  const folder = join(space.at(name), 'cells');
  return existsSync(folder) ? readdirSync(folder).filter((one) => one.endsWith('.json')) : [];
};

interface Row {
  eval: string;
  model: { name: string } | null;
  pareto?: boolean | null;
  samples?: { name: string; sampler: { name: string } | null };
  sampler?: { name: string; steps: number };
}
interface Planned {
  cell: number;
  eval: string;
  state: string;
  seconds: number | null;
}

/** Without what was timed, and what follows from it. */
const TIMED = ['wallSeconds', 'tokensPerSecond', 'seconds', 'throughput', 'pareto'];
const timeless = (name: string) =>
  JSON.parse(space.read(name), (key, value) => (TIMED.includes(key) ? undefined : value));

describe('a suite of all four kinds', () => {
  it('holds what each of the four finds, in the order of the file', () => {
    const { suite: told, results } = JSON.parse(space.read('whole.json')) as {
      suite: { cells: number; held: number[]; unneeded: number[] };
      results: Row[];
    };
    // Each of 2 models: 1 perplexity, 2 sets of texts, 2 sweeps; all are timed in one cell. ar takes a step a token.
    expect(told.cells).toBe(2 + 4 + 1 + 4);
    expect(told.unneeded).toEqual([3, 8]);
    expect(told.held.filter((index) => index === 6)).toHaveLength(6);
    expect(results.map((row) => row.eval).filter((name, i, all) => name !== all[i - 1])).toEqual([
      'ppl',
      'gen',
      'bench',
      'gen', // real text beside the rows of bench
      'frontier',
    ]);
    const named = (name: string) => results.filter((row) => row.eval === name);
    expect(named('gen').map((row) => row.samples?.name)).toEqual([
      'markov-ar',
      'uniform 2',
      'uniform 4',
      'sotu',
    ]);
    expect(named('bench').map((row) => row.samples?.name)).toEqual([
      'markov-ar',
      'uniform ancestral 2',
      'uniform ancestral 4',
      'uniform psi eta=0.04 2',
      'uniform psi eta=0.04 4',
    ]);
    expect(
      named('frontier').map(({ model, sampler }) => [model?.name, sampler?.name, sampler?.steps]),
    ).toEqual([
      ['markov-ar', 'ar', 32],
      ['uniform', 'ancestral', 2],
      ['uniform', 'ancestral', 4],
    ]);
    expect(named('frontier').some(({ pareto }) => pareto === true)).toBe(true);
  });

  it('says of texts and sweeps the same as the commands', async () => {
    const flags = ['--judge', `exact=${fixture('markov-ar.onnx')}`, '--length', '32', '--json', '--quiet'];
    const model = ['--model', `uniform=${fixture('markov-duo.onnx')}`, '--steps', '4', '--samples', '4'];
    const own = cache('commands-cache');
    const bench = await succeed(
      space,
      [
        ...['bench', ...model, ...flags, '--sampler', 'ancestral', '--batch', '2', '--no-memory'],
        ...['--reference-dataset', 'sotu'],
      ],
      own,
    );
    const frontier = await succeed(
      space,
      ['frontier', ...model, ...flags, '--temperatures', '0.7,1,1.4'],
      own,
    );
    const { results } = JSON.parse(space.read('whole.json'));
    const [timed] = JSON.parse(bench.stdout).results;
    const same = results.find(
      (row: Row) => row.eval === 'bench' && row.samples?.name === 'uniform ancestral 4',
    );
    expect(same.metrics).toEqual(timed.metrics);
    expect(same.samples.sha256).toBe(timed.samples.sha256);
    const [swept] = JSON.parse(frontier.stdout).results;
    expect(results.at(-1).metrics).toEqual(swept.metrics);
    expect(results.at(-1).target).toEqual(swept.target);
  });

  it('in parts is the whole, but for what was timed', async () => {
    for (const part of [1, 2])
      await succeed(space, run('--shard', `${part}/2`, '--out', `part-${part}.json`), cache(`cache-${part}`));
    await succeed(space, ['merge', 'part-2.json', 'part-1.json', '--out', 'merged.json']);
    expect(timeless('merged.json')).toEqual(timeless('whole.json'));
    const twice = await space.run(['merge', 'part-1.json', 'part-1.json', 'part-2.json']);
    expect(twice.code).toBe(6);
    expect(twice.stderr).toContain('both hold cell 1');
  });

  it('is not run again, to the byte, and only what changed is', async () => {
    await succeed(space, run('--out', 'again.json'));
    expect(space.read('again.json')).toBe(space.read('whole.json'));
    const before = kept('.cache');
    space.write('suite.yaml', suite({ frontier: sweep.replace('[0.7, 1, 1.4]', '[0.7, 1, 1.3]') }));
    const { stdout } = await succeed(space, run('--dry-run', '--json'));
    const waiting = (JSON.parse(stdout).cells as Planned[]).filter(({ state }) => state === 'to run');
    expect(waiting.map((one) => [one.cell, one.eval])).toEqual([8, 10, 11].map((cell) => [cell, 'frontier']));
    await succeed(space, run());
    expect(kept('.cache').filter((name) => !before.includes(name))).toHaveLength(3);
    space.write('suite.yaml', suite({ bench: 'batch: 4' }));
    const other = await succeed(space, run('--dry-run', '--json'));
    const anew = (JSON.parse(other.stdout).cells as Planned[]).filter(({ state }) => state === 'to run');
    expect(anew.map((one) => one.eval)).toEqual(['bench']);
    space.write('suite.yaml', suite());
  });

  it('that is killed after each of its cells ends with the same figures', async () => {
    const own = cache('killed-cache');
    let kills = 0;
    for (let status: number | null = null; status === null; ) {
      const finished = kept('killed-cache').length;
      const child = startDuoEval(run('--out', 'killed.json'), {
        folder: space.folder,
        env: own,
        stdio: 'ignore',
      });
      const watch = setInterval(() => {
        if (kept('killed-cache').length >= finished + 2) child.kill('SIGKILL');
      }, 5);
      status = await new Promise((resolve) => child.on('close', resolve));
      clearInterval(watch);
      expect(kept('killed-cache').length).toBeGreaterThan(finished);
      if (status === null) kills++;
      else expect(status).toBe(0);
    }
    expect(kills).toBeGreaterThan(1);
    expect(timeless('killed.json')).toEqual(timeless('whole.json'));
  });

  it('is told before it runs, with a time for every cell', async () => {
    const own = cache('planned-cache');
    const { stdout } = await succeed(space, run('--dry-run', '--json'), own);
    const { cells, seconds } = JSON.parse(stdout) as { cells: Planned[]; seconds: number };
    expect(cells.map((one) => one.eval)).toEqual([
      ...Array(2).fill('ppl'),
      ...Array(4).fill('gen'),
      'bench',
      ...Array(4).fill('frontier'),
    ]);
    const waiting = cells.filter(({ state }) => state === 'to run');
    expect(waiting).toHaveLength(9);
    expect(waiting.every((one) => one.seconds !== null && one.seconds > 0)).toBe(true);
    expect(seconds).toBeCloseTo(
      waiting.reduce((sum, one) => sum + one.seconds!, 0),
      9,
    );
    expect(kept('planned-cache')).toEqual([]);
    const table = await succeed(space, run('--dry-run'));
    expect(table.stdout).toContain('0 of 11 cells to run, no time in all.');
  });

  it('is compared, judged by gates and reported from its file', async () => {
    const compared = await succeed(space, ['compare', 'whole.json', 'merged.json', '--json', '--quiet']);
    const rows = JSON.parse(compared.stdout).comparisons;
    const kinds = new Set((rows as { eval: string }[]).map((one) => one.eval));
    expect([...kinds]).toEqual(['ppl', 'gen', 'bench', 'frontier']);
    space.write(
      'gates.yaml',
      'gates: [{eval: bench, metric: genPpl, max: 1000}, {eval: bench, metric: entropy, min: 0.1}]',
    );
    const gated = await succeed(space, [
      'gate',
      '--results',
      'whole.json',
      '--config',
      'gates.yaml',
      '--quiet',
    ]);
    expect(gated.code).toBe(0);
    await succeed(space, ['report', 'whole.json', '--out', 'report.html', '--out', 'report.csv']);
    const page = space.read('report.html');
    expect(page).toContain('At matched entropy');
    expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(3); // speed, diversity and the frontier
    expect(space.read('report.csv')).toContain('frontier');
  });

  it('runs a module of someone’s only when that is allowed', async () => {
    space.write(
      'clean.mjs',
      `export default { name: 'clean', summary: 'One step.', families: ['duo'], async *sample(run) { run.tokens.fill(65); yield; } };`,
    );
    for (const part of ['bench', 'frontier']) {
      const sampled = `{judge: ${judge}, samplers: [./clean.mjs], steps: [1], samples: 2, length: 32}`;
      space.write('own.yaml', `models: [${fixture('markov-duo.onnx')}]\n${part}: ${sampled}\n`);
      const refused = await space.run(['run', 'own.yaml', '--quiet']);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('--allow-code');
      const allowed = await succeed(space, ['run', 'own.yaml', '--quiet', '--allow-code', '--json']);
      const [row] = JSON.parse(allowed.stdout).results as Row[];
      expect((row.sampler ?? row.samples?.sampler)?.name).toBe('clean');
    }
  });
});

describe('a part that is wrong', () => {
  it.each([
    [
      'a key that is not there',
      suite({ bench: 'sampels: 3' }),
      /suite\.yaml, line 14: bench\.sampels: [\s\S]*Did you mean samples\?/,
    ],
    [
      'a number of another kind',
      suite({ bench: 'temperature: warm' }),
      /suite\.yaml, line 14: bench\.temperature: /,
    ],
    [
      'two entropies to compare at',
      suite({ frontier: 'entropy: 2.5, reference: sotu' }),
      /suite\.yaml, line 15: frontier\.entropy: .*give one of the two/,
    ],
    [
      'one temperature',
      suite({ frontier: 'temperatures: [1]' }),
      /suite\.yaml, line 15: frontier\.temperatures: /,
    ],
    [
      'a sweep without a judge',
      `models: [${fixture('markov-duo.onnx')}]\nfrontier: {steps: [2]}\n`,
      /suite\.yaml, line 2: frontier\.judge: /,
    ],
    [
      'a sampler that drives none of the models',
      `models: [${fixture('markov-duo.onnx')}]\nbench: {samplers: [confidence], samples: 2, length: 32}\n`,
      /None of the samplers drives markov-duo/,
    ],
    [
      'nothing asked for',
      `models: [${fixture('markov-duo.onnx')}]\n`,
      /give ppl, gen, bench, frontier or tasks/,
    ],
  ])('is refused: %s', async (_what, text, message) => {
    space.write('suite.yaml', text);
    const { code, stderr } = await space.run(['run', 'suite.yaml', '--quiet']);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
