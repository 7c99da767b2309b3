/** About src/commands/bench.ts */
/** `duo-eval bench --against`: another checkpoint, or another installation; and the gate on what it finds. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { builtDigest } from '../../src/evals/throughput/installations.js';
import type { AgainstRecord, BenchResult } from '../../src/evals/throughput/record.js';
import { parseResults } from '../../src/records/results-file.js';
import { interleavedRatio } from '../../src/statistics/interleaved-ratio.js';
import { fixture, root, startDuoEval } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const duo = fixture('markov-duo.onnx');
const small = ['--length', '24', '--batch', '2', '--no-memory'];
const bench = (model: string, against: string, more: string[] = [], samples = 12) => [
  ...['bench', '--model', model, '--against', against, '--samples', String(samples), ...small, ...more],
];
const rowsIn = (text: string) => parseResults(text, 'results', EVALUATIONS).results as BenchResult[];
const againstOf = ({ throughput }: BenchResult) => throughput.against as AgainstRecord;

/** Another installation: this one's files, with a version of its own. */
function installation(folder: string, version: string): string {
  mkdirSync(space.at(folder));
  for (const name of ['bin', 'dist'])
    cpSync(join(root, name), space.at(join(folder, name)), { recursive: true });
  for (const name of ['oclif.manifest.json', 'node_modules'])
    symlinkSync(join(root, name), space.at(join(folder, name)));
  const told = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  space.write(join(folder, 'package.json'), JSON.stringify({ ...told, version }));
  return folder;
}

/** A random network; the wider, the longer a call. */
async function network(name: string, width: number): Promise<string> {
  const shape = ['--size', 'tiny', '--hidden-size', String(width), '--blocks', '2', '--length', '24'];
  const vocabulary = ['--vocab-size', '257', '--tokenizer', fixture('tokenizer')];
  const out = ['--out', `${name}.onnx`, '--quiet'];
  await succeed(space, ['convert', '--random', '--arch', 'dit', ...shape, ...vocabulary, ...out]);
  return `${name}.onnx`;
}

/** What is recorded agrees with itself. */
function expectInTurn(record: AgainstRecord, rounds: number): void {
  expect(record.rounds).toBe(rounds);
  expect(record.pairs.map(({ first }) => first)).toEqual(
    Array.from({ length: rounds }, (_, r) => (r % 2 === 0 ? 'own' : 'other')),
  );
  for (const { own, other } of record.pairs) {
    expect(own).toBeGreaterThan(0);
    expect(other).toBeGreaterThan(0);
  }
  expect(record.ratio).toEqual(interleavedRatio(record.pairs));
}

const processesOf = (words: string) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words);
      } catch {
        return false;
      }
    });

describe('duo-eval bench --against a checkpoint', () => {
  it('times every configuration on both, in turn, and says how they compare', async () => {
    const outs = ['--steps', '2,3', '--out', 'same.json', '--out', 'same.csv', '--out', 'same.html'];
    const { stdout } = await succeed(space, bench(duo, `old=${duo}`, outs));
    const rows = rowsIn(space.read('same.json'));
    expect(rows.map(({ samples }) => samples.name)).toEqual(['markov-duo 2', 'markov-duo 3']);
    for (const row of rows) {
      const record = againstOf(row);
      expectInTurn(record, 6);
      expect(record).toMatchObject({ kind: 'checkpoint', name: 'old', sha256: row.model.sha256 });
      // The rounds are those of the row itself.
      const speeds = record.pairs.map(({ own }) => own).sort((a, b) => a - b);
      expect(row.throughput.tokensPerSecond.value).toBeCloseTo((speeds[2] + speeds[3]) / 2, 6);
    }
    expect(stdout).toContain('× against');
    expect(stdout.replace(/\s+/g, ' ')).toContain('timed in turn in 6 rounds, A B, B A');
    expect(space.read('same.csv')).toContain('throughput_ratio');
    expect(space.read('same.html')).toContain('× against');
  });

  it('finds that far more work takes longer, and a gate holds it to a limit', async () => {
    const [wide, narrow] = [await network('wide', 512), await network('narrow', 32)];
    await succeed(space, bench(wide, narrow, ['--steps', '8', '--out', 'slower.json'], 20));
    const { ratio } = againstOf(rowsIn(space.read('slower.json'))[0]);
    expect(ratio.ci95![1]).toBeLessThan(1);
    space.write('gates.yaml', 'gates:\n  - {name: as fast as before, metric: throughputRatio, min: 0.97}\n');
    const gate = ['gate', '--results', 'slower.json', '--config', 'gates.yaml', '--junit', 'gates.xml'];
    const ran = await space.run(gate, {
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: space.at('summary.md'),
    });
    expect(ran.code).toBe(7);
    expect(ran.stdout).toMatch(/^fail .*throughputRatio .*≥ 0\.97/m);
    expect(ran.stderr).toContain('::error file=gates.yaml,line=2');
    expect(space.read('gates.xml')).toContain('failures="1"');
    expect(space.read('summary.md')).toContain('throughputRatio');
    const report = await succeed(space, ['report', 'slower.json', '--format', 'markdown']);
    expect(report.stdout).toContain('× against');
  });

  it.each([
    ['of another family', fixture('markov-mdlm.onnx'), [], 'they are of the families duo and mdlm'],
    ['that is not there', 'nowhere.onnx', [], 'there is no such file or folder'],
    ['with several models', duo, ['--model', fixture('markov-mdlm.onnx')], 'there are several models'],
  ])('refuses one %s', async (_what, other, more, says) => {
    const exit = other === 'nowhere.onnx' ? 3 : 2;
    expectFailure(await space.run(bench(duo, other, ['--steps', '2', ...more])), { exit, says });
  });

  it('refuses one of another vocabulary or tokenizer', async () => {
    const card = JSON.parse(readFileSync(fixture('markov-duo.card.json'), 'utf8'));
    space.write('other/tokenizer.json', `${readFileSync(fixture('tokenizer/tokenizer.json'), 'utf8')} `);
    space.write('retokenized.card.json', JSON.stringify({ ...card, tokenizer: './other' }));
    space.write('retokenized.onnx', readFileSync(duo));
    const retokenized = await space.run(bench(duo, 'retokenized.onnx', ['--steps', '2']));
    expectFailure(retokenized, { exit: 2, says: 'have different tokenizers' });
    const vocabulary = ['--vocab-size', '300', '--tokenizer', fixture('tokenizer'), '--length', '24'];
    const made = ['convert', '--random', '--arch', 'dit', '--size', 'tiny', '--out', 'larger.onnx'];
    await succeed(space, [...made, ...vocabulary, '--quiet']);
    const larger = await space.run(bench(duo, 'larger.onnx', ['--steps', '2']));
    expectFailure(larger, { exit: 2, says: 'their vocabularies have' });
  });
});

describe('duo-eval bench --against another installation', () => {
  it('times both in processes of their own, in turn', async () => {
    const folder = installation('older', '0.0.7');
    // Defaults of this process are not those of its legs.
    const env = { DUO_EVAL_AGAINST: 'nowhere', DUO_EVAL_FORMAT: 'csv' };
    const { stdout } = await succeed(
      space,
      bench(duo, `before=${folder}`, ['--steps', '2', '--json'], 6),
      env,
    );
    const [row] = rowsIn(stdout);
    const record = againstOf(row);
    expectInTurn(record, 3);
    expect(record).toMatchObject({
      ...{ kind: 'installation', name: 'before', path: folder, tool: 'duo-eval/0.0.7' },
      onnxruntime: row.environment.onnxruntime,
    });
    expect(record.sha256).toBe(builtDigest(space.at(folder)));
  });

  it('tells two builds of one version apart, and no two copies of one', () => {
    const [one, copy, other] = ['one', 'copy', 'other'].map((name) => {
      space.write(`${name}/dist/a.js`, 'export {};');
      space.write(`${name}/dist/b/c.js`, 'export const c = 1;');
      return space.at(name);
    });
    expect(builtDigest(copy)).toBe(builtDigest(one));
    space.write('other/dist/b/c.js', 'export const c = 2;');
    expect(builtDigest(other)).not.toBe(builtDigest(one));
    space.write('copy/dist/d.js', '');
    expect(builtDigest(copy)).not.toBe(builtDigest(one));
    expect(builtDigest(space.at('one/dist'))).toBeNull();
  });

  it.each([
    ['is no package', {}, 'it has no package.json that can be read'],
    [
      'is another package',
      { 'package.json': '{"name":"other","version":"1.0.0"}' },
      'that of another package',
    ],
    ['lacks its entry', { 'package.json': '{"name":"duo-eval","version":"1.0.0"}' }, 'it has no bin/run.js'],
  ])('refuses a folder that %s', async (what, files: Record<string, string>, says) => {
    const folder = what.replaceAll(' ', '-');
    mkdirSync(space.at(folder));
    for (const [name, text] of Object.entries(files)) space.write(join(folder, name), text);
    const hint = 'Give the package folder';
    expectFailure(await space.run(bench(duo, folder, ['--steps', '2'])), { exit: 2, says, hint });
  });

  it.each([
    [
      'says-why',
      'process.stderr.write("Error: Too old.\\n  Get a newer one.\\n");process.exit(2)',
      'Too old. Get a',
    ],
    ['crashes', 'throw new Error("boom")', ': boom.'],
    ['babbles', 'console.log("hello")', 'its output is not JSON'],
    ['is-silent', 'process.exit(3)', 'its process ended with exit status 3.'],
    [
      'is-empty',
      'console.log(JSON.stringify({schemaVersion:1,results:[],comparisons:[]}))',
      'no tokens per second',
    ],
  ])('that %s is told of in a sentence', async (folder, code, says) => {
    space.write(`${folder}/package.json`, '{"name":"duo-eval","version":"9.9.9"}');
    space.write(`${folder}/bin/run.js`, code);
    const ran = await space.run(bench(duo, folder, ['--steps', '2']));
    expectFailure(ran, { exit: 3, says: `${folder} (duo-eval/9.9.9) could not time markov-duo 2: ` });
    expect(ran.stderr).toContain(says);
  });

  it.each([
    ['Ctrl-C', 'SIGINT'],
    ['kill -9', 'SIGKILL'],
  ] as const)('ends at %s, with the process of the leg, and leaves nothing behind', async (_how, signal) => {
    space.write('slow/package.json', '{"name":"duo-eval","version":"9.9.9"}');
    space.write('slow/bin/run.js', 'process.stderr.write("x");setInterval(() => {}, 1000)');
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('duo-eval-against-'));
    const child = startDuoEval(bench(duo, 'slow', ['--steps', '2']), {
      folder: space.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (part: string) => {
      stderr += part;
    });
    const slow = join('slow', 'bin', 'run.js');
    const legs = () => processesOf(slow).filter((pid) => pid !== String(child.pid));
    while (legs().length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill(signal);
    const code = await new Promise((resolve) => child.on('exit', resolve));
    if (signal === 'SIGKILL') {
      while (legs().length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      return;
    }
    expect(code).toBe(130);
    expect(stderr).toContain('Error: Interrupted.');
    expect(legs()).toEqual([]);
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith('duo-eval-against-'));
    expect(after).toEqual(before);
  });
});
