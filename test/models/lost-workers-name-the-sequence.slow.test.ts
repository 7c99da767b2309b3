import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { type ModelSession, startSession } from '../../src/models/session.js';
import { temporaryFolder } from '../support/folder.js';
import { patient } from '../support/patience.js';
import { loopGraph, times } from './loop-graph.js';

const sessionFile = fileURLToPath(new URL('../../dist/models/session.js', import.meta.url));
const start = () => startSession({ graph: loopGraph(), folder: '', threads: 1, label: 'loop' });
/** The thread behind a session, to do to it what a crash would. */
const workerOf = (session: ModelSession) => (session as unknown as { worker: Worker }).worker;

/** Runs a script that has `session` with a call of several seconds under way. @returns its exit */
function runScript(body: string): {
  status: number | null;
  signal: string | null;
  stderr: string;
  stdout: string;
} {
  const folder = temporaryFolder().root;
  writeFileSync(join(folder, 'loop.onnx'), loopGraph());
  const script = `
    import { readFileSync } from 'node:fs';
    import { startSession } from ${JSON.stringify(sessionFile)};
    const graph = readFileSync(${JSON.stringify(join(folder, 'loop.onnx'))});
    const session = await startSession({ graph, folder: '', threads: 1, label: 'loop' });
    const run = (options) => session.run({ count: { type: 'int64', data: BigInt64Array.of(8_000_000n), dims: [] } }, options);
    ${body}`;
  const { status, signal, stderr, stdout } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  );
  return { status, signal, stderr, stdout };
}

describe('a worker that dies', () => {
  it('fails the calls that wait and those that follow, naming the sequence under way', async () => {
    const session = await start();
    workerOf(session).postMessage({ kind: 'close' }); // it ends behind the session's back
    const [first, second] = await Promise.all(
      [12, 13].map((i) => session.run(times(1), { label: `sequence ${i}` }).catch((error) => error)),
    );
    expect(first).toMatchObject({ code: 'model-worker-died', exitCode: 3 });
    expect(first.message).toContain('sequence 12');
    expect(second.message).toContain('sequence 12');
    await expect(session.run(times(1), { label: 'sequence 14' })).rejects.toBe(first);
    await session.close();
  });

  it('while idle is found by the next call', async () => {
    const session = await start();
    await workerOf(session).terminate();
    await expect(session.run(times(1), { label: 'sequence 0' })).rejects.toMatchObject({
      code: 'model-worker-died',
    });
  });
});

describe('a closed session', () => {
  it('lets the calls under way end and refuses later ones', async () => {
    const session = await start();
    const [first, second] = [1, 2].map((i) => session.run(times(100_000), { label: `sequence ${i}` }));
    const closed = session.close();
    await expect(session.run(times(1), { label: 'sequence 3' })).rejects.toMatchObject({
      code: 'session-closed',
    });
    expect((await first).y.data[0]).toBe(100_000);
    expect((await second).y.data[0]).toBe(100_000);
    await closed;
    await session.close();
  });
});

describe('a call that hangs', () => {
  it('is an error after its time, and the process ends with the status that was due', () => {
    const { status, stdout, stderr } = runScript(`
      const calls = [12, 13].map((i) => run({ label: 'sequence ' + i, timeoutMs: 300 }));
      for (const call of calls) await call.catch(({ code, message }) => console.log(code, message));
      await session.close();
      process.exitCode = 3;`);
    expect(stdout).toMatch(/^model-hung loop, sequence 12: .*0\.3 s\.\nmodel-hung loop, sequence 12/);
    expect(stderr).toBe('');
    expect(status).toBe(3);
  });

  it('is named though calls asked for with it had ended, and not yet been answered', () => {
    const { stdout } = runScript(`
      const short = { count: { type: 'int64', data: BigInt64Array.of(1n), dims: [] } };
      const calls = [11, 12].map((i) => session.run(short, { label: 'sequence ' + i, timeoutMs: ${patient(300)} }));
      calls.push(run({ label: 'sequence 13', timeoutMs: ${patient(300)} }));
      for (const call of calls) await call.catch(({ code, message }) => console.log(code, message));`);
    expect(stdout).toMatch(/^(model-hung loop, sequence 13: .*\n)+$/);
  });

  it('counts from when the call begins, not from when it is asked for', async () => {
    const session = await start();
    const long = session.run(times(2_000_000), { label: 'long' });
    const short = session.run(times(1), { label: 'short', timeoutMs: patient(500) });
    expect((await short).y.data[0]).toBe(1);
    await long;
    await session.close();
  });
});

describe('a process that is told to end while the runtime computes', () => {
  it('ends at once with the status it was given, not by an abort', () => {
    const { status, signal } = runScript(`
      run({ label: 'sequence 0' }).catch(() => {});
      setTimeout(() => process.exit(130), 100);`);
    expect({ status, signal }).toEqual({ status: 130, signal: null });
  });

  it('still shows an error that nobody caught', () => {
    const { status, stderr } = runScript(`
      run({ label: 'sequence 0' }).catch(() => {});
      setTimeout(() => { throw new Error('nobody caught this'); }, 100);`);
    expect(stderr).toContain('nobody caught this');
    expect(status).toBe(1);
  });

  it('is not kept alive by a session that is idle', () => {
    const script = `import { startSession } from ${JSON.stringify(sessionFile)};
      const graph = Uint8Array.from(${JSON.stringify([...loopGraph()])});
      await startSession({ graph, folder: '', threads: 1, label: 'idle' });`;
    expect(() => execFileSync(process.execPath, ['--input-type=module', '--eval', script])).not.toThrow();
  });
});
