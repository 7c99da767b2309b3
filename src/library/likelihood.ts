/** ln p of continuations: exact for short texts, over every order of revealing their tokens. */
import type { Tokenizer } from '../datasets/tokenizer.js';
import { MOST_SUBSET_TOKENS, type PsiChoice } from '../diffusion/subsets.js';
import { UsageError } from '../errors.js';
import type { LikelihoodItem, LikelihoodPrompt, TextOrIds } from '../evals/likelihood/items.js';
import type { LongerMethod } from '../evals/likelihood/longer-items.js';
import type { LikelihoodRecord } from '../evals/likelihood/record.js';
import { unknownAtOnce } from '../evals/likelihood/subset-calls.js';
import type { ExactLikelihoodSettings } from '../evals/perplexity/exact-likelihood.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { hasBlocks, isMasked } from '../models/family.js';
import type { Observer } from '../observer.js';
import { openCheckpoint, type RuntimeSettings, runtimeOf } from './checkpoints.js';

export interface LikelihoodTask extends RuntimeSettings {
  /** A checkpoint, or what {@link openCheckpoint} takes. */
  model: string | Checkpoint;
  /** What is asked for, or the path of a file of it, one JSON object per line. */
  prompts: readonly LikelihoodPrompt[] | string;
  /** What follows continuations that name no tail of their own: `none` (the default), `eos`, `masked`, text or ids. */
  tail?: TextOrIds;
  /**
   * The likelihood that the upper bound's ψ is. By default `left-to-right`, which knows nothing of the evidence that it bounds.
   * Where it is given, items that have no exact upper bound are refused.
   */
  psi?: PsiChoice;
  /** Records include ln p of each token given each subset of the others. */
  bySubset?: boolean;
  /** Tokens up to which every order is taken into account, at most 12; by default 12. */
  subsetsUpTo?: number;
  /**
   * What continuations of more tokens get; by default they are refused. `policy`: the exact likelihood under an unmasking policy.
   * `exact-count`: the bound, from draws.
   */
  longer?:
    | ({ method: 'policy' } & Omit<ExactLikelihoodSettings, 'from'>)
    | { method: 'exact-count'; draws?: number };
  /** Seed of draws, and of orders and ties that are drawn. By default 1. */
  seed?: number;
  /** A folder or a tokenizer.json; by default the checkpoint's. Not needed where all prompts are ids. */
  tokenizer?: string;
  /** Sequences per model call; changes no figure. */
  batch?: number;
  /** Ignores what an interrupted run of the same task finished. */
  fresh?: boolean;
  /** Receives the records before they are returned. An interrupted run can be continued until this has stored them. */
  keep?(records: readonly LikelihoodRecord[]): void | Promise<void>;
}

/**
 * The likelihoods of each prompt's continuation. Items share model calls where the network is shown the same tokens. An interrupted
 * run continues when the same task is given again.
 * @returns one record per prompt, in their order
 * @throws UsageError, ModelError, DataError, NumericalError, FileError; the reason of `observer.signal` when it aborts
 */
export async function conditionalLikelihood(
  task: LikelihoodTask,
  observer: Observer = {},
): Promise<LikelihoodRecord[]> {
  const checkpoint =
    typeof task.model === 'string' ? await openCheckpoint(task.model, {}, observer) : task.model;
  const asked = await askedOf(task, checkpoint);
  checkUpperBound(asked, task);
  remark(asked, task, observer);
  const { runLikelihoods } = await import('../evals/likelihood/run.js');
  const longer = await longerOf(task);
  const { likelihoodRecord } = await import('../evals/likelihood/record.js');
  const run = await runLikelihoods(
    {
      ...{ checkpoint, items: asked.items },
      bySubset: task.bySubset,
      subsetsUpTo: subsetsUpTo(task),
      longer,
      batch: task.batch ?? null,
      fresh: task.fresh ?? false,
      ...(await runtimeOf(task)),
    },
    observer,
  );
  const context = {
    checkpoint,
    sha256: await checkpoint.sha256(),
    psi: task.psi ?? 'left-to-right',
    longer,
  } as const;
  const records = run.likelihoods.map((likelihood, i) =>
    likelihoodRecord(i, asked.items[i], likelihood, context),
  );
  try {
    await task.keep?.(records);
  } catch (error) {
    run.close();
    throw error;
  }
  run.finish();
  return records;
}

/** @throws UsageError */
function subsetsUpTo({ subsetsUpTo: most = MOST_SUBSET_TOKENS }: LikelihoodTask): number {
  if (Number.isInteger(most) && most >= 0 && most <= MOST_SUBSET_TOKENS) return most;
  throw new UsageError({
    code: 'too-many-subsets',
    message: `All subsets can be asked for up to ${MOST_SUBSET_TOKENS} tokens, not ${most}.`,
    hint: 'Longer continuations have an exact likelihood under one order, or a bound from draws.',
  });
}

/** @throws UsageError `no-upper-bound` */
function checkUpperBound({ checkpoint, items }: Asked, task: LikelihoodTask): void {
  const most = subsetsUpTo(task);
  const blockSize = hasBlocks(checkpoint) ? checkpoint.blockSize : null;
  const counts = items.map((item) => unknownAtOnce(item, blockSize));
  const index = isMasked(checkpoint.family) ? counts.findIndex((count) => count > most) : -1;
  if (task.psi === undefined || index < 0) return;
  const count = counts[index];
  throw new UsageError({
    code: 'no-upper-bound',
    message:
      count > MOST_SUBSET_TOKENS
        ? `Item ${index} has ${count} unknown tokens: from ${MOST_SUBSET_TOKENS + 1} on, the probability under every order is unknown, and an estimate from some orders is worthless as an upper bound: their probabilities differ so much that a few decide the mean.`
        : `Item ${index} has ${count} unknown tokens, and an upper bound needs all orders: --subsets-up-to ${most} leaves them out.`,
    hint: `Leave out --psi, or ask for at most ${most} tokens.`,
  });
}

const DEFAULT_DRAWS = 256;

async function longerOf({ longer, seed = 1 }: LikelihoodTask): Promise<LongerMethod | null> {
  if (longer === undefined) return null;
  if (longer.method === 'exact-count')
    return { kind: 'exact-count', draws: longer.draws ?? DEFAULT_DRAWS, seed };
  const { exactLikelihood } = await import('../evals/perplexity/exact-likelihood.js');
  const { method: _, ...settings } = longer;
  return { kind: 'policy', likelihood: exactLikelihood(settings), seed };
}

interface Asked {
  checkpoint: Checkpoint;
  items: LikelihoodItem[];
  /** EOS of the model's sequences; null where nothing names one. */
  eosTokenId: number | null;
}

async function askedOf(
  { prompts, tail = 'none', tokenizer: override }: LikelihoodTask,
  checkpoint: Checkpoint,
): Promise<Asked> {
  const { readItems } = await import('../evals/likelihood/items.js');
  const { readPrompts } = await import('../evals/likelihood/prompts-file.js');
  const { tokenizerOf } = await import('../sampling/prepare-sampling.js');
  const placed =
    typeof prompts === 'string'
      ? await readPrompts(prompts)
      : prompts.map((prompt, i) => ({ prompt, where: `Item ${i}` }));
  let loaded: Promise<Tokenizer> | null = null;
  const tokenizer = () => {
    loaded ??= tokenizerOf(checkpoint, override);
    return loaded;
  };
  const items = await readItems(placed, { checkpoint, tokenizer, tail });
  const { eosTokenId, tokenizer: named } = checkpoint.fields;
  const hasTokenizer = override !== undefined || named.value !== null;
  return {
    ...{ checkpoint, items },
    eosTokenId: eosTokenId.value ?? (hasTokenizer ? (await tokenizer()).eosTokenId : null),
  };
}

/** What a user should know of the items before trusting their likelihoods. */
function remark(
  { checkpoint: { name, family, fields }, items, eosTokenId }: Asked,
  { tail }: LikelihoodTask,
  observer: Observer,
): void {
  const trained = fields.length.value;
  const longest = items.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  if (trained !== null && longest > trained)
    observer.warn?.(
      `${name} was trained with sequences of ${trained} tokens; the longest item has ${longest}.`,
    );
  const unasked = tail === undefined && items.some((item) => item.tail === 'none');
  if (isMasked(family) && eosTokenId !== null && unasked) {
    observer.note?.(
      `Sequences end where their continuation ends. If ${name} was trained on windows that end with EOS, it expects EOS there, and the last tokens pay for it: --tail eos reveals one.`,
    );
  }
}
