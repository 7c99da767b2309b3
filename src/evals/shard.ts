/** A part of some work, for arrays of jobs: part i of n takes every n-th cell of a suite or item of a task, from the i-th on. */
import { UsageError } from '../errors.js';

export interface Shard {
  /** From 1. */
  part: number;
  of: number;
}

/** @throws UsageError unless it is i/n with 1 ≤ i ≤ n */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text.trim());
  if (match) return checkedShard({ part: Number(match[1]), of: Number(match[2]) });
  throw invalid(`--shard takes i/n, part i of n, not "${text}".`);
}

/** @throws UsageError unless 1 ≤ part ≤ of */
export function checkedShard({ part, of }: Shard): Shard {
  if (Number.isSafeInteger(part) && Number.isSafeInteger(of) && part >= 1 && part <= of) return { part, of };
  throw invalid(`There is no shard ${part}/${of}.`);
}

export function isInShard(index: number, shard: Shard | null): boolean {
  return shard === null || index % shard.of === shard.part - 1;
}

const invalid = (message: string): UsageError =>
  new UsageError({
    code: 'invalid-shard',
    message,
    hint: 'For example: --shard 1/3, --shard 2/3 and --shard 3/3 together are the whole.',
  });
