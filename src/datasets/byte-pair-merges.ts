/**
 * Byte-pair encoding, learned: which pairs of tokens become one, in order. Sennrich et al. 2016 (1508.07909), over bytes as GPT-2
 * does, with the order of Hugging Face's trainer: the most frequent pair first, of equal ones that of the smaller ids.
 *
 * A word is counted once with the number of times it was seen, so the work grows with the number of different words. Only words
 * that hold a pair are looked at when it merges; counts that have fallen since are found out when they come up.
 */
import { BinaryHeap } from './binary-heap.js';

/** A pair of token ids, and the id of what they become is 256 plus its place. */
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
  /** When it was put on the heap. */
  count: number;
}

const BYTES = 256;
const PAUSE_MS = 50;
/** Ids are below this, so that a pair is one exact number. */
const PAIR = 2 ** 24;

/**
 * @param words word → times seen; words as one character a byte (latin1)
 * @param wanted merges; fewer are learned where no pair is seen often enough
 * @param leastCount how often a pair must be seen to merge
 * @param pause every 50 ms or so, e.g. to hear signals; what it throws ends the work
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

  /** Every occurrence, from the left, of the pair replaced by `id`; pairs that it leaves alone are not counted anew. */
  const mergeIn = (word: Word, left: number, right: number, id: number) => {
    const { ids } = word;
    const result: number[] = [];
    let touched = false; // whether the last of `ids` that was passed went into a merge
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
