import { createInterface } from 'node:readline/promises';
import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';
import {
  amountInWords,
  bytesInWords,
  CACHE_PART_NAMES,
  cacheParts,
  listParts,
} from '../../cli/cache-parts.js';
import { boolean, string } from '../../cli/flags.js';
import { closest, UsageError } from '../../errors.js';
import type { CacheItem, Removal } from '../../storage/cache-inventory.js';

export default class CacheClear extends BaseCommand<typeof CacheClear> {
  static override summary = 'Remove what the cache holds.';
  static override description =
    `Removes all parts of the cache, or those named: ${CACHE_PART_NAMES.join(', ')}. What a running process holds is kept, and so is ` +
    'everything that duo-eval did not put there. Without journals, stopped runs start again; without datasets, fetched ' +
    'data sets and their recorded hashes are gone.';
  static override examples = [
    '<%= config.bin %> cache clear packed --yes',
    '<%= config.bin %> cache clear --older-than 30d --yes',
  ];

  static override args = {
    parts: argument({ multiple: true, description: 'Parts of the cache; all when none is given.' }),
  };

  static override flags = {
    'older-than': string({
      summary: 'Only what was last written longer ago than this: 90m, 12h, 30d, 8w.',
      helpValue: '<age>',
    }),
    yes: boolean({ summary: 'Do not ask.' }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const known = await cacheParts();
    const parts = this.args.parts?.length ? this.args.parts.map((name) => partNamed(name, known)) : known;
    const before = flags['older-than'] === undefined ? Infinity : Date.now() - ageOf(flags['older-than']);
    const { cacheFolder } = await import('../../storage/folders.js');
    const { removeItem } = await import('../../storage/cache-inventory.js');
    const listed = await listParts([...new Set(parts)], cacheFolder());
    const items = listed.flatMap((part) => part.items).filter(({ modified }) => modified < before);
    if (items.length > 0 && !flags.yes) await this.ask(items);
    const removals: Removal[] = [];
    for (const item of items) {
      this.interrupt.throwIfAborted();
      removals.push(await removeItem(item));
    }
    this.report(removals);
  }

  /** @throws UsageError when nobody is there to ask, or the answer is no */
  private async ask(items: readonly CacheItem[]): Promise<void> {
    const what = amountInWords(items);
    if (this.options.json || !process.stdin.isTTY || !process.stderr.isTTY) {
      throw new UsageError({
        code: 'not-confirmed',
        message: `Nothing was removed: ${what} would be.`,
        hint: 'Give --yes to remove them.',
      });
    }
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await lines.question(`Remove ${what}? [y/N] `, { signal: this.interrupt });
    lines.close();
    if (/^y(es)?$/i.test(answer.trim())) return;
    throw new UsageError({
      code: 'not-confirmed',
      message: 'Nothing was removed.',
      hint: 'Answer y to remove.',
    });
  }

  private report(removals: readonly Removal[]): void {
    const removed = removals.filter(({ state }) => state === 'removed').map(({ item }) => item);
    const kept = removals.filter(({ state }) => state !== 'removed');
    const failure = removals.find(({ state }) => state === 'failed')?.failure;
    if (!this.options.json) {
      this.print(`Freed ${bytesInWords(bytesOf(removed))}: ${countsOf(removed)}.`);
    } else if (!failure) {
      this.printJson({
        schemaVersion: 1,
        removed: removed.map(({ room, file, bytes }) => ({ room, file, bytes })),
        kept: kept.map(({ item: { room, file }, state }) => ({ room, file, reason: state })),
        freedBytes: bytesOf(removed),
      });
    }
    for (const { item, state } of kept) {
      if (state === 'in-use') this.note(`Kept ${item.room}: ${item.what}: a running process holds it.`);
    }
    if (failure) throw failure;
  }
}

function partNamed<Part extends { name: string }>(name: string, known: readonly Part[]): Part {
  const part = known.find((each) => each.name === name);
  if (part) return part;
  const names = known.map((each) => each.name);
  const near = closest(name, names);
  throw new UsageError({
    code: 'unknown-room',
    message: `The cache has no part "${name}".`,
    hint: `${near ? `Did you mean ${near}? ` : ''}Its parts: ${names.join(', ')}.`,
  });
}

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** In ms. */
function ageOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text.trim()) ?? [];
  if (unit !== undefined) return Number(count) * UNITS[unit];
  throw new UsageError({
    code: 'invalid-flag-value',
    message: `--older-than takes a number with m, h, d or w (minutes, hours, days, weeks), not "${text}".`,
    hint: 'For example: --older-than 30d',
  });
}

function countsOf(items: readonly CacheItem[]): string {
  const counts = new Map<string, number>();
  for (const { room } of items) counts.set(room, (counts.get(room) ?? 0) + 1);
  if (counts.size === 0) return 'there was nothing to remove';
  return [...counts].map(([room, count]) => `${count} of ${room}`).join(', ');
}

const bytesOf = (items: readonly CacheItem[]): number => items.reduce((sum, { bytes }) => sum + bytes, 0);
