/**
 * An autoregressive graph of a fixed length is filled up behind the last token. That changes nothing for a network that does not
 * look ahead, so it is checked here. Graphs of a dynamic length never get a later token.
 */
import { DRAW } from '../diffusion/heads/draw.js';
import { checkCausal, probeSequences } from '../models/causality.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { networkFeeds } from '../models/feeds.js';
import { hasDouble } from '../models/provider.js';
import type { ModelSession } from '../models/session.js';
import { uniformFeeds } from './draw-batch.js';

/** How many positions are checked: each takes a row over the vocabulary. */
const MOST_ROWS = 8;

interface Drawn {
  token: number;
  logProbability: number;
}

/**
 * @param session for the graph with a draw at some rows (causal-session.ts)
 * @throws ModelError `not-causal`, and as the session
 */
export async function checkFilledUp(
  checkpoint: Checkpoint,
  session: ModelSession,
  timeoutMs: number | undefined,
): Promise<void> {
  const { fixedLength, fixedBatch } = checkpoint.signature;
  const sequences = probeSequences(checkpoint);
  if (fixedLength === null || sequences === null) return;
  const draw = (rows: readonly Int32Array[]) => drawBeforeLast(rows, checkpoint, session, timeoutMs);
  const { plain, changed } = sequences;
  const [before, after] =
    fixedBatch === 1
      ? [...(await draw([plain])), ...(await draw([changed]))]
      : await draw([plain, ...Array<Int32Array>((fixedBatch ?? 2) - 1).fill(changed)]);
  checkCausal(
    checkpoint,
    session.provider,
    before.map(({ logProbability }) => logProbability),
    after.map(({ token, logProbability }, l) =>
      token === before[l].token ? logProbability : Number.NEGATIVE_INFINITY,
    ),
  );
}

/** Tokens drawn at the positions before the last of each sequence, all with the same random number. */
async function drawBeforeLast(
  sequences: readonly Int32Array[],
  { signature }: Checkpoint,
  session: ModelSession,
  timeoutMs: number | undefined,
): Promise<Drawn[][]> {
  const batch = sequences.length;
  const { length } = sequences[0];
  const earlier = Math.min(MOST_ROWS, length - 1);
  const count = batch * earlier;
  const rows = BigInt64Array.from({ length: 2 * count }, (_, i) =>
    BigInt(i % 2 ? length - 1 - earlier + ((i >> 1) % earlier) : Math.floor((i >> 1) / earlier)),
  );
  const inputIds = BigInt64Array.from(
    sequences.flatMap((row) => Array.from(row)),
    BigInt,
  );
  const feeds = {
    ...networkFeeds(signature, { inputIds, batch, length, sigma: null }),
    [DRAW.rows]: { type: 'int64', data: rows, dims: [count, 2] },
    ...uniformFeeds(new Float64Array(count).fill(0.5), [count], hasDouble(session.provider)),
  } as const;
  const outputs = await session.run(feeds, { label: 'the first call', timeoutMs });
  const token = outputs[DRAW.token].data as BigInt64Array;
  const probability = outputs[DRAW.probability].data as Float32Array;
  return sequences.map((_, b) =>
    Array.from({ length: earlier }, (_, l) => ({
      token: Number(token[b * earlier + l]),
      logProbability: Math.log(probability[b * earlier + l]),
    })),
  );
}
