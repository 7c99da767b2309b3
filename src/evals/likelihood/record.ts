/**
 * One line of what `duo-eval likelihood` prints: an item and its likelihoods. Every line says by itself which model it is of and how
 * it came about. Likelihoods are ln p, in nats; unknown is null.
 */
import {
  type PsiChoice,
  properSubsets,
  type RevealOrder,
  type SubsetTable,
  upperBound,
} from '../../diffusion/subsets.js';
import type { UnmaskingOrder } from '../../diffusion/unmasking.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import type { Family } from '../../models/family.js';
import type { ExactLikelihood } from '../perplexity/exact-likelihood.js';
import type { LikelihoodItem } from './items.js';
import type { LongerMethod } from './longer-items.js';
import type { ItemLikelihood } from './run.js';
import type { BlockLikelihoods } from './subset-calls.js';

const LIKELIHOODS_VERSION = 1;

export interface LikelihoodRecord {
  schemaVersion: typeof LIKELIHOODS_VERSION;
  eval: 'likelihood';
  /** From 0, in the order of the prompts. */
  item: number;
  model: { name: string; family: Family; sha256: string };
  /**
   * subsets: every order of revealing the tokens. chain-rule: autoregressive, left to right. policy: the order of an unmasking
   * policy. exact-count: the bound, from draws.
   */
  method: ItemLikelihood['method'];
  /** Tokens before the continuation, BOS included. */
  contextTokens: number;
  /** Token ids of the continuation. */
  tokens: number[];
  /** What follows: nothing, one EOS, masks to the model's length, or given tokens. */
  tail: LikelihoodItem['tail'];
  /** ln p of the continuation, the tokens being revealed one by one in a uniformly random order; for ar, left to right. */
  evidence: number | null;
  /** Mean of ln p over the orders, at most the evidence: what a NELBO estimates. For ar it is the evidence. */
  bound: number | null;
  /** Of the bound, over draws; 0 where nothing is drawn. */
  boundStderr: number | null;
  /** The orders with the largest and the smallest ln p: indices of the continuation's tokens, from 0. Method subsets alone. */
  best: RevealOrder | null;
  worst: RevealOrder | null;
  /** ln p in the order of the text. */
  leftToRight: number | null;
  /** ln ψ + p/ψ − 1, at least the evidence; `psi` says which likelihood ψ is. Method subsets alone. Its value is null where it
   *  is no finite number. */
  upperBound: { psi: PsiChoice; value: number | null } | null;
  /** Over the orders: standard deviation of ln p, nats, and that of p divided by its mean. Method subsets alone. */
  sdOfLog: number | null;
  relativeSd: number | null;
  /** Method policy alone: the policy, and ln p under it: the likelihood of the sampler that follows it at temperature 1. */
  policy: PolicyRecord | null;
  /** Model calls that the item needs alone. */
  modelCalls: number;
  /** By bit mask, bit j for token j revealed: ln p of each token given these, null where revealed. Only where it was asked for.
   *  A continuation in several blocks of block diffusion has one such table per block. */
  bySubset?: SubsetTable;
  bySubsetOfBlocks?: SubsetTable[];
}

export interface PolicyRecord extends RevealOrder, Omit<ExactLikelihood, 'order' | 'from'> {
  name: UnmaskingOrder;
  /** Of orders and ties that are drawn. */
  seed: number;
}

/** What all records of a run share. */
export interface RecordContext {
  checkpoint: Pick<Checkpoint, 'name' | 'family'>;
  sha256: string;
  psi: PsiChoice;
  longer: LongerMethod | null;
}

type Figures = Omit<
  LikelihoodRecord,
  'schemaVersion' | 'eval' | 'item' | 'model' | 'method' | 'contextTokens' | 'tokens' | 'tail'
>;

const UNKNOWN = {
  ...{ evidence: null, bound: null, boundStderr: null, best: null, worst: null, leftToRight: null },
  ...{ upperBound: null, sdOfLog: null, relativeSd: null, policy: null },
} as const satisfies Partial<Figures>;

export function likelihoodRecord(
  index: number,
  { tokens, first, count, tail }: LikelihoodItem,
  likelihood: ItemLikelihood,
  context: RecordContext,
): LikelihoodRecord {
  const { name, family } = context.checkpoint;
  return {
    ...{ schemaVersion: LIKELIHOODS_VERSION, eval: 'likelihood', item: index },
    model: { name, family, sha256: context.sha256 },
    method: likelihood.method,
    contextTokens: first,
    tokens: Array.from(tokens.subarray(first, first + count)),
    tail,
    ...figuresOf(likelihood, context),
  };
}

function figuresOf(likelihood: ItemLikelihood, { psi, longer }: RecordContext): Figures {
  switch (likelihood.method) {
    case 'subsets': {
      const { method: _, blocks, ...figures } = likelihood;
      const upper = blocks.reduce((sum, block) => sum + upperBound(block, psi), 0);
      return {
        ...UNKNOWN,
        ...{ ...figures, boundStderr: 0 },
        upperBound: { psi, value: Number.isFinite(upper) ? upper : null },
        modelCalls: blocks.reduce((sum, block) => sum + properSubsets(block.count), 0),
        ...bySubsetOf(blocks),
      };
    }
    case 'chain-rule': {
      const { evidence, bound, leftToRight } = likelihood;
      return { ...UNKNOWN, evidence, bound, boundStderr: 0, leftToRight, modelCalls: 1 };
    }
    case 'exact-count': {
      const { value, stderr, draws } = likelihood.bound;
      return { ...UNKNOWN, bound: value, boundStderr: stderr, modelCalls: draws };
    }
    case 'policy': {
      const { value, order, calls } = likelihood;
      const policy = longer?.kind === 'policy' ? policyRecord(longer, { value, order }) : null;
      const isLeftToRight = policy?.name === 'left-to-right' && policy.tokensPerCall === 1;
      return { ...UNKNOWN, policy, leftToRight: isLeftToRight ? value : null, modelCalls: calls };
    }
  }
}

function bySubsetOf(
  blocks: readonly BlockLikelihoods[],
): Pick<LikelihoodRecord, 'bySubset' | 'bySubsetOfBlocks'> {
  const tables = blocks.flatMap(({ table }) => (table ? [table] : []));
  if (tables.length === 0) return {};
  return tables.length === 1 ? { bySubset: tables[0] } : { bySubsetOfBlocks: tables };
}

function policyRecord(
  { likelihood: { order: name, from: _, ...settings }, seed }: Extract<LongerMethod, { kind: 'policy' }>,
  found: RevealOrder,
): PolicyRecord {
  return { name, ...settings, seed, ...found };
}
