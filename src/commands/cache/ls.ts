import { alignedColumns } from '../../cli/aligned-columns.js';
import { BaseCommand } from '../../cli/base-command.js';
import {
  ageInWords,
  amountInWords,
  bytesInWords,
  CACHE_PART_NAMES,
  cacheParts,
  type ListedPart,
  listParts,
} from '../../cli/cache-parts.js';
import type { CacheItem } from '../../storage/cache-inventory.js';

export default class CacheLs extends BaseCommand<typeof CacheLs> {
  static override summary = 'List what the cache holds.';
  static override description =
    `Shows what is kept between runs, with size and age. The parts are ${CACHE_PART_NAMES.join(', ')}. All of it ` +
    'can be made or fetched again; a journal holds the work of a run that was stopped. DUO_EVAL_CACHE names the folder.';
  static override examples = ['<%= config.bin %> cache ls', '<%= config.bin %> cache ls --json'];

  async run(): Promise<void> {
    const { cacheFolder } = await import('../../storage/folders.js');
    const folder = cacheFolder();
    const parts = await listParts(await cacheParts(), folder);
    const items = parts.flatMap((part) => part.items);
    const total = { entries: items.length, bytes: bytesOf(items) };
    if (this.options.json) {
      const listed = parts.map((part) => ({
        room: part.name,
        purpose: part.purpose,
        entries: part.items.length,
        bytes: bytesOf(part.items),
        items: part.items.map(({ file, what, bytes, modified, inUse }) => ({
          file,
          what,
          bytes,
          modified: new Date(modified).toISOString(),
          inUse,
        })),
      }));
      this.printJson({ schemaVersion: 1, folder, rooms: listed, total });
      return;
    }
    const rows = parts.flatMap(rowsOf);
    const lines = rows.length > 0 ? [alignedColumns([['part', 'size', 'age', 'what'], ...rows]), ''] : [];
    this.print([...lines, `${amountInWords(items)}, in ${folder}`].join('\n'));
  }
}

/** One row per entry; entries of the same description share one. */
function rowsOf({ name, items }: ListedPart): string[][] {
  const alike = new Map<string, CacheItem[]>();
  for (const item of items) {
    const what = item.what + (item.inUse ? ' (in use)' : '');
    alike.set(what, [...(alike.get(what) ?? []), item]);
  }
  return [...alike].map(([what, entries]) => [
    name,
    bytesInWords(bytesOf(entries)),
    ageInWords(Date.now() - entries[0].modified),
    entries.length === 1 ? what : `${what}, ${entries.length} times`,
  ]);
}

const bytesOf = (items: readonly CacheItem[]): number => items.reduce((sum, { bytes }) => sum + bytes, 0);
