/**
 * The model calls behind the log-probabilities of a text, left to right. An autoregressive model answers for all tokens in one call. A masked
 * one is called once for each token, the later ones masked, so that the sum from any token on is ln p of the rest given what is
 * before it.
 */
import type { TailKind } from '../evals/likelihood/items.js';
import type { TokenCall } from '../evals/likelihood/token-session.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { blockSizeOf, hasMaskToken } from '../models/family.js';

/** Lengths of a causal model's calls are rounded up to these, so that requests of unlike lengths share batches. */
const LENGTH_STEP = 16;

/** Names the calls whose answers are about the token after a position, and those about what follows the text. */
export const CAUSAL = 'a text';
export const NEXT = 'the token after a text';

interface ScoredModel {
  checkpoint: Checkpoint;
  /** What stands behind a text that is scored. */
  tail: TailKind;
  /** There is one where the tail is that. */
  eosTokenId: number | null;
  /** Most tokens of a text; null where nothing says. */
  length: number | null;
}

interface LengthJob {
  /** Tokens of each call. */
  length: number;
  calls: Iterable<TokenCall>;
}

/**
 * @param read what the network reads   @param first position that is asked about, and all after it
 * @param next whether the token after the text is asked about, too
 */
export function chainRuleJobs(
  model: ScoredModel,
  read: Int32Array,
  first: number,
  next: boolean,
): LengthJob[] {
  const { checkpoint, length: most } = model;
  if (!hasMaskToken(checkpoint)) return [causalCall(model, read, first, next)];
  const mask = checkpoint.maskTokenId;
  const { fixedLength } = checkpoint.signature;
  const jobs: LengthJob[] = [];
  if (read.length > first) {
    const x = Int32Array.of(...read, ...tailAfter(model, read.length, mask));
    const blockSize = blockSizeOf(checkpoint) ?? x.length;
    jobs.push({ length: x.length, calls: chainCalls(x, { first, end: read.length, mask, blockSize }) });
  }
  if (next) {
    // A text that leaves no room for a further token gives up its oldest one.
    const room = Math.min(read.length, (most ?? Number.POSITIVE_INFINITY) - 1);
    const length = fixedLength ?? room + 1;
    const tokens = new Int32Array(length).fill(mask);
    tokens.set(read.subarray(read.length - room));
    const left = length - room;
    jobs.push({ length, calls: [{ tokens, x: tokens, positions: [room], targets: [0], left, label: NEXT }] });
  }
  return jobs;
}

function tailAfter(
  { tail, checkpoint, length, eosTokenId }: ScoredModel,
  read: number,
  mask: number,
): number[] {
  if (tail === 'eos' && eosTokenId !== null) return [eosTokenId];
  const end = tail === 'masked' ? (checkpoint.signature.fixedLength ?? length ?? read) : read;
  return Array<number>(end - read).fill(mask);
}

/** An autoregressive network predicts a token at the position before; padding behind the text changes nothing. */
function causalCall(
  { checkpoint, length: most }: ScoredModel,
  read: Int32Array,
  first: number,
  next: boolean,
): LengthJob {
  const { fixedLength } = checkpoint.signature;
  const last = read.length - Number(!next);
  const rounded = Math.ceil(last / LENGTH_STEP) * LENGTH_STEP;
  const length = fixedLength ?? Math.max(last, Math.min(rounded, most ?? rounded));
  const tokens = new Int32Array(length);
  tokens.set(read.subarray(0, last));
  const positions = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first - 1 + i);
  const targets = positions.map((position) => read[position + 1] ?? 0);
  if (positions.length === 0) return { length, calls: [] };
  return { length, calls: [{ tokens, x: tokens, positions, targets, left: 0, label: CAUSAL }] };
}

interface Chain {
  /** Positions from `first` up to `end` are asked about. */
  first: number;
  end: number;
  mask: number;
  blockSize: number;
}

/**
 * One call per position of a block: in each block the tokens from there on are masked, up to the tail. A model without blocks has one,
 * and the chain rule takes as many calls as there are tokens.
 */
function* chainCalls(x: Int32Array, { first, end, mask, blockSize }: Chain): Generator<TokenCall> {
  const starts = Array.from({ length: Math.ceil(end / blockSize) }, (_, block) => block * blockSize);
  for (let step = 0; step < blockSize; step++) {
    const positions = starts.map((start) => start + step).filter((at) => at >= first && at < end);
    if (positions.length === 0) continue;
    const tokens = x.slice();
    for (const start of starts) {
      const [from, to] = [Math.max(first, start + step), Math.min(end, start + blockSize)];
      if (from < to) tokens.fill(mask, from, to);
    }
    const left = tokens.reduce((count, token) => count + Number(token === mask), 0);
    const targets = positions.map((position) => x[position]);
    yield { tokens, x, positions, targets, left, label: `position ${positions[0]}` };
  }
}
