/** The rooms of the cache, each described by the part of the program that fills it. */

import type { CacheItem, CacheRoom } from '../storage/cache-inventory.js';
import { digestsRoom } from '../storage/digest.js';

export interface ListedRoom {
  name: string;
  purpose: string;
  items: CacheItem[];
}

/** By name, each loaded when it is looked into. */
const ROOMS = {
  packed: async () => (await import('../datasets/cached-data.js')).packedRoom,
  datasets: async () => (await import('../datasets/cached-data.js')).fetchedRoom,
  models: async () => (await import('../models/importers/cached-models.js')).modelsRoom,
  journals: async () => (await import('../evals/perplexity/cached-journals.js')).journalsRoom,
  cells: async () => (await import('../evals/suite/kept-cells.js')).cellsRoom,
  sha256: async () => digestsRoom,
} satisfies Record<string, () => Promise<CacheRoom>>;

export const CACHE_ROOM_NAMES: readonly string[] = Object.keys(ROOMS);

export async function cacheRooms(): Promise<CacheRoom[]> {
  return Promise.all(Object.values(ROOMS).map((load) => load()));
}

/** What is in them, rooms in their order, entries from the oldest on. @throws FileError */
export async function listRooms(rooms: readonly CacheRoom[], cache: string): Promise<ListedRoom[]> {
  return Promise.all(
    rooms.map(async ({ name, purpose, items }) => ({
      name,
      purpose,
      items: (await items(cache)).sort((a, b) => a.modified - b.modified),
    })),
  );
}

/** `3 entries, 1.2 MB`. */
export function amountInWords(items: readonly CacheItem[]): string {
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  return `${items.length} ${items.length === 1 ? 'entry' : 'entries'}, ${bytesInWords(bytes)}`;
}

/** `1.2 MB`. */
export function bytesInWords(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(value < 9.95 ? 1 : 0)} ${units[power]}`;
}

/** `5 min`, `3 h`, `12 d`: how long ago. */
export function ageInWords(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${Math.floor(minutes / 1440)} d`;
}
