/**
 * Learns a byte-pair encoding: the ordered list of token pairs to merge. Sennrich et al. 2016 (1508.07909), over bytes as in
 * GPT-2, in the order of Hugging Face's trainer: the most frequent pair first, and among equals the one of smaller ids.
 *
 * Each distinct word is processed once, weighted by its count, so the work grows with the number of distinct words. A merge
 * visits only the words that hold the pair. The heap may hold outdated counts; they are corrected when they are popped.
 */
import { BinaryHeap } from '../binary-heap.js';

/** A pair of token ids; the merged token's id is 256 plus the pair's position. */
export type Merge = readonly [left: number, right: number];

export interface LearnedMerges {
  merges: Merge[];
  /** How often the last pair was seen when it merged. */
  leastCount: number;
}

interface Word {
  ids: number[];
  count: number;
}

interface Candidate {
  left: number;
  right: number;
  /** The count when it was put on the heap. */
  count: number;
}

const BYTES = 256;
const PAUSE_MS = 50;
/** Ids are below this, so one number represents a pair exactly. */
const PAIR = 2 ** 24;

/**
 * @param words word → count; words have one character per byte (latin1)
 * @param wanted number of merges; fewer are learned when no pair is frequent enough
 * @param leastCount how often a pair must occur to be merged
 * @param pause called about every 50 ms, e.g. to receive signals; an error it throws ends the work
 */
export async function learnMerges(
  words: ReadonlyMap<string, number>,
  wanted: number,
  leastCount = 2,
  pause: () => Promise<void> = async () => {},
): Promise<LearnedMerges> {
  const corpus = Array.from(words, ([word, count]) => ({
    ids: Array.from(word, (character) => character.charCodeAt(0)),
    count,
  }));
  const counts = new Map<number, number>();
  const places = new Map<number, Set<Word>>();
  const changed = new Set<number>();
  const tally = (word: Word, first: number, second: number, sign: 1 | -1) => {
    const pair = first * PAIR + second;
    counts.set(pair, (counts.get(pair) ?? 0) + sign * word.count);
    if (sign < 0) return;
    changed.add(pair);
    const holders = places.get(pair);
    if (holders) holders.add(word);
    else places.set(pair, new Set([word]));
  };
  for (const word of corpus)
    for (let i = 1; i < word.ids.length; i++) tally(word, word.ids[i - 1], word.ids[i], 1);

  /** Replaces every occurrence of the pair by `id`, from the left. Pairs that do not change are not counted again. */
  const mergeIn = (word: Word, left: number, right: number, id: number) => {
    const { ids } = word;
    const result: number[] = [];
    let touched = false; // whether the previous id was part of a merge
    for (let i = 0; i < ids.length; i++) {
      const merges = ids[i] === left && ids[i + 1] === right;
      if (i > 0 && (merges || touched)) tally(word, ids[i - 1], ids[i], -1);
      const made = merges ? id : ids[i];
      if (result.length > 0 && (merges || touched)) tally(word, result[result.length - 1], made, 1);
      if (merges) {
        tally(word, left, right, -1);
        i++;
      }
      result.push(made);
      touched = merges;
    }
    word.ids = result;
  };

  const heap = new BinaryHeap<Candidate>(comesFirst);
  const offerChanged = () => {
    for (const pair of changed) {
      const left = Math.floor(pair / PAIR);
      // Every changed pair was counted.
      heap.push({ left, right: pair - left * PAIR, count: counts.get(pair)! });
    }
    changed.clear();
  };
  offerChanged();

  const merges: Merge[] = [];
  let last = 0;
  let paused = performance.now();
  while (merges.length < wanted) {
    const best = heap.pop();
    if (!best) break;
    const { left, right, count } = best;
    const pair = left * PAIR + right;
    const now = counts.get(pair) ?? 0;
    if (now !== count) {
      if (now > 0 && now < count) heap.push({ left, right, count: now });
      continue;
    }
    if (count < leastCount) break;
    const id = BYTES + merges.length;
    merges.push([left, right]);
    last = count;
    const holders = places.get(pair)!; // a pair that is counted has places
    places.delete(pair);
    for (const word of holders) {
      mergeIn(word, left, right, id);
      if (performance.now() - paused < PAUSE_MS) continue;
      await pause();
      paused = performance.now();
    }
    counts.delete(pair);
    changed.delete(pair);
    offerChanged();
  }
  return { merges, leastCount: last };
}

function comesFirst(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}
