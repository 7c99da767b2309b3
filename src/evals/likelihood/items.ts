/**
 * What a likelihood is asked for: a continuation, unknown, between a context and a tail that are known. Texts become token ids
 * here, and are checked against the model before it runs.
 */
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { DataError, ModelError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { isDiffusion, isMasked, usesMask } from '../../models/family.js';
import { tabledPositions } from '../../models/positions.js';

/** Text, or token ids, which are taken as they are. */
export type TextOrIds = string | readonly number[];

/**
 * What follows the continuation.
 *
 * none    nothing: the sequence ends there, all that a server can answer without knowing what follows
 * eos     one end-of-sequence token, revealed: networks trained on windows BOS … EOS expect it at the last position
 * masked  masks to the end of the model's length, which are never revealed
 *
 * Or a text or ids, revealed.
 */
const TAIL_KINDS = ['none', 'eos', 'masked'] as const;
export type TailKind = (typeof TAIL_KINDS)[number];

/** An item as a user writes it. */
export interface LikelihoodPrompt {
  /** As text, BOS stands before it if the model's sequences have one. By default BOS alone before a text, nothing before ids. */
  context?: TextOrIds;
  continuation: TextOrIds;
  /** By default that of the run. */
  tail?: TextOrIds;
}

/** An item as the network reads it. */
export interface LikelihoodItem {
  /** The whole sequence, [length]; masks in the tail alone. */
  tokens: Int32Array;
  /** Position of the continuation's first token, and its number of tokens. */
  first: number;
  count: number;
  /** In words: `none`, `eos`, `masked` or `given`. */
  tail: TailKind | 'given';
  /** Tokens of the context that were cut from its beginning, since the item is longer than the model; absent: none. */
  cut?: number;
}

export interface Reading {
  checkpoint: Checkpoint;
  /** Called where there is text. */
  tokenizer: () => Promise<Tokenizer>;
  /** Of items that name none. */
  tail: TextOrIds;
  /** Whether BOS stands before every context that is text, or only before an empty one. By default the former. */
  bos?: BosRule;
  /**
   * What becomes of items that are longer than the sequences that the model was trained with: cut from the left, as
   * lm-evaluation-harness does, or refused. By default only those are refused that the network cannot read.
   */
  tooLong?: TooLong;
}

export type BosRule = 'always' | 'when-empty';
export type TooLong = 'truncate' | 'refuse';

/** A prompt and what names it in errors: `prompts.jsonl, line 3`. */
export interface PlacedPrompt {
  prompt: LikelihoodPrompt;
  where: string;
}

/** @throws DataError for an item that cannot be scored, ModelError for one that the model cannot read */
export async function readItems(
  prompts: readonly PlacedPrompt[],
  reading: Reading,
): Promise<LikelihoodItem[]> {
  const most = mostRead(reading.checkpoint);
  const items: LikelihoodItem[] = [];
  for (const { prompt, where } of prompts) {
    const item = await readItem(prompt, reading, where, most);
    checkLength(item, reading.checkpoint, most, where);
    items.push(item);
  }
  return items;
}

async function readItem(
  { context, continuation, tail: ownTail }: LikelihoodPrompt,
  { checkpoint, tokenizer, tail: usual, bos: rule, tooLong }: Reading,
  where: string,
  most: number,
): Promise<LikelihoodItem> {
  const ofText = async (text: TextOrIds): Promise<readonly number[]> =>
    typeof text === 'string' ? (await tokenizer()).encode(text) : text;
  const bos = async (text: string) => {
    const { bosTokenId } = await tokenizer();
    return bosTokenId === null || (rule === 'when-empty' && text !== '') ? [] : [bosTokenId];
  };
  let before: readonly number[];
  let unknown: readonly number[];
  if (typeof continuation === 'string' && (context === undefined || typeof context === 'string')) {
    const parts = encodeParts(await tokenizer(), context ?? '', continuation);
    before = [...(await bos(context ?? '')), ...parts.context];
    unknown = parts.continuation;
  } else {
    const given = context ?? [];
    before = typeof given === 'string' ? [...(await bos(given)), ...(await ofText(given))] : given;
    unknown = await ofText(continuation);
  }
  const isCausal = !isDiffusion(checkpoint.family);
  const tail = ownTail ?? usual;
  const kind = TAIL_KINDS.find((one) => one === tail) ?? 'given';
  let cut = 0;
  if (tooLong !== undefined) {
    const room =
      longestItem(checkpoint, most) - unknown.length - (isCausal ? 0 : await tailLength(kind, tail, ofText));
    cut = Math.max(0, before.length - room);
    if (cut > 0) before = shortened(before, cut, { checkpoint, tooLong, where, count: unknown.length });
  }
  const known = before.length + unknown.length;
  const after =
    kind === 'none'
      ? []
      : kind === 'eos'
        ? [await eosOf(checkpoint, tokenizer)]
        : kind === 'masked'
          ? masksAfter(checkpoint, known, where)
          : await ofText(tail);
  // Only a given tail, and what stands before it, is text: masks to the end are no tokens of a user.
  checkTokens([...before, ...unknown, ...(kind === 'masked' ? [] : after)], checkpoint, where);
  if (unknown.length === 0) throw unscorable(where, 'its continuation has no tokens');
  if (isCausal && before.length === 0)
    throw unscorable(where, `${checkpoint.name} needs a token before the first one that it scores`);
  // An autoregressive model cannot see what follows.
  const seen = isCausal ? [] : after;
  return {
    tokens: Int32Array.from([...before, ...unknown, ...seen]),
    ...{ first: before.length, count: unknown.length },
    tail: isCausal ? 'none' : kind,
    ...(cut > 0 && { cut }),
  };
}

/** Tokens that the network reads at most. */
function mostRead({ signature, graph }: Checkpoint): number {
  return signature.fixedLength ?? tabledPositions(graph()) ?? Number.POSITIVE_INFINITY;
}

/** Tokens of the longest item that is neither cut nor refused: as long as the network reads and as it was trained with. */
export function longestItem(checkpoint: Checkpoint, most = mostRead(checkpoint)): number {
  const { family, fields } = checkpoint;
  // The last token of an autoregressive model is scored and not read.
  return Math.min(isDiffusion(family) ? most : most + 1, fields.length.value ?? Number.POSITIVE_INFINITY);
}

const tailLength = async (
  kind: TailKind | 'given',
  tail: TextOrIds,
  ofText: (text: TextOrIds) => Promise<readonly number[]>,
): Promise<number> => (kind === 'eos' ? 1 : kind === 'given' ? (await ofText(tail)).length : 0);

/** @throws DataError where it may not be cut, or nothing would be left before the continuation */
function shortened(
  before: readonly number[],
  cut: number,
  about: { checkpoint: Checkpoint; tooLong: TooLong; where: string; count: number },
): readonly number[] {
  const { checkpoint, tooLong, where, count } = about;
  const whole = before.length + count;
  const over = `it has ${whole} tokens, ${cut} more than a sequence of ${checkpoint.name} takes`;
  if (tooLong === 'refuse') throw unscorable(where, `${over}; it can be cut from the left`);
  const left = before.length - cut;
  if (left < 0 || (left === 0 && !isDiffusion(checkpoint.family)))
    throw unscorable(where, `${over}, and its continuation alone has ${count}`);
  return before.slice(cut);
}

/**
 * A word begins with its space, so the two are encoded as one text and cut where the context ends, spaces at its end belonging
 * to the continuation (lm-evaluation-harness, `_encode_pair`). Where a token reaches over the cut, they are encoded apart.
 */
function encodeParts(
  tokenizer: Tokenizer,
  context: string,
  continuation: string,
): { context: number[]; continuation: number[] } {
  const kept = context.trimEnd();
  const rest = context.slice(kept.length) + continuation;
  const ids = tokenizer.encode(kept);
  const whole = tokenizer.encode(kept + rest);
  const isPrefix = ids.every((id, i) => whole[i] === id);
  return { context: ids, continuation: isPrefix ? whole.slice(ids.length) : tokenizer.encode(rest) };
}

async function eosOf(checkpoint: Checkpoint, tokenizer: () => Promise<Tokenizer>): Promise<number> {
  const id = checkpoint.fields.eosTokenId.value ?? (await tokenizer()).eosTokenId;
  if (id !== null) return id;
  throw new ModelError({
    code: 'no-eos',
    message: `Nothing says which token ends a sequence of ${checkpoint.name}.`,
    hint: 'Give --eos-token-id, "eosTokenId" in its card, or another tail.',
  });
}

/** Masks from the end of the continuation to the model's length. */
function masksAfter(
  { name, family, maskTokenId, fields, signature }: Checkpoint,
  known: number,
  where: string,
) {
  const length = signature.fixedLength ?? fields.length.value;
  if (!isMasked(family) || maskTokenId === null) return [];
  if (length === null) {
    throw new ModelError({
      code: 'no-length',
      message: `Nothing says how long sequences of ${name} are, so "masked" cannot reach their end.`,
      hint: 'Give "length" in its card, or another tail.',
    });
  }
  if (known > length)
    throw unscorable(where, `it has ${known} tokens before its tail; sequences of ${name} have ${length}`);
  return Array<number>(length - known).fill(maskTokenId);
}

/** @throws DataError for a token outside the model's vocabulary, or its mask */
function checkTokens(
  tokens: readonly number[],
  { name, family, vocabSize, maskTokenId }: Checkpoint,
  where: string,
): void {
  const mask = usesMask(family) ? maskTokenId : null;
  const bad = tokens.find((token) => token >= vocabSize || token === mask);
  if (bad === undefined) return;
  throw new DataError({
    code: 'given-token-not-in-model',
    message:
      bad === mask
        ? `${where}: it holds the token ${bad}, which is the mask of ${name}.`
        : `${where}: it holds the token ${bad}; those of ${name} are 0 to ${vocabSize - 1}.`,
    hint: 'Check that the tokenizer is the one the model was trained with.',
  });
}

/** @throws DataError for a sequence that the graph cannot read */
function checkLength(
  { tokens }: LikelihoodItem,
  { name, family, signature: { fixedLength: fixed } }: Checkpoint,
  most: number,
  where: string,
): void {
  const isCausal = !isDiffusion(family);
  // The last token of an autoregressive model is scored and not read.
  const read = isCausal ? tokens.length - 1 : tokens.length;
  if (read > most) throw unscorable(where, `${name} reads ${most} tokens, and these are ${read}`);
  if (fixed === null || isCausal || read === fixed) return;
  throw unscorable(
    where,
    `the graph of ${name} takes exactly ${fixed} tokens, and these are ${read}; the tail "masked" fills it up`,
  );
}

function unscorable(where: string, why: string): DataError {
  return new DataError({
    code: 'prompt-not-scorable',
    message: `${where}: ${why}.`,
    hint: 'docs/likelihood.md says what an item holds.',
  });
}
