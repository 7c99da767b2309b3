/**
 * `--prompt` and `--infill` as given tokens. A prompt is at the beginning; an infill has gaps, which the model fills: `<gap>`
 * for all tokens that are left (several share them evenly), `<gap 12>` for twelve. Spaces before a gap belong to the gap,
 * since a word begins with its space.
 *
 * If the model's sequences begin with BOS and end with EOS, these are given too: BOS before a prompt or an infill, EOS after an
 * infill, whose text is complete.
 */
import type { Tokenizer } from '../datasets/tokenizer.js';
import { UsageError } from '../errors.js';
import type { GivenTokens } from './generation-plan.js';

const GAP = /<gap(?: +(\d+))?>/g;

/** @throws UsageError for a prompt longer than the length */
export function promptTokens(text: string, tokenizer: Tokenizer, length: number): GivenTokens {
  return placeParts([withBos(tokenizer, tokenizer.encode(text))], [], length, '--prompt');
}

/** @throws UsageError without a gap, or if the text leaves no room for one */
export function infillTokens(text: string, tokenizer: Tokenizer, length: number): GivenTokens {
  const { parts, gaps } = partsAndGaps(text, tokenizer);
  if (gaps.length === 0) {
    throw new UsageError({
      code: 'infill-without-gap',
      message: '--infill has no gap to fill.',
      hint: 'Write <gap> where the model should write, or <gap 12> for twelve tokens; use --prompt to continue a text.',
    });
  }
  const left = length - total(parts.map((part) => part.length)) - total(gaps.map((size) => size ?? 0));
  return placeParts(parts, sizeGaps(gaps, left), length, '--infill');
}

/** Tokens of an infill, if each of its gaps has a size; null: as many as there is room for. */
export function infillLength(text: string, tokenizer: Tokenizer): number | null {
  const { parts, gaps } = partsAndGaps(text, tokenizer);
  if (gaps.includes(null)) return null;
  return total(parts.map((part) => part.length)) + total(gaps.map((size) => size ?? 0));
}

/** What stands between the gaps, with BOS and EOS, and the sizes of the gaps; null: none is said. */
function partsAndGaps(text: string, tokenizer: Tokenizer): { parts: number[][]; gaps: (number | null)[] } {
  const gaps = [...text.matchAll(GAP)].map(([, size]) => (size === undefined ? null : Number(size)));
  const texts = text.split(/ *<gap(?: +\d+)?>/);
  const parts = texts.map((part) => (part === '' ? [] : tokenizer.encode(part)));
  parts[0] = withBos(tokenizer, parts[0]);
  if (tokenizer.eosTokenId !== null) parts[parts.length - 1].push(tokenizer.eosTokenId);
  return { parts, gaps };
}

/** Gaps without a size share what is left; the first ones get one token more if it does not divide evenly. */
function sizeGaps(gaps: readonly (number | null)[], left: number): number[] {
  const open = gaps.filter((size) => size === null).length;
  let nth = 0;
  return gaps.map((size) => size ?? Math.max(0, Math.floor(left / open)) + Number(nth++ < left % open));
}

function placeParts(
  parts: readonly (readonly number[])[],
  gaps: readonly number[],
  length: number,
  flag: string,
): GivenTokens {
  const given = total(parts.map((part) => part.length));
  const needed = given + total(gaps);
  if (needed > length || given === length) {
    throw new UsageError({
      code: 'prompt-too-long',
      message: `${flag} takes ${needed} tokens of the ${length} of a sample${needed > length ? '' : ', which leaves none to write'}.`,
      hint: 'Shorten it, or give a larger --length.',
    });
  }
  const tokens = new Int32Array(length);
  const fixed = new Uint8Array(length);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    tokens.set(part, at);
    fixed.fill(1, at, at + part.length);
    at += part.length + (gaps[i] ?? 0);
  }
  return { tokens, fixed };
}

function withBos({ bosTokenId }: Tokenizer, ids: readonly number[]): number[] {
  return bosTokenId === null ? [...ids] : [bosTokenId, ...ids];
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
