/** About src/commands/init-ci.ts, src/commands/gate.ts */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fixture, root } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, string>;
}
interface Job {
  strategy?: { matrix: { part: number[] } };
  env?: Record<string, string>;
  needs?: string;
  if?: string;
  steps: Step[];
}

let space: Workspace;
beforeAll(async () => {
  space = workspace();
  mkdirSync(space.at('models'));
  cpSync(fixture('tokenizer'), space.at('models/tokenizer'), { recursive: true });
  for (const name of ['markov-ar', 'markov-duo'])
    for (const ending of ['onnx', 'card.json'])
      copyFileSync(fixture(`${name}.${ending}`), space.at(`models/${name}.${ending}`));
  // What `npm ci` would have installed.
  space.write('package.json', '{"private":true,"devDependencies":{"duo-eval":"*"}}');
  space.write(
    'node_modules/.bin/duo-eval',
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin/run.js')}" "$@"\n`,
  );
  chmodSync(space.at('node_modules/.bin/duo-eval'), 0o755);
  await succeed(space, [
    'init-ci',
    '--model',
    'models/markov-ar.onnx',
    '--model',
    'models/markov-duo.onnx',
    '--shards',
    '2',
  ]);
  space.write('suite.yaml', space.read('suite.yaml').replace('limit: 256', 'limit: 24'));
});

const workflow = (): Record<string, Job> => parse(space.read('.github/workflows/duo-eval.yml')).jobs;

/** Runs a job's steps as the runner does: `bash -e`, expressions replaced, artifacts carried in a folder. */
async function runJob(job: Job, part: number | null): Promise<{ code: number; output: string }> {
  const filled = (text: string) => text.replace(/\$\{\{ matrix\.part \}\}/g, String(part));
  let output = '';
  for (const step of job.steps) {
    if (step.uses?.startsWith('actions/checkout@') && step.with?.path) {
      expect(step.with.ref).toMatch(/^\$\{\{ github\.base_ref \}\}$/);
      cpSync(space.at('models'), space.at(join(step.with.path, 'models')), { recursive: true });
    } else if (step.uses?.startsWith('actions/upload-artifact@')) {
      for (const path of filled(step.with!.path).trim().split(/\s+/)) {
        mkdirSync(space.at('artifacts'), { recursive: true });
        copyFileSync(space.at(path), space.at(join('artifacts', path)));
      }
    } else if (step.uses?.startsWith('actions/download-artifact@')) {
      cpSync(space.at('artifacts'), space.at(step.with!.path), { recursive: true });
    } else if (step.run && !step.run.startsWith('npm ci')) {
      const script = filled(step.run);
      expect(script).not.toContain('${{');
      const file = space.at('step.sh');
      writeFileSync(file, script);
      try {
        const { stdout, stderr } = await promisify(execFile)('bash', ['-e', file], {
          cwd: space.folder,
          env: {
            PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
            HOME: space.folder,
            GITHUB_ACTIONS: 'true',
            GITHUB_STEP_SUMMARY: space.at('summary.md'),
            npm_config_update_notifier: 'false',
            ...job.env,
          },
        });
        output += stdout + stderr;
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, output: output + stdout + stderr };
      }
    }
  }
  return { code: 0, output };
}

describe('the workflow that init-ci writes', () => {
  it('evaluates in parts, merges, reports and judges', async () => {
    const { evaluate, judge } = workflow();
    expect(judge.needs).toBe('evaluate');
    for (const part of evaluate.strategy!.matrix.part) {
      const ran = await runJob(evaluate, part);
      expect(ran.code, ran.output).toBe(0);
    }
    expect(readdirSync(space.at('artifacts')).sort()).toEqual(['part-1.json', 'part-2.json']);
    const judged = await runJob(judge, null);
    expect(judged.code, judged.output).toBe(0);
    expect(JSON.parse(space.read('results.json')).results).toHaveLength(2);
    expect(space.read('report.html')).toContain('markov-duo');
    expect(space.read('gates.xml')).toContain('tests="2" failures="0"');
    expect(space.read('summary.md')).toContain('| pass | markov-ar on sotu |');
  });

  it('fails when a gate fails, and says so on GitHub; a baseline is used when it is there', async () => {
    copyFileSync(space.at('results.json'), space.at('baseline.json'));
    space.write(
      'gates.yaml',
      'gates:\n  - {metric: ppl, maxIncrease: 1%}\n  - {name: too good, metric: ppl, max: 2}\n',
    );
    const { code, output } = await runJob(workflow().judge, null);
    expect(code).toBe(7);
    expect(output).toMatch(/^::error file=gates\.yaml,line=3,title=too good::/m);
    expect(space.read('gates.xml')).toContain('tests="4" failures="2"');
  });
});

describe('the pipeline of init-ci --gitlab', () => {
  it('does the same: its scripts run as GitLab runs them, one shell per job', async () => {
    await succeed(space, ['init-ci', '--gitlab', '--shards', '2']);
    const { evaluate, judge } = parse(space.read('.gitlab-ci.yml')) as Record<
      string,
      { parallel?: number; script: string[] }
    >;
    const script = (lines: string[], env: Record<string, string> = {}) => {
      writeFileSync(space.at('job.sh'), lines.join('\n'));
      const variables = {
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        HOME: space.folder,
        ...env,
      };
      return promisify(execFile)('bash', ['-e', space.at('job.sh')], {
        cwd: space.folder,
        env: variables,
      }).then(
        () => 0,
        ({ code }) => code as number,
      );
    };
    for (const part of [1, 2])
      expect(
        await script(evaluate.script, { CI_NODE_INDEX: `${part}`, CI_NODE_TOTAL: `${evaluate.parallel}` }),
      ).toBe(0);
    rmSync(space.at('results.json'));
    expect(await script(judge.script)).toBe(7); // the gate "too good" of the test before
    expect(JSON.parse(space.read('results.json')).results).toHaveLength(2);
  });
});

describe('the job of init-ci --throughput', () => {
  it('times the model in turn with that of the base branch, and judges the ratio', async () => {
    const model = 'models/markov-duo.onnx';
    await succeed(space, ['init-ci', '--force', '--throughput', model]);
    expect(space.read('throughput-gates.yaml')).toContain('throughputRatio');
    const path = '.github/workflows/duo-eval.yml';
    space.write(path, space.read(path).replace('--samples 128', '--samples 80 --length 24 --steps 4'));
    const { throughput } = workflow();
    expect(throughput.if).toBe("github.event_name == 'pull_request'");
    // How fast a shared machine is in a test is nobody's promise; what is judged, and on what, is.
    space.write('throughput-gates.yaml', 'gates:\n  - {metric: throughputRatio, min: 0.01}\n');
    const ran = await runJob(throughput, null);
    expect(ran.code, ran.output).toBe(0);
    const [row] = JSON.parse(space.read('throughput.json')).results;
    expect(row.throughput.against).toMatchObject({
      ...{ kind: 'checkpoint', path: `base/${model}`, sha256: row.model.sha256, rounds: 10 },
    });
    expect(space.read('throughput.xml')).toContain('tests="1" failures="0" errors="0"');
    space.write('throughput-gates.yaml', 'gates:\n  - {metric: throughputRatio, min: 100}\n');
    const steps = throughput.steps.filter(({ run }) => run?.includes(' gate '));
    expect((await runJob({ ...throughput, steps }, null)).code).toBe(7);
  });
});

describe('init-ci', () => {
  it('leaves files that are there, and says what it needs', async () => {
    const again = await space.run(['init-ci']);
    expect(again.code).toBe(6);
    expect(again.stderr).toContain('exists already');
    const gates = space.read('gates.yaml');
    const forced = await succeed(space, ['init-ci', '--force']);
    expect(forced.stdout).toBe('.github/workflows/duo-eval.yml\n');
    expect(space.read('gates.yaml')).toBe(gates);
    rmSync(space.at('suite.yaml'));
    const without = await space.run(['init-ci', '--force']);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain('no --model');
    expect(existsSync(space.at('suite.yaml'))).toBe(false);
  });

  it('writes nothing where the suite cannot run, unless it need not', async () => {
    const missing = ['init-ci', '-m', 'models/none.onnx', '--suite', 'new.yaml', '-o', 'new-workflow.yml'];
    const { code, stderr } = await space.run(missing);
    expect([code, stderr]).toEqual([3, expect.stringContaining('models/none.onnx')]);
    for (const path of ['new.yaml', 'new-workflow.yml']) expect(existsSync(space.at(path))).toBe(false);
    await succeed(space, [...missing, '--no-check']);
    expect(space.read('new.yaml')).toContain('models/none.onnx');
  });

  it('refuses a path that a shell would read as something else', async () => {
    const { code, stderr } = await space.run([
      'init-ci',
      '--force',
      '--suite',
      'a; rm -rf b.yaml',
      '--model',
      'm.onnx',
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('cannot stand in a workflow');
  });
});
