import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSafetensors } from '../../../src/models/importers/safetensors.js';
import { root } from '../../support/run.js';
import { folder } from './published.js';

/** Time of the processor, in s, and the error it ended with. */
function costOf(work: () => unknown): { seconds: number; error: unknown } {
  const before = process.cpuUsage();
  let error: unknown = null;
  try {
    work();
  } catch (cause) {
    error = cause;
  }
  const { user, system } = process.cpuUsage(before);
  return { seconds: (user + system) / 1e6, error };
}

function safetensors(header: string): string {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  const path = join(folder, 'repeated.safetensors');
  writeFileSync(path, Buffer.concat([size, Buffer.from(header)]));
  return path;
}

/** Many names, the last of them twice: the most that there is to look through. */
const names = Array.from({ length: 200_000 }, (_, i) => `"${i.toString(36)}":0`);
/** The check costs about as much as to parse the names; looking at each pair of them, hundreds of times as much. */
const most = 20 * costOf(() => JSON.parse(`{${names.join(',')}}`)).seconds;
const repeated = `{${names.join(',')},${names.at(-1)}}`;

it('a header of two hundred thousand names, of which one stands twice, is refused at once', () => {
  const path = safetensors(repeated);
  const { seconds, error } = costOf(() => readSafetensors(path));
  expect(error).toMatchObject({
    code: 'broken-safetensors',
    message: expect.stringMatching(/its header names "4abj" twice/),
  });
  expect(seconds).toBeLessThan(most);
});

const shared = join(root, '..', 'shared', 'cases', 'weights', 'repeated-keys', 'model.safetensors');
it.skipIf(!existsSync(shared))('so is the one that was found (needs ../shared/cases)', () => {
  const { seconds, error } = costOf(() => readSafetensors(shared));
  expect(error).toMatchObject({ message: expect.stringMatching(/names "\w+" twice/) });
  expect(seconds).toBeLessThan(most);
});
