/**
 * A suite on a real Redis. About src/commands/worker.ts, src/commands/submit.ts, src/commands/submit/status.ts, src/commands/submit/wait.ts,
 * src/commands/submit/cancel.ts, src/evals/suite/redis/redis.ts, src/evals/suite/redis/worker.ts, src/evals/suite/redis/taken-unit.ts
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { afterUse } from '../support/after-use.js';
import { pause, until } from '../support/patience.js';
import { hasRedis, startRedis } from '../support/redis.js';
import { environmentIn, finished, fixture, program, type Ran, startDuoEval } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { run, suite, suiteWorkspace, timeless } from './suites-of-three.js';

/** Seconds of silence after which a worker's unit is given to another. */
const LEASE = '3';

/** The command in a space of process numbers of its own, as in a container: others cannot see whether it runs. */
const unshare = ['--pid', '--kill-child', '--fork', '--mount-proc'];
const hasSpaces = process.platform === 'linux' && spawnSync('unshare', [...unshare, 'true']).status === 0;

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

const submit = (address: string) => [
  ...['submit', 'suite.yaml', '--to', address, '--machines', '3', '--folder', 'job', '--threads', '1'],
];
const work = (address: string, ...more: string[]) => ['worker', '--queue', address, '--until-empty', ...more];
const env = { DUO_EVAL_LEASE: LEASE };

/** Keys of the units that a worker told of. */
const told = (text: string, what: RegExp) =>
  text
    .replace(/\s+/g, ' ')
    .split(/(?=Done: unit|Warning: Unit)/)
    .flatMap((line) => (what.test(line) ? (/[0-9a-f]{16}/.exec(line)?.[0] ?? []) : []));
const doneBy = ({ stderr }: Ran) => told(stderr, /^Done: unit/);

async function standing(space: Workspace): Promise<{ running: number; done: number; failed: number }> {
  const { stdout } = await succeed(space, ['submit', 'status', 'job', '--json', '--quiet']);
  return JSON.parse(stdout);
}

/** Counts units in a state, without the time that a command takes. */
function counter(address: string): (state: 'active' | 'completed') => Promise<number> {
  const client = new Redis(address);
  client.on('error', () => {}); // while it starts anew
  afterUse(() => client.disconnect());
  return async (state) => {
    let sum = 0;
    for (const name of await client.keys(`duo-eval:*:${state}`))
      sum += await (state === 'active' ? client.llen(name) : client.zcard(name));
    return sum;
  };
}

/** Some seconds of work on a quiet machine, in units that are long enough to be interrupted. */
const LONG = suite('limit: 16, draws: 10, batch: 4');

describe.skipIf(!hasRedis)('a suite on a queue of Redis', () => {
  it.skipIf(!hasSpaces)(
    'is that of one process, although a worker is killed, one is stopped past its lock, and Redis starts anew (Linux, as root)',
    async () => {
      const redis = await startRedis();
      const space = suiteWorkspace();
      space.write('suite.yaml', LONG);
      const count = counter(redis.address);
      await succeed(space, run('whole.json', '--threads', '1'), { DUO_EVAL_CACHE: space.at('whole') });
      await succeed(space, submit(redis.address), env);
      const worker = () => startDuoEval(work(redis.address), { folder: space.folder, env });
      const killed = worker();
      const killedEnd = finished(killed);
      const stopped = spawn('unshare', [...unshare, process.execPath, program, ...work(redis.address)], {
        cwd: space.folder,
        env: { ...environmentIn(space.folder), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      afterUse(() => stopped.kill('SIGKILL'));
      const stoppedEnd = finished(stopped);
      await until(async () => (await count('active')) === 2);
      killed.kill('SIGKILL');
      signalInside(stopped, 'SIGSTOP');
      const before = await count('completed');
      const third = worker();
      const thirdEnd = finished(third);
      await until(async () => (await count('completed')) > before);
      await redis.stop();
      await redis.start();
      // The third does all others, and those of the two whose locks have ended.
      const { units } = JSON.parse(space.read('job/plan.json')).plan as { units: { key: string }[] };
      await until(async () => (await count('completed')) === units.length, 200);
      signalInside(stopped, 'SIGCONT');
      const [first, second, last] = await Promise.all([killedEnd, stoppedEnd, thirdEnd]);
      expect(first.code).toBeNull();
      expect(second, second.stderr).toMatchObject({ code: 0 });
      expect(last, last.stderr).toMatchObject({ code: 0 });
      // The lost unit of the second is done by the third, and told by no one else.
      const lost = told(second.stderr, /^Warning: Unit .* is no longer this worker's/);
      expect(lost).toHaveLength(1);
      expect(doneBy(second)).not.toContain(lost[0]);
      expect(doneBy(last)).toContain(lost[0]);
      expect(last.stderr.replace(/\s+/g, ' ')).toMatch(/is gone\. Waiting until it is back\..*is back\./);
      const all = [first, second, last].flatMap(doneBy);
      expect(new Set(all).size).toBe(all.length);
      expect(await standing(space)).toMatchObject({ done: units.length, failed: 0 });
      await succeed(space, ['submit', 'wait', 'job', '--quiet']);
      expect(timeless(space, 'job/results.json')).toBe(timeless(space, 'whole.json'));
    },
  );

  it('ends its worker at a signal with status 75, and its unit is done by the next; Ctrl-C ends with 130', async () => {
    const redis = await startRedis();
    const space = suiteWorkspace();
    space.write('suite.yaml', LONG);
    const count = counter(redis.address);
    await succeed(space, submit(redis.address), env);
    // The same again adds nothing; another suite is refused while this one is under way.
    expect((await succeed(space, submit(redis.address), env)).stdout).toContain('Put 0 units');
    space.write('suite.yaml', suite('limit: 2, draws: 1'));
    expect(await space.run(submit(redis.address), env)).toMatchObject({
      code: 76,
      stderr: expect.stringContaining('are still under way'),
    });
    space.write('suite.yaml', LONG);
    for (const [signal, code] of [
      ['SIGTERM', 75],
      ['SIGINT', 130],
    ] as const) {
      const worker = startDuoEval(work(redis.address), { folder: space.folder, env });
      const end = finished(worker);
      await until(async () => (await count('active')) === 1);
      worker.kill(signal);
      expect(await end).toMatchObject({ code });
      expect(await standing(space)).toMatchObject({ running: 0, failed: 0 });
    }
    const idle = startDuoEval(['worker', '--queue', redis.address, '--json'], { folder: space.folder, env });
    const idleEnd = finished(idle);
    await succeed(space, ['submit', 'cancel', 'job']);
    const { stderr } = await space.run(['submit', 'wait', 'job']);
    expect(stderr).toContain('are not on the queue');
    idle.kill('SIGTERM');
    expect(await idleEnd).toMatchObject({ code: 75 });
  });

  it('whose unit fails names it with its sentence, and does the others', async () => {
    const redis = await startRedis();
    const space = workspace();
    const models = `models: [${fixture('markov-ar.onnx')}, {name: gone, path: model.onnx, tokenizer: ${fixture('tokenizer')}}]`;
    space.write('suite.yaml', `${models}\ndatasets: [sotu]\nppl: {protocol: strict, limit: 4, draws: 1}\n`);
    space.write('model.onnx', readFileSync(fixture('markov-mdlm.onnx')));
    space.write('model.card.json', readFileSync(fixture('markov-mdlm.card.json')));
    await succeed(space, submit(redis.address));
    space.write('model.onnx', 'no model');
    const ran = await succeed(space, work(redis.address));
    // Four units, each three times.
    expect(ran.stdout).toContain('Done: 4 units. Attempts that failed: 12.');
    const waited = await space.run(['submit', 'wait', 'job']);
    expect(waited).toMatchObject({ code: 6, stderr: expect.stringMatching(/of gone on sotu/) });
    const { stdout } = await succeed(space, ['submit', 'status', 'job']);
    expect(stdout).toMatch(/done +4\nfailed +4\n[0-9a-f]{16}, ppl of gone on sotu/);
    // Mended, and submitted again.
    space.write('model.onnx', readFileSync(fixture('markov-mdlm.onnx')));
    expect((await succeed(space, submit(redis.address))).stdout).toContain('4 that had failed again');
    await succeed(space, work(redis.address));
    await succeed(space, ['submit', 'wait', 'job']);
    expect(existsSync(space.at('job/results.html'))).toBe(true);
  });

  it('is refused in a sentence by a Redis with another password, and by one that evicts keys', async () => {
    const closed = await startRedis(['requirepass', 'open sesame']);
    const space = workspace();
    const wrong = closed.address.replace('//', '//:wrongword@');
    const refused = await space.run(work(wrong));
    expect(refused).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('refuses this user or password'),
    });
    expect(refused.stderr).not.toContain('wrongword');
    const right = { DUO_EVAL_REDIS_PASSWORD: 'open sesame' };
    await succeed(space, work(closed.address), right);
    const evicting = await startRedis(['maxmemory-policy', 'allkeys-lru']);
    const evicts = await space.run(work(evicting.address));
    expect(evicts).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('maxmemory-policy allkeys-lru'),
    });
  });

  it.skipIf(!hasOpenssl)('is done over TLS, once the certificate is trusted', async () => {
    const space = workspace();
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', ...names],
      ...['-keyout', space.at('key.pem'), '-out', space.at('ca.pem')],
    ]);
    expect(made, String(made.stderr)).toMatchObject({ status: 0 });
    const certificate: [name: string, value: string][] = [
      ['tls-cert-file', space.at('ca.pem')],
      ['tls-key-file', space.at('key.pem')],
      ['tls-ca-cert-file', space.at('ca.pem')],
    ];
    const { address } = await startRedis(...certificate, ['tls-auth-clients', 'no']);
    const trusts = { NODE_EXTRA_CA_CERTS: space.at('ca.pem') };
    const models = `models: [${fixture('markov-ar.onnx')}]`;
    space.write('suite.yaml', `${models}\ndatasets: [sotu]\nppl: {protocol: strict, limit: 4, draws: 1}\n`);
    expect(await space.run(submit(address))).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/is\s+not\s+trusted: self-signed certificate\.\s.*NODE_EXTRA_CA_CERTS/s),
    });
    await succeed(space, submit(address), trusts);
    expect((await succeed(space, work(address), trusts)).stdout).toContain('Attempts that failed: 0.');
    await succeed(space, ['submit', 'wait', 'job'], trusts);
    expect(JSON.parse(space.read('job/results.json')).results).toHaveLength(1);
    const strict = await startRedis(...certificate);
    expect(await space.run(work(strict.address), trusts)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('tls-auth-clients no'),
    });
  });

  it('has bench alone on its machine: another worker there waits', async () => {
    const redis = await startRedis();
    const space = workspace();
    space.write('suite.yaml', WITH_BENCH);
    const count = counter(redis.address);
    await succeed(space, submit(redis.address));
    const ends = [1, 2].map(() => finished(startDuoEval(work(redis.address), { folder: space.folder })));
    let isOver = false;
    const all = Promise.all(ends).finally(() => {
      isOver = true;
    });
    /** What was done of ppl whenever bench had the machine alone, and whether the other worker then had a unit. */
    const seen: { lines: number; other: boolean }[] = [];
    while (!isOver) {
      const other = (await count('active')) === 2;
      if (hasMachineAlone(space)) {
        const lines = linesOfPpl(space);
        if (hasMachineAlone(space)) seen.push({ lines, other });
      }
      await pause(20);
    }
    const ran = await all;
    for (const one of ran) expect(one, one.stderr).toMatchObject({ code: 0 });
    expect(ran.map((one) => doneBy(one).length > 0)).toEqual([true, true]);
    expect(seen.some(({ other }) => other)).toBe(true);
    expect(new Set(seen.map(({ lines }) => lines)).size).toBe(1);
    expect(linesOfPpl(space)).toBeGreaterThan(seen[0].lines);
    await succeed(space, ['submit', 'wait', 'job', '--quiet']);
    const { results } = JSON.parse(space.read('job/results.json')) as { results: { eval: string }[] };
    expect(new Set(results.map((one) => one.eval))).toEqual(new Set(['ppl', 'bench']));
  });
});

/** A model that is timed, which takes seconds, and units of ppl for whoever does not time it. */
const WITH_BENCH = `
models: [${fixture('markov-mdlm.onnx')}]
datasets: [sotu, moby-dick]
ppl: {protocol: strict, limit: 32, draws: 10, batch: 4}
bench: {judge: ${fixture('markov-ar.onnx')}, steps: [8], samples: 16, batch: 4}
`;

/** Lines of the journals of ppl, without those of the judge of bench. */
function linesOfPpl(space: Workspace): number {
  const folder = space.at('.cache/journals');
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];
  const texts = names
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .filter((text) => !text.includes('judging'));
  return texts.reduce((sum, text) => sum + (text.match(/^\{"d":/gm)?.length ?? 0), 0);
}

/** Whether somebody has the machine alone, and no longer waits for others. */
function hasMachineAlone(space: Workspace): boolean {
  const folder = space.at('.cache/machines');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.length === 1 && names[0].endsWith('.alone.lock');
}

/** Sends a signal to what runs inside of `unshare`, by its number outside. */
function signalInside({ pid }: ChildProcess, name: NodeJS.Signals): void {
  process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()), name);
}
