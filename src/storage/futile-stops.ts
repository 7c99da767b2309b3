/**
 * Work that a scheduler stops again and again before anything new of it is finished would be started again for ever: a time limit that is
 * shorter than one call of the model is enough. So stops in a row are counted in the cache, which all who may do the work share. Anything new begins the count
 * anew, and so does giving up, since whoever starts the work again then has changed something.
 */
import { rm } from 'node:fs/promises';
import { NoProgressError, type UnfinishedError } from '../errors.js';
import type { Observer } from '../observer.js';
import { type CacheKey, cacheEntryPath, readCacheEntry, writeCacheEntry } from './cache-entry.js';
import { type CacheRoom, roomOfFiles } from './cache-inventory.js';
import { newWork } from './kept-work.js';

/** After so many futile stops in a row the work is given up. */
const MOST_FUTILE_STOPS = 5;

/** For `cache ls` and `cache clear`. */
export const stopsRoom: CacheRoom = roomOfFiles('stops', 'counts of futile stops', async (path) => {
  const count = await countAt(path);
  return count === 0 ? null : `stopped ${count} times in a row with nothing new`;
});

/** Stops of one piece of work, from when this process begins it. */
export class FutileStops {
  private readonly path: string;
  private readonly before = newWork();

  /** @param work what was asked for, such as keys of units */
  constructor(work: CacheKey) {
    this.path = cacheEntryPath('stops', work);
  }

  /** The work was stopped. @throws NoProgressError when it is given up */
  async count(reason: UnfinishedError, observer: Observer): Promise<void> {
    if (newWork() > this.before) return this.forget();
    const times = (await countAt(this.path)) + 1;
    if (times >= MOST_FUTILE_STOPS) {
      await this.forget();
      throw new NoProgressError({
        code: 'no-progress',
        message: `${reason.message.replace(/\.$/, '')}, ${times} times in a row with nothing new: it is given up.`,
        hint: 'Give it more time, or make its steps smaller, such as by a smaller batch. Started again, it has as many attempts.',
      });
    }
    await writeCacheEntry(this.path, Buffer.from(String(times)));
    observer.warn?.(
      `Nothing new was finished, ${times} of ${MOST_FUTILE_STOPS} times in a row; after ${MOST_FUTILE_STOPS} it is given up.`,
    );
  }

  /** The work is done, or has gone on. */
  async forget(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** 0 where there is none, or a damaged one. */
async function countAt(path: string): Promise<number> {
  const bytes = await readCacheEntry(path);
  return Number(bytes?.toString('latin1') ?? 0) || 0;
}
