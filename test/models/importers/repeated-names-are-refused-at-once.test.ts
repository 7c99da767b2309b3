import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSafetensors } from '../../../src/models/importers/safetensors.js';
import { root } from '../../support/run.js';
import { folder } from './published.js';

/** Alone on a machine it takes half a second, and looking at each pair of names a quarter of a minute. */
const SOON = 3;

/** Of the processor, in s, and what was said. */
function refusalOf(path: string): { seconds: number; error: unknown } {
  const before = process.cpuUsage();
  let error: unknown;
  try {
    readSafetensors(path);
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
const repeated = `{${names.join(',')},${names.at(-1)}}`;

it('a header of two hundred thousand names, of which one stands twice, is refused at once', () => {
  const { seconds, error } = refusalOf(safetensors(repeated));
  expect(error).toMatchObject({
    code: 'broken-safetensors',
    message: expect.stringMatching(/its header names "4abj" twice/),
  });
  expect(seconds).toBeLessThan(SOON);
});

const shared = join(root, '..', 'shared', 'cases', 'weights', 'repeated-keys', 'model.safetensors');
it.skipIf(!existsSync(shared))('so is the one that was found (needs ../shared/cases)', () => {
  const { seconds, error } = refusalOf(shared);
  expect(error).toMatchObject({ message: expect.stringMatching(/names "\w+" twice/) });
  expect(seconds).toBeLessThan(SOON);
});
