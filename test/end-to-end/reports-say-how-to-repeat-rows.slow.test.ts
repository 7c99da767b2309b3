/** About src/commands/report.ts and src/report/repetition.ts */
/** The suites and commands of "How to repeat it", run from the folder of the results with nothing kept: they give the rows again. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { fixture, root } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

const [ar, duo, mdlm] = ['markov-ar.onnx', 'markov-duo.onnx', 'markov-mdlm.onnx'].map(fixture);
const judge = `{path: ${ar}, name: exact}`;
const psi = (eta: number) => `{name: psi, options: {eta: ${eta}}}`;

let space: Workspace;
let rows: Row[];
let suites: string[];
interface Row {
  eval: string;
  model: { name: string } | null;
  dataset: { name: string } | null;
  metrics: Record<string, { value: number | null }>;
  protocol: { seed: number | null };
  samples?: { name: string; sha256: string; sampler: object | null };
  sampler?: object;
  throughput?: { batch: number; rounds: number };
}

beforeAll(async () => {
  space = workspace();
  space.write(
    'first.yaml',
    `
models: [{name: ar, path: ${ar}}, {name: uniform, path: ${duo}}]
datasets: [sotu]
ppl: {protocol: strict, limit: 4, length: 24, draws: 2, seeds: [1, 2]}
gen: {judge: ${judge}, steps: [2, 4], samples: 3, length: 24, seeds: [7]}
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
  space.write(
    'second.yaml',
    `
models: [{name: masked, path: ${mdlm}}]
datasets: [sotu]
ppl: {limit: 2, length: 24, likelihood: {policy: max-probability, tokensPerCall: 2}}
gen: {judge: ${judge}, samplers: [${psi(0.02)}, ${psi(0.04)}], steps: [2], samples: 3, length: 24}
`,
  );
  const files = ['first', 'second'];
  for (const name of files) await succeed(space, ['run', `${name}.yaml`, '--quiet', '--out', `${name}.json`]);
  rows = files.flatMap((name) => JSON.parse(space.read(`${name}.json`)).results);
  const results = files.map((name) => `${name}.json`);
  mkdirSync(space.at('again'));
  await succeed(space, ['report', ...results, '--out', 'report.md', '--out', 'report.html']);
  const written = await succeed(space, ['report', ...results, '--out', 'again/suite.yaml']);
  suites = written.stdout.trim().split('\n');
});

function ran(words: readonly string[], cache: string): Row[] {
  const entry = join(root, 'bin', 'run.js');
  const done = spawnSync(process.execPath, [entry, ...words, '--json', '--quiet'], {
    cwd: space.folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: space.folder, DUO_EVAL_CACHE: space.at(cache) },
  });
  expect(done.status, done.stderr).toBe(0);
  return JSON.parse(done.stdout).results;
}

/** What a row is, and what must be equal in it. */
const keyOf = ({ eval: name, model, dataset, protocol, samples, sampler, throughput }: Row) =>
  JSON.stringify([
    name,
    ...[model?.name, dataset?.name, protocol.seed, samples?.sampler, samples?.sha256, sampler],
    ...[throughput?.batch, throughput?.rounds],
  ]);

it('a file for each list of models, and each is run by one command', () => {
  expect(suites).toEqual(['again/suite.yaml', 'again/suite-2.yaml']);
  const page = space.read('report.html');
  const [, block] = space.read('report.md').split('## How to repeat it');
  for (const text of [page, block]) {
    expect(text).toMatch(/duo-eval run suite\.yaml (?:--threads \d+ )?--out results\.json/);
    expect(text).toMatch(/duo-eval run suite-2\.yaml (?:--threads \d+ )?--out results-2\.json/);
    expect(text).not.toContain('No suite gives');
  }
  expect(block).not.toContain('duo-eval gen');
});

it('the suites give every row again: the same texts, configurations and figures', () => {
  const again = suites.flatMap((suite) => ran(['run', suite], '.again'));
  expect(again.map(keyOf).sort()).toEqual(rows.map(keyOf).sort());
  for (const row of rows) {
    const same = again.find((one) => keyOf(one) === keyOf(row));
    expect(same?.metrics, keyOf(row)).toEqual(row.metrics);
  }
});

it('texts of a samples file are in no suite, and the command gives them again', async () => {
  await succeed(space, ['sample', '--model', duo, '--steps', '2', '--samples', '3', '--out', 'texts.jsonl']);
  await succeed(space, ['gen', 'texts.jsonl', '--judge', `exact=${ar}`, '--quiet', '--out', 'file.json']);
  const [own]: Row[] = JSON.parse(space.read('file.json')).results;
  await succeed(space, ['report', 'file.json', '--out', 'file.md']);
  const [, block] = space.read('file.md').split('## How to repeat it');
  expect(block).toContain('No suite gives this row, since the texts are of a samples file.');
  const [command] = block.split('\n').filter((line) => line.startsWith('duo-eval '));
  space.write(
    'bin/duo-eval',
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin', 'run.js')}" "$@"\n`,
  );
  chmodSync(space.at('bin/duo-eval'), 0o755);
  const done = spawnSync('sh', ['-c', `${command} --json --quiet`], {
    cwd: space.folder,
    encoding: 'utf8',
    env: { PATH: `${space.at('bin')}:${process.env.PATH}`, HOME: space.folder },
  });
  expect(done.status, done.stderr).toBe(0);
  expect(JSON.parse(done.stdout).results[0].metrics).toEqual(own.metrics);
});
