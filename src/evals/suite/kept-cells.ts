/** Results of cells that suites keep, for `cache ls` and `cache clear`. */

import { readCacheEntry } from '../../storage/cache-entry.js';
import { type CacheRoom, roomOfFiles } from '../../storage/cache-inventory.js';
import type { Result } from '../registry.js';

export const cellsRoom: CacheRoom = roomOfFiles('cells', 'results of suites', described);

/** @returns null for a file that is damaged */
async function described(path: string): Promise<string | null> {
  const bytes = await readCacheEntry(path);
  if (!bytes) return null;
  const results = [JSON.parse(bytes.toString('utf8')) as Result | Result[]].flat();
  const own = results.filter((result) => result.model !== null);
  // `own` leaves out null
  const models = [...new Set(own.map((result) => result.model!.name))].join(', ');
  const [first] = own;
  if (!first) return null;
  const { name, seed } = first.protocol;
  const on = first.eval === 'ppl' ? ` on ${first.dataset.name}` : `, ${first.eval}`;
  return `${models}${on}, protocol ${name}${seed === null ? '' : `, seed ${seed}`}`;
}
