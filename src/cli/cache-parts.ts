/** The parts of the cache, each described by the module that fills it. */

import type { CacheItem, CacheRoom } from '../storage/cache-inventory.js';
import { digestsRoom } from '../storage/digest.js';

export interface ListedPart {
  name: string;
  purpose: string;
  items: CacheItem[];
}

/** By name; each module is loaded on demand. */
const PARTS = {
  packed: async () => (await import('../datasets/cached-data.js')).packedRoom,
  datasets: async () => (await import('../datasets/cached-data.js')).fetchedRoom,
  models: async () => (await import('../models/importers/hub-cache.js')).modelsRoom,
  journals: async () => (await import('../evals/perplexity/cached-journals.js')).journalsRoom,
  cells: async () => (await import('../evals/suite/kept-cells.js')).cellsRoom,
  plans: async () => (await import('../evals/suite/redis/kept-plan.js')).plansRoom,
  stops: async () => (await import('../storage/futile-stops.js')).stopsRoom,
  sha256: async () => digestsRoom,
} satisfies Record<string, () => Promise<CacheRoom>>;

export const CACHE_PART_NAMES: readonly string[] = Object.keys(PARTS);

export async function cacheParts(): Promise<CacheRoom[]> {
  return Promise.all(Object.values(PARTS).map((load) => load()));
}

/** Contents of each part, oldest entry first. @throws FileError */
export async function listParts(parts: readonly CacheRoom[], cache: string): Promise<ListedPart[]> {
  return Promise.all(
    parts.map(async ({ name, purpose, items }) => ({
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
