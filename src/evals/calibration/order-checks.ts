/**
 * Likelihoods over orders of revealing tokens, on exact models: all of them equal −ln p of the text, whatever the order. Each unmasking
 * policy with one token per call; and of a few tokens all orders at once: the evidence, the bound below and the bound above.
 */
import { packedTokens } from '../../datasets/packed-tokens.js';
import { type OrderLikelihoods, upperBound } from '../../diffusion/subsets.js';
import { UNMASKING_ORDERS } from '../../diffusion/unmasking.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { negativeLogProbabilities } from '../../models/sources/markov.js';
import { sum } from '../../statistics/numbers.js';
import { runLikelihoods } from '../likelihood/run.js';
import { exactLikelihood } from '../perplexity/exact-likelihood.js';
import { PolicySession } from '../perplexity/policy-session.js';
import { zeroShotPerplexity } from '../perplexity/zero-shot-perplexity.js';
import { type CalibrationCheck, judge } from './record.js';
import { type CalibrationSource, drawText } from './sources.js';

/** A policy makes one call per token; every order errs alike, so little text tells. */
const SEQUENCES = 16;
/** Tokens given, and tokens whose orders are all asked for: 63 calls. */
const GIVEN = 2;
const UNKNOWN = 6;

export interface OrderRequest {
  /** Tokens per sequence. */
  length: number;
  seed: number;
  threads?: number;
}

/** @param checkpoint the exact model of the source, of a masked family */
export async function orderChecks(
  checkpoint: Checkpoint,
  source: CalibrationSource,
  request: OrderRequest,
  signal?: AbortSignal,
): Promise<CalibrationCheck[]> {
  const texts = drawText(source, { ...request, sequences: SEQUENCES });
  const found = [
    ...(await underPolicies(checkpoint, source, texts, request, signal)),
    ...(await overAllOrders(checkpoint, source, texts, request, signal)),
  ];
  return found.map(({ estimator, tokens, nats, estimate }) => {
    const measured = { closedForm: nats / tokens, estimate: estimate / tokens, stderr: 0 };
    return {
      ...{ source: source.name, description: source.description, family: checkpoint.family },
      ...{ schedule: null, estimator, protocol: null, sequences: SEQUENCES, tokens, draws: null },
      ...{ whole: measured.closedForm, ...measured },
      ...judge({ ...measured, exact: true, notCounted: null }),
    };
  });
}

/** Nats of some tokens, −ln p of the source and as it was found. */
interface Found {
  estimator: string;
  tokens: number;
  nats: number;
  estimate: number;
}

async function underPolicies(
  checkpoint: Checkpoint,
  { name, chain }: CalibrationSource,
  texts: readonly Int32Array[],
  { seed, threads }: OrderRequest,
  signal?: AbortSignal,
): Promise<Found[]> {
  const stream = packedTokens(name, texts);
  const nats = sum(texts.map((x) => sum(negativeLogProbabilities(chain, x))));
  const found: Found[] = [];
  for (const policy of UNMASKING_ORDERS) {
    const likelihood = exactLikelihood({ policy, from: 'all-masked' });
    const options = { checkpoint, provider: 'cpu' as const, threads, signal };
    const session = await PolicySession.start(options, likelihood, SEQUENCES);
    try {
      const run = {
        protocol: 'strict',
        draws: 1,
        seed,
        estimator: 'plain',
        until: null,
        batch: null,
      } as const;
      const { metrics, tokens, losses } = await zeroShotPerplexity(
        session,
        stream,
        { ...run, likelihood },
        { signal },
      );
      losses.close();
      const estimate = (metrics.nll.value ?? Number.NaN) * tokens;
      found.push({ estimator: `policy ${policy}`, tokens, nats, estimate });
    } finally {
      await session.close();
    }
  }
  return found;
}

async function overAllOrders(
  checkpoint: Checkpoint,
  { chain }: CalibrationSource,
  texts: readonly Int32Array[],
  { threads }: OrderRequest,
  signal?: AbortSignal,
): Promise<Found[]> {
  const items = texts.map((x) => ({
    tokens: x.slice(0, GIVEN + UNKNOWN),
    ...{ first: GIVEN, count: UNKNOWN, tail: 'none' as const },
  }));
  const nats = sum(
    items.map(({ tokens, first }) => sum(negativeLogProbabilities(chain, tokens).subarray(first))),
  );
  const run = await runLikelihoods(
    {
      ...{ checkpoint, items, subsetsUpTo: UNKNOWN, longer: null },
      ...{ batch: null, provider: 'cpu', threads, fresh: true },
    },
    { signal },
  );
  run.finish();
  const of = (estimator: string, value: (likelihoods: OrderLikelihoods) => number): Found => {
    const values = run.likelihoods.map((one) => (one.method === 'subsets' ? value(one) : Number.NaN));
    return { estimator, tokens: UNKNOWN * items.length, nats, estimate: -sum(values) };
  };
  return [
    of('orders: bound', ({ bound }) => bound),
    of('orders: evidence', ({ evidence }) => evidence),
    of('orders: upper bound', (likelihoods) => upperBound(likelihoods, 'left-to-right')),
  ];
}
