import { alignedColumns } from '../../cli/aligned-columns.js';
import { BaseCommand } from '../../cli/base-command.js';
import {
  ageInWords,
  amountInWords,
  bytesInWords,
  CACHE_ROOM_NAMES,
  cacheRooms,
  type ListedRoom,
  listRooms,
} from '../../cli/cache-rooms.js';
import type { CacheItem } from '../../storage/cache-inventory.js';

export default class CacheLs extends BaseCommand<typeof CacheLs> {
  static override summary = 'List what the cache holds.';
  static override description =
    `What is kept between runs (rooms: ${CACHE_ROOM_NAMES.join(', ')}), with size and age. All of it ` +
    'can be made again, or fetched; a journal holds the work of a run that was stopped. DUO_EVAL_CACHE names the folder.';
  static override examples = ['<%= config.bin %> cache ls', '<%= config.bin %> cache ls --json'];

  async run(): Promise<void> {
    const { cacheFolder } = await import('../../storage/folders.js');
    const folder = cacheFolder();
    const rooms = await listRooms(await cacheRooms(), folder);
    const items = rooms.flatMap((room) => room.items);
    const total = { entries: items.length, bytes: bytesOf(items) };
    if (this.options.json) {
      const listed = rooms.map((room) => ({
        room: room.name,
        purpose: room.purpose,
        entries: room.items.length,
        bytes: bytesOf(room.items),
        items: room.items.map(({ file, what, bytes, modified, inUse }) => ({
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
    const rows = rooms.flatMap(rowsOf);
    const lines = rows.length > 0 ? [alignedColumns([['room', 'size', 'age', 'what'], ...rows]), ''] : [];
    this.print([...lines, `${amountInWords(items)}, in ${folder}`].join('\n'));
  }
}

/** A row an entry; entries that nothing tells apart share one. */
function rowsOf({ name, items }: ListedRoom): string[][] {
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
