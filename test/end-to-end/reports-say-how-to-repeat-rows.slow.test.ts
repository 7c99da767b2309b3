/** About src/commands/report.ts */
/** The commands of "How to repeat it", run as a shell runs them: they give the rows again. */
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { fixture, root } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

const [ar, duo] = ['markov-ar.onnx', 'markov-duo.onnx'].map(fixture);
const judge = `{path: ${ar}, name: exact}`;
const psi = (eta: number) => `{name: psi, options: {eta: ${eta}}}`;

let space: Workspace;
let commands: string[];
let rows: Row[];
interface Row {
  eval: string;
  model: { name: string } | null;
  metrics: Record<string, { value: number | null }>;
  samples?: { name: string; sha256: string; sampler: object | null };
  sampler?: object;
  throughput?: { batch: number; rounds: number };
}

beforeAll(async () => {
  space = workspace();
  space.write(
    'suite.yaml',
    `
models: [{name: uniform, path: ${duo}}]
gen: {judge: ${judge}, samplers: [${psi(0.02)}, ${psi(0.04)}], steps: [2], samples: 3, length: 24, seeds: [7]}
bench:
  judge: ${judge}
  steps: [2, 4]
  samples: 4
  length: 24
  batch: 2
  references: [sotu]
  memory: false
frontier: {judge: ${judge}, steps: [2], temperatures: [0.7, 1.4], samples: 4, length: 24, entropy: 2.5, topK: 90}
`,
  );
  await succeed(space, ['run', 'suite.yaml', '--quiet', '--out', 'suite.json']);
  rows = JSON.parse(space.read('suite.json')).results;
  await succeed(space, ['report', 'suite.json', '--out', 'report.md', '--out', 'report.html']);
  const [, block] = space.read('report.md').split('## How to repeat it');
  commands = block.split('\n').filter((line) => line.startsWith('duo-eval '));
});

/** By sh, from the folder where the suite ran, with nothing kept of it. */
function repeated(command: string): Row[] {
  const entry = join(root, 'bin', 'run.js');
  space.write('bin/duo-eval', `#!/bin/sh\nexec "${process.execPath}" "${entry}" "$@"\n`);
  chmodSync(space.at('bin/duo-eval'), 0o755);
  const ran = spawnSync('sh', ['-c', `${command} --json --quiet`], {
    cwd: space.folder,
    encoding: 'utf8',
    env: {
      PATH: `${space.at('bin')}:${process.env.PATH}`,
      HOME: space.folder,
      DUO_EVAL_CACHE: space.at('.again'),
    },
  });
  expect(ran.status, ran.stderr).toBe(0);
  return JSON.parse(ran.stdout).results;
}

it('one command a row of gen and frontier, one for what bench timed in turn', () => {
  expect(commands.map((command) => command.split(' ')[1])).toEqual(['gen', 'gen', 'bench', 'frontier']);
  const page = space.read('report.html');
  for (const command of commands) expect(page).toContain(command);
});

it('gen: the same texts and the same figures', () => {
  const own = rows.filter((row) => row.eval === 'gen' && row.samples!.sampler);
  for (const [i, command] of commands.slice(0, 2).entries()) {
    const [row] = repeated(command);
    expect(row.samples!.sampler).toEqual(own[i].samples!.sampler);
    expect(row.samples!.sha256).toBe(own[i].samples!.sha256);
    expect(row.metrics).toEqual(own[i].metrics);
  }
});

it('bench: the same configurations and texts, with the real text beside them', () => {
  const own = rows.slice(2, 5);
  const again = repeated(commands[2]);
  expect(again.map((row) => [row.eval, row.samples!.name])).toEqual(
    own.map((row) => [row.eval, row.samples!.name]),
  );
  expect(again.map(({ samples }) => samples!.sha256)).toEqual(own.map(({ samples }) => samples!.sha256));
  expect(again[0].throughput).toMatchObject({
    batch: own[0].throughput!.batch,
    rounds: own[0].throughput!.rounds,
  });
});

it('frontier: the same figure', () => {
  const [row] = repeated(commands[3]);
  const own = rows.find((one) => one.eval === 'frontier')!;
  expect(row.sampler).toEqual(own.sampler);
  expect(row.metrics).toEqual(own.metrics);
});
