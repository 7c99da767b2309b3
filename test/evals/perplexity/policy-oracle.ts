/** Oracles A of test/oracles/likelihood: exact likelihoods under unmasking policies, from an independent implementation. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type ExactLikelihood, exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import type { SequenceLoss } from '../../../src/evals/perplexity/loss-batch.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { PolicySession } from '../../../src/evals/perplexity/policy-session.js';
import { type Checkpoint, openCheckpoint } from '../../../src/models/checkpoint.js';
import { root } from '../../support/run.js';

export const STARTS = ['bos', 'all-masked'] as const;
const FILES = { bos: 'A-policies-bos-given', 'all-masked': 'A-policies-all-masked' };

const POLICIES: Record<string, Pick<ExactLikelihood, 'order' | 'blockSize'>> = {
  l2r: { order: 'left-to-right', blockSize: null },
  'max-prob': { order: 'max-probability', blockSize: null },
  margin: { order: 'margin', blockSize: null },
  'log-margin': { order: 'log-margin', blockSize: null },
  entropy: { order: 'entropy', blockSize: null },
  'block32-max-prob': { order: 'max-probability', blockSize: 32 },
};

interface OracleCase {
  policy: string;
  k: number;
  lnp: number[];
  stable: boolean[];
  orderOfFirst: number[];
  ordersOfOthers?: number[][];
}

export interface PolicyCase {
  name: string;
  likelihood: ExactLikelihood;
  /** ln p, order and whether rounding leaves both, per sequence. */
  expected: { lnp: number; stable: boolean; order: readonly number[] }[];
}

export interface OracleNetwork {
  name: string;
  path: string;
  texts: Int32Array[];
  cases: PolicyCase[];
}

/** @param folder beside the project, for networks that are not in it; null: the kept oracles */
export function oracleNetworks(from: (typeof STARTS)[number], folder: string | null = null): OracleNetwork[] {
  const path = folder
    ? join(folder, 'oracles', 'likelihood', `${FILES[from]}-a.json`)
    : join(root, 'test', 'oracles', 'likelihood', `${FILES[from]}.json.gz`);
  if (!existsSync(path)) return [];
  const bytes = readFileSync(path);
  const { networks } = JSON.parse((folder ? bytes : gunzipSync(bytes)).toString('utf8'));
  return networks.map(
    (one: {
      network: string;
      file: string;
      input_ids: number[][];
      results: OracleCase[];
    }): OracleNetwork => ({
      name: one.network,
      path: join(root, one.file),
      texts: one.input_ids.map((ids) => Int32Array.from(ids)),
      cases: one.results.map((result) => ({
        name: `${result.policy}, k = ${result.k}`,
        likelihood: exactLikelihood({
          policy: POLICIES[result.policy].order,
          blockSize: POLICIES[result.policy].blockSize,
          tokensPerCall: result.k,
          from,
        }),
        expected: result.lnp.map((lnp, i) => ({
          lnp,
          stable: result.stable[i],
          // Left to right has one order.
          order: i === 0 ? result.orderOfFirst : (result.ordersOfOthers?.[i - 1] ?? result.orderOfFirst),
        })),
      })),
    }),
  );
}

/** Losses and orders of the texts. */
export async function likelihoodsOf(
  checkpoint: Checkpoint | string,
  texts: readonly Int32Array[],
  likelihood: ExactLikelihood,
  { batch = texts.length, seed = 1 }: { batch?: number; seed?: number } = {},
): Promise<SequenceLoss[]> {
  const opened = typeof checkpoint === 'string' ? await openCheckpoint(checkpoint) : checkpoint;
  const session = await PolicySession.start(
    { checkpoint: opened, provider: 'cpu', threads: 1 },
    likelihood,
    batch,
  );
  try {
    const model = batchModelOf(opened, { seed, wrapped: true });
    const calls = texts.map((x, sequence) => ({ sequence, draw: 0, x, level: null, path: true }));
    return await session.losses(calls, model);
  } finally {
    await session.close();
  }
}
