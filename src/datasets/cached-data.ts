/** What data sets keep in the cache, for `cache ls` and `cache clear`: packed streams and fetched data sets. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CacheItem,
  type CacheRoom,
  namesIn,
  roomOfFiles,
  sizeAndTime,
  unfinishedWrites,
} from '../storage/cache-inventory.js';
import { isLocked } from '../storage/lock.js';
import { FETCHED_ROOM, recordIn } from './fetched-datasets.js';
import { HUB_LOCATIONS } from './hub/locations.js';
import { PackedFileReader } from './packed-file.js';

export const packedRoom: CacheRoom = roomOfFiles('packed', 'packed streams', (path) => {
  const described = PackedFileReader.describe(path);
  if (!described) return null;
  const { name, sequences, length, sha256 } = described;
  return `${name ?? 'a data set'}: ${sequences} sequences of ${length} tokens, ${sha256.slice(0, 12)}`;
});

/** A fetched data set is one entry: its files, its record, and the remains of unfinished transfers. */
export const fetchedRoom: CacheRoom = {
  name: FETCHED_ROOM,
  purpose: 'data sets fetched from the hub',
  async items(cache) {
    const found: CacheItem[] = await unfinishedWrites(FETCHED_ROOM, cache);
    const present = await namesIn(join(cache, FETCHED_ROOM));
    for (const name of Object.keys(HUB_LOCATIONS)) {
      if (!present.includes(name) && !present.includes(`${name}.lock`)) continue;
      const folder = join(cache, FETCHED_ROOM, name);
      const ours = (await namesIn(folder)).filter((file) =>
        /^(record\.json|[0-9a-f]{64}\.[a-z]+)$/.test(file),
      );
      // The record goes first: files without one are not used.
      const paths = ours
        .sort((a, b) => (a === 'record.json' ? -1 : b === 'record.json' ? 1 : 0))
        .map((file) => join(folder, file));
      const facts = await sizeAndTime(paths.length > 0 ? paths : [`${folder}.lock`]);
      found.push(...(await unfinishedWrites(FETCHED_ROOM, cache, `${FETCHED_ROOM}/${name}`)));
      if (!facts) continue;
      found.push({
        room: FETCHED_ROOM,
        file: `${FETCHED_ROOM}/${name}`,
        what: await describe(name, folder),
        ...facts,
        inUse: isLocked(folder),
        paths,
        folder,
        lock: folder,
      });
    }
    return found;
  },
};

async function describe(name: string, folder: string): Promise<string> {
  const record = recordIn(await readFile(join(folder, 'record.json'), 'utf8').catch(() => ''));
  return record ? `${name}: ${record.repo} at ${record.revision.slice(0, 12)}` : `${name}: unfinished`;
}
