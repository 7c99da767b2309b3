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
import type { Checkpoint } from '../../models/checkpoint.js';
import type { LikelihoodItem } from './items.js';
import type { ItemLikelihood } from './run.js';

export const LIKELIHOODS_VERSION = 1;

export interface LikelihoodRecord {
  schemaVersion: typeof LIKELIHOODS_VERSION;
  eval: 'likelihood';
  /** From 0, in the order of the prompts. */
  item: number;
  model: { name: string; family: string; sha256: string };
  /** subsets: every order of revealing the tokens. chain-rule: autoregressive, left to right. */
  method: 'subsets' | 'chain-rule';
  /** Tokens before the continuation, BOS included. */
  contextTokens: number;
  /** Token ids of the continuation. */
  tokens: number[];
  /** What follows: nothing, one EOS, masks to the model's length, or given tokens. */
  tail: LikelihoodItem['tail'];
  /** ln p of the continuation, the tokens being revealed one by one in a uniformly random order; for ar, left to right. */
  evidence: number;
  /** Mean of ln p over the orders, at most the evidence: what a NELBO estimates. For ar it is the evidence. */
  bound: number;
  /** The orders with the largest and the smallest ln p: indices of the continuation's tokens, from 0. Null for ar. */
  best: RevealOrder | null;
  worst: RevealOrder | null;
  /** ln p in the order of the text. */
  leftToRight: number;
  /** ln ψ + p/ψ − 1, at least the evidence; `psi` says which likelihood ψ is. Null for ar, where nothing is bounded.
   *  Its value is null where it is no finite number. */
  upperBound: { psi: PsiChoice; value: number | null } | null;
  /** Over the orders: standard deviation of ln p, nats, and that of p divided by its mean. Null for ar. */
  sdOfLog: number | null;
  relativeSd: number | null;
  /** Model calls that the item needs alone. */
  modelCalls: number;
  /** By bit mask, bit j for token j revealed: ln p of each token given these, null where revealed. Only where it was asked for. */
  bySubset?: SubsetTable;
}

/** What all records of a run share. */
export interface RecordContext {
  checkpoint: Pick<Checkpoint, 'name' | 'family'>;
  sha256: string;
  psi: PsiChoice;
}

export function likelihoodRecord(
  index: number,
  item: LikelihoodItem,
  likelihood: ItemLikelihood,
  { checkpoint: { name, family }, sha256, psi }: RecordContext,
): LikelihoodRecord {
  const { tokens, first, count, tail } = item;
  const { evidence, bound, leftToRight, method } = likelihood;
  const common = {
    schemaVersion: LIKELIHOODS_VERSION,
    eval: 'likelihood',
    item: index,
    model: { name, family, sha256 },
    method,
    contextTokens: first,
    tokens: Array.from(tokens.subarray(first, first + count)),
    tail,
    ...{ evidence, bound },
  } as const;
  if (likelihood.method === 'chain-rule') {
    const none = { best: null, worst: null, leftToRight, upperBound: null, sdOfLog: null, relativeSd: null };
    return { ...common, ...none, modelCalls: 1 };
  }
  const { best, worst, sdOfLog, relativeSd, table } = likelihood;
  const upper = upperBound(likelihood, psi);
  return {
    ...common,
    ...{ best, worst, leftToRight },
    upperBound: { psi, value: Number.isFinite(upper) ? upper : null },
    ...{ sdOfLog, relativeSd },
    modelCalls: properSubsets(count),
    ...(table && { bySubset: table }),
  };
}
