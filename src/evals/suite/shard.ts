/** A part of a suite, for arrays of jobs: part i of n takes every n-th cell, from the i-th on. */
import { UsageError } from '../../errors.js';

export interface Shard {
  /** From 1. */
  part: number;
  of: number;
}

/** @throws UsageError unless it is i/n with 1 ≤ i ≤ n */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text.trim());
  const [part, of] = [Number(match?.[1]), Number(match?.[2])];
  if (part >= 1 && part <= of && Number.isSafeInteger(of)) return { part, of };
  throw new UsageError({
    code: 'invalid-shard',
    message: `--shard takes i/n, part i of n, not "${text}".`,
    hint: 'For example: --shard 1/3, --shard 2/3 and --shard 3/3 together are the whole.',
  });
}

export function isInShard(index: number, shard: Shard | null): boolean {
  return shard === null || index % shard.of === shard.part - 1;
}
