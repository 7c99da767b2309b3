/**
 * The model calls behind exact likelihoods: for each item every proper subset of its continuation revealed, the rest masked, and the
 * answers at the masks. An autoregressive item is one call. Items that show the network the same tokens share the call: all
 * choices of one length after one context share the one in which everything is masked, so choices of one token are one call.
 *
 * Calls come in an order that the items alone decide, so that a stopped run finds its place again at any batch size.
 */
import {
  MOST_SUBSET_TOKENS,
  type OrderLikelihoods,
  properSubsets,
  type SubsetTable,
} from '../../diffusion/subsets.js';
import type { LikelihoodItem } from './items.js';
import type { TokenCall } from './token-session.js';

/** A call, and where each of its answers goes. */
export interface SubsetCall extends TokenCall {
  /** One per position. */
  places: readonly Place[];
}

interface Place {
  table: Float64Array;
  at: number;
}

/** What is asked of an item at a time: all of it, or what lies in one block of block diffusion. */
export interface Part {
  /** Place of the item among all. */
  index: number;
  /** The item, or its beginning up to the end of a block, of whose continuation the tokens of that block are unknown. */
  item: LikelihoodItem;
}

/** A part's ln p of each token given each subset: [subsets × count] as subsets.ts has it; for ar [count], left to right. */
export interface PartTable extends Part {
  table: Float64Array;
}

/** @param blockSize of block diffusion, where a block sees the tokens of earlier blocks and nothing of later ones; else null */
export function partsOf(index: number, item: LikelihoodItem, blockSize: number | null): Part[] {
  if (blockSize === null) return [{ index, item }];
  const { tokens, first, count, tail } = item;
  const parts: Part[] = [];
  for (let from = first; from < first + count; ) {
    const end = Math.min((Math.floor(from / blockSize) + 1) * blockSize, tokens.length);
    const to = Math.min(end, first + count);
    parts.push({ index, item: { tokens: tokens.subarray(0, end), first: from, count: to - from, tail } });
    from = to;
  }
  return parts;
}

/** Of the tokens of a continuation that are revealed in every order. */
export interface BlockLikelihoods extends OrderLikelihoods {
  /** Tokens of the continuation before these, and the number of these. */
  before: number;
  count: number;
  /** Where `bySubset` asks for it. */
  table?: SubsetTable;
}

/** Items whose tables are filled together, and their calls, all of one length. */
export interface Chunk {
  tables: PartTable[];
  /** Number of calls. */
  count: number;
  /** Makes each call when it is asked for: the tokens of all would take 2ⁿ times those of an item. */
  calls(): Generator<SubsetCall>;
}

/** Calls of a chunk that are planned together: as many as the longest item has. */
const CALLS_PER_CHUNK = properSubsets(MOST_SUBSET_TOKENS);

/** Unknown tokens whose subsets are asked for together: all of the continuation, or the most of a block. */
export function unknownAtOnce(item: LikelihoodItem, blockSize: number | null): number {
  return Math.max(...partsOf(0, item, blockSize).map((part) => part.item.count));
}

/** @param mask null: autoregressive */
export function* chunksOf(parts: readonly Part[], mask: number | null): Generator<Chunk> {
  const byLength = new Map<number, Part[]>();
  for (const part of parts) {
    const { length } = part.item.tokens;
    const alike = byLength.get(length);
    if (alike) alike.push(part);
    else byLength.set(length, [part]);
  }
  for (const alike of byLength.values()) {
    let chosen: Part[] = [];
    let calls = 0;
    for (const part of alike) {
      const more = mask === null ? 1 : properSubsets(part.item.count);
      if (calls > 0 && calls + more > CALLS_PER_CHUNK) {
        yield chunkOf(chosen, mask);
        [chosen, calls] = [[], 0];
      }
      chosen.push(part);
      calls += more;
    }
    yield chunkOf(chosen, mask);
  }
}

/** What a call shows of a continuation, and what it asks. */
interface SubsetQuestion {
  /** Bit j: token j is revealed. Null: autoregressive, all but the last, which is not read. */
  revealed: number | null;
  /** Tokens whose ln p is asked for. */
  asked: number[];
}

interface Shared extends Pick<SubsetCall, 'label'> {
  item: LikelihoodItem;
  question: SubsetQuestion;
  positions: number[];
  targets: number[];
  places: Place[];
}

function chunkOf(parts: readonly Part[], mask: number | null): Chunk {
  const tables = parts.map((part) => {
    const { count } = part.item;
    return { ...part, table: new Float64Array(mask === null ? count : 2 ** count * count) };
  });
  const shared = new Map<string, Shared>();
  const surroundings = new Map<string, number>();
  for (const { index, item, table } of tables) {
    const { tokens, first, count } = item;
    const around = placeIn(surroundings, surroundingsOf(item));
    for (const question of questionsOf(item, mask)) {
      const { revealed, asked } = question;
      const key = `${around} ${shownOf(item, question).join(' ')}`;
      const call: Shared = shared.get(key) ?? {
        ...{ item, question, label: `item ${index}` },
        ...{ positions: [], targets: [], places: [] },
      };
      shared.set(key, call);
      for (const i of asked) {
        // An autoregressive network predicts a token at the position before.
        call.positions.push(first + i - (revealed === null ? 1 : 0));
        call.targets.push(tokens[first + i]);
        call.places.push({ table, at: (revealed ?? 0) * count + i });
      }
    }
  }
  return {
    tables,
    count: shared.size,
    *calls() {
      for (const { item, question, ...call } of shared.values())
        yield { ...shownTokens(item, question, mask), x: item.tokens, ...call };
    },
  };
}

function* questionsOf({ count }: LikelihoodItem, mask: number | null): Generator<SubsetQuestion> {
  const all = Array.from({ length: count }, (_, i) => i);
  if (mask === null) yield { revealed: null, asked: all };
  else
    for (let revealed = 0; revealed < properSubsets(count); revealed++)
      yield { revealed, asked: all.filter((i) => !isIn(revealed, i)) };
}

const isIn = (revealed: number, i: number): boolean => (revealed & (1 << i)) !== 0;

/** Tokens of the continuation that a call shows; `_` for the others. */
function shownOf({ tokens, first, count }: LikelihoodItem, { revealed }: SubsetQuestion): (number | '_')[] {
  const isShown = (i: number) => (revealed === null ? i < count - 1 : isIn(revealed, i));
  return Array.from({ length: count }, (_, i) => (isShown(i) ? tokens[first + i] : '_'));
}

/** Context and tail: items that differ in them share no call. */
function surroundingsOf({ tokens, first, count }: LikelihoodItem): string {
  return `${tokens.subarray(0, first).join(' ')} | ${tokens.subarray(first + count).join(' ')}`;
}

function placeIn(known: Map<string, number>, text: string): number {
  const place = known.get(text) ?? known.size;
  known.set(text, place);
  return place;
}

/** What the network reads, and how many of it are masks. */
function shownTokens(
  item: LikelihoodItem,
  { revealed, asked }: SubsetQuestion,
  mask: number | null,
): Pick<SubsetCall, 'tokens' | 'left'> {
  if (mask === null || revealed === null) return { tokens: item.tokens.subarray(0, -1), left: 0 };
  const tokens = item.tokens.slice();
  for (const i of asked) tokens[item.first + i] = mask;
  return { tokens, left: asked.length + masksIn(item, mask) };
}

/** Masks of the tail, which are never revealed. */
export function masksIn({ tokens, tail }: LikelihoodItem, mask: number): number {
  return tail === 'masked' ? tokens.reduce((count, token) => count + Number(token === mask), 0) : 0;
}
