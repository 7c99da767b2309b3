/** Results of cells that suites keep, for `cache ls` and `cache clear`. */
import { readCacheEntry } from '../../storage/cache-entry.js';
import { type CacheRoom, roomOfFiles } from '../../storage/cache-inventory.js';

export const cellsRoom: CacheRoom = roomOfFiles('cells', 'results of suites', described);

/** @returns null for a file that is damaged */
async function described(path: string): Promise<string | null> {
  const bytes = await readCacheEntry(path);
  if (!bytes) return null;
  const { model, dataset, protocol } = JSON.parse(bytes.toString('utf8')) as {
    model: { name: string };
    dataset: { name: string };
    protocol: { name: string; seed: number | null };
  };
  const seed = protocol.seed === null ? '' : `, seed ${protocol.seed}`;
  return `${model.name} on ${dataset.name}, protocol ${protocol.name}${seed}`;
}
