import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../src/cli/failure.js';
import { checkThreadFits } from '../../src/models/address-space.js';
import { expectFailure } from '../end-to-end/failure.js';
import { fixture, root } from '../support/run.js';

/** Runs a program where it may reserve only so many KiB of addresses. */
const withLimit = (kibibytes: number, ...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const script = `ulimit -v ${kibibytes} && exec "$0" "$@"`;
    execFile('sh', ['-c', script, process.execPath, ...args], { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? (error ? -1 : 0)), stdout, stderr }),
    );
  });
const duoEval = (kibibytes: number, ...args: string[]) =>
  withLimit(kibibytes, join(root, 'bin', 'run.js'), ...args);
const ppl = ['ppl', '--model', fixture('ar.onnx'), '--limit', '2', '--length', '32', '--quiet'];
const bench = ['bench', '--samples', '2', '--batch', '2', '--length', '16', '--no-memory', '--quiet'];

describe.skipIf(process.platform !== 'linux')('under a limit on addresses (ulimit -v)', () => {
  it.each([900_000, 1_100_000])('of %d KiB no command begins, which is said', async (kibibytes) => {
    expectFailure(await duoEval(kibibytes, ...ppl), {
      exit: 6,
      says: /Only \d+ MB of addresses are left/,
      hint: 'ulimit -v',
    });
  });

  it.each([1_400_000, 1_700_000])('of %d KiB no model runs, which is said', async (kibibytes) => {
    expectFailure(await duoEval(kibibytes, ...ppl), {
      exit: 3,
      says: /ar: a thread of its own takes 900 MB of addresses/,
      hint: 'ulimit -v',
    });
  });

  it('of 2,000,000 KiB the second of two models is the one that does not fit', async () => {
    const models = ['ar.onnx', 'duo.onnx'].flatMap((name) => ['--model', fixture(name)]);
    expectFailure(await duoEval(2_000_000, ...bench, ...models), {
      exit: 3,
      says: /duo: a thread of its own/,
      hint: 'ulimit -v',
    });
  });

  it.each([2_300_000, 3_000_000])('of %d KiB 96 threads find no room, which is said', async (kibibytes) => {
    expectFailure(await duoEval(kibibytes, ...ppl, '--threads', '96'), {
      exit: 3,
      says: /ar: the network's 96 threads take \d+ MB of addresses/,
      hint: 'fewer --threads',
    });
  });

  it.each([4_000_000, 8_000_000, 12_000_000])('of %d KiB a small model runs', async (kibibytes) => {
    expect(await duoEval(kibibytes, ...ppl, '--json')).toMatchObject({ code: 0, stderr: '' });
  });

  it('of 500,000 KiB Node itself does not start: no program of it can say anything', async () => {
    const { code, stderr } = await withLimit(500_000, '--eval', 'console.log("begun")');
    expect(code).not.toBe(0);
    expect(stderr).toContain('Fatal process');
  });
});

it('without a limit every thread fits', () => {
  expect(() => checkThreadFits('x', 1, null)).not.toThrow();
  expect(() => checkThreadFits('x', 1, { limit: 3e9, used: 2e9 })).not.toThrow();
  expect(() => checkThreadFits('x', 1, { limit: 3e9, used: 2.2e9 })).toThrow('800 MB of 3000 are left');
});

const thrown = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};
const coded = (code: string, message: string) => Object.assign(new Error(message), { code });

describe('an error that means that there is no memory', () => {
  it.each<[string, unknown]>([
    ['of a buffer', thrown(() => new ArrayBuffer(2 ** 52))],
    [
      'of WebAssembly',
      new RangeError('WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory'),
    ],
    ['of a thread', coded('ERR_WORKER_OUT_OF_MEMORY', 'Worker terminated due to reaching memory limit')],
    ['of the system', coded('ENOMEM', 'ENOMEM: not enough memory, read')],
  ])('is none of duo-eval: %s', (_, error) => {
    expect(describeFailure(error, null)).toMatchObject({
      code: 'out-of-memory',
      exitCode: 6,
      message: expect.stringMatching(/^There is too little memory: .*\.$/),
    });
  });

  it('is not every RangeError', () => {
    expect(describeFailure(new RangeError('Invalid array length'), null)).toMatchObject({ exitCode: 1 });
  });
});
