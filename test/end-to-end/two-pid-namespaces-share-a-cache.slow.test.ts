/**
 * Two containers or machines on one cache, as spaces of process numbers that cannot see each other.
 * About src/commands/run.ts, src/storage/lock.ts, src/storage/work-journal.ts, src/evals/suite/run-suite.ts, src/storage/waiting.ts
 *
 * `npm run study:shared-cache` makes 20 rounds.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { uniform } from '../../src/random/uniforms.js';
import { environmentIn, finished, fixture, program } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';

const ROUNDS = Number(process.env.ROUNDS ?? 2);
const unshare = ['--pid', '--kill-child', '--fork', '--mount-proc'];
const isPossible = process.platform === 'linux' && spawnSync('unshare', [...unshare, 'true']).status === 0;

/** A run in a space of its own: what happens to it is decided by its round. */
function node({ folder }: Workspace): ChildProcess {
  const args = ['run', 'suite.yaml', '--threads', '1', '--quiet', '--json'];
  return spawn('unshare', [...unshare, process.execPath, program, ...args], {
    cwd: folder,
    env: { ...environmentIn(folder), DUO_EVAL_LEASE: '2' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Sends a signal to what runs inside, by its number outside. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  const children = `/proc/${pid}/task/${pid}/children`;
  const inside = existsSync(children) ? readFileSync(children, 'utf8').trim() : ''; // it may have ended
  if (inside !== '') process.kill(Number(inside), name);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let unbroken: unknown[];
let whole = 0;
const metricsOf = (stdout: string) =>
  (JSON.parse(stdout).results as { metrics: unknown }[]).map(({ metrics }) => metrics);

function suiteSpace(): Workspace {
  const space = workspace();
  const model = `{name: uniform, path: ${fixture('markov-duo.onnx')}}`;
  space.write(
    'suite.yaml',
    `models: [${model}]\ndatasets: [sotu]\nppl: {protocol: strict, limit: 100, draws: 3, batch: 8}\n`,
  );
  return space;
}

describe.skipIf(!isPossible)('two spaces of process numbers (Linux, as root) on one cache', () => {
  beforeAll(async () => {
    const began = performance.now();
    const run = await finished(node(suiteSpace()));
    whole = performance.now() - began;
    expect(run).toMatchObject({ code: 0 });
    unbroken = metricsOf(run.stdout);
  });

  it.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    'round %i: whatever happens to the first, the second has the right figures',
    async (round) => {
      const space = suiteSpace();
      const at = (purpose: number) => uniform({ seed: 9, stream: 0x41, sequence: round, step: purpose });
      const first = node(space);
      const firstEnd = finished(first);
      await pause(0.6 * at(0) * whole);
      const secondEnd = finished(node(space));
      await pause(0.4 * at(1) * whole);
      const name = (['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const)[round % 3];
      signal(first, name);
      const second = await secondEnd;
      expect(second).toMatchObject({ code: 0 });
      expect(metricsOf(second.stdout)).toEqual(unbroken);
      if (name === 'SIGSTOP') {
        // It was silent for longer than its lease, and goes on.
        signal(first, 'SIGCONT');
        const stopped = await firstEnd;
        expect(stopped).toMatchObject({ code: 0 });
        expect(metricsOf(stopped.stdout)).toEqual(unbroken);
      } else await firstEnd;
      const third = await finished(node(space));
      expect(metricsOf(third.stdout)).toEqual(unbroken);
      expect(readdirSync(space.at('.cache/journals')).filter((one) => one.endsWith('.jsonl'))).toEqual([]);
    },
  );
});
