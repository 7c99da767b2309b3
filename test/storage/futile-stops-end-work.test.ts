import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { UnfinishedError } from '../../src/errors.js';
import { FutileStops, stopsRoom } from '../../src/storage/futile-stops.js';
import { noteNewWork } from '../../src/storage/kept-work.js';
import { temporaryFolder } from '../support/folder.js';

const reason = new UnfinishedError({
  code: 'unfinished',
  message: 'Stopped by SIGTERM before it was finished.',
});

/** A run of units 1 and 2 that is stopped. @returns what it says, or the exit status with which it ends in place of 75 */
async function stopped({ isNew = false } = {}): Promise<string | number | null> {
  const stops = new FutileStops(['1', '2']);
  if (isNew) noteNewWork();
  let said: string | null = null;
  try {
    await stops.count(reason, { warn: (text) => (said = text) });
    return said;
  } catch (error) {
    return (error as UnfinishedError).exitCode;
  }
}

describe('stops before anything new was finished', () => {
  let cache: string;
  beforeEach(() => {
    cache = temporaryFolder().root;
    process.env.DUO_EVAL_CACHE = cache;
  });
  const listed = async () => (await stopsRoom.items(cache)).map(({ what }) => what);

  it('give the work up at the fifth in a row, and then it has as many attempts again', async () => {
    for (let round = 0; round < 2; round++) {
      for (const times of [1, 2, 3, 4])
        expect(await stopped()).toBe(
          `Nothing new was finished, ${times} of 5 times in a row; after 5 it is given up.`,
        );
      expect(await listed()).toEqual(['stopped 4 times in a row with nothing new']);
      expect(await stopped()).toBe(77);
      expect(await listed()).toEqual([]);
    }
  });

  it('are counted anew after something new, and after the end of the work', async () => {
    for (let i = 0; i < 4; i++) await stopped();
    expect(await stopped({ isNew: true })).toBeNull();
    expect(await stopped()).toContain('1 of 5');
    await new FutileStops(['1', '2']).forget();
    expect(await stopped()).toContain('1 of 5');
  });

  it('are those of one piece of work: what was new before it began is not of it', async () => {
    noteNewWork();
    expect(await stopped()).toContain('1 of 5');
    await new FutileStops(['3']).count(reason, {});
    expect(await listed()).toHaveLength(2);
    expect(await stopped()).toContain('2 of 5');
    expect(readdirSync(join(cache, 'stops'))).toHaveLength(2);
  });
});
