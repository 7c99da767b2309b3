/** The loss head of block diffusion on the oracle's checkpoint, and the exact bound from it: all masks of a block, one after the other. */
import { HEAD } from '../../../src/diffusion/heads/head.js';
import { appendLossHead } from '../../../src/diffusion/heads/losses.js';
import type { Checkpoint } from '../../../src/models/checkpoint.js';
import { networkFeeds } from '../../../src/models/feeds.js';
import { startHeadSession } from '../../../src/models/head-session.js';
import { expected } from '../../models/importers/published-blocks.js';

const { block_size: L, mask_token_id: MASK } = expected;

export async function boundsOfBlocks(checkpoint: Checkpoint) {
  const graph = checkpoint.graph();
  appendLossHead(graph, 'bd3lm', { logits: 'logits', vocabSize: 62, maskTokenId: MASK });
  const session = await startHeadSession(graph, { checkpoint, provider: 'cpu', threads: 1 });

  /** Nats of each token, 0 where it is not masked. @param times of each block */
  async function losses(z: number[], x: number[], times: readonly number[]): Promise<number[]> {
    const masked = [...z.keys()].filter((l) => z[l] === MASK);
    const feeds = {
      ...networkFeeds(checkpoint.signature, {
        inputIds: BigInt64Array.from([...z, ...x], BigInt),
        batch: 1,
        length: 2 * x.length,
        noisyWidth: x.length,
        sigma: Float32Array.of(0),
      }),
      [HEAD.rows]: {
        type: 'int64',
        data: BigInt64Array.from(
          masked.flatMap((l) => [0, l]),
          BigInt,
        ),
        dims: [masked.length, 2],
      },
      [HEAD.targets]: {
        type: 'int64',
        data: BigInt64Array.from(masked, (l) => BigInt(x[l])),
        dims: [masked.length],
      },
      [HEAD.oneMinusAlpha]: {
        type: 'float64',
        data: Float64Array.from(masked, (l) => times[Math.floor(l / L)]),
        dims: [masked.length],
      },
    } as const;
    const found = (await session.run(feeds, { label: 'oracle' }))[HEAD.loss].data as Float32Array;
    return x.map((_, l) => (masked.includes(l) ? found[masked.indexOf(l)] : 0));
  }

  /** The bound of each block, from all masks. @param first the first token that is ever masked: 1 where BOS is given */
  async function exactBounds(x: number[], first: number): Promise<number[]> {
    const bounds = new Array<number>(x.length / L).fill(0);
    for (let subset = 1; subset < 2 ** L; subset++) {
      const isMasked = (l: number) => ((subset >> (l % L)) & 1) === 1;
      if (isMasked(0) && first > 0) continue; // the other blocks have this subset's share in what follows
      const nats = await losses(
        x.map((token, l) => (isMasked(l) ? MASK : token)),
        x,
        bounds.map(() => 1),
      );
      const k = Array.from({ length: L }, (_, l) => l).filter(isMasked).length;
      const size = L - first;
      const share = (factorial(k - 1) * factorial(size - k)) / factorial(size);
      for (const [l, value] of nats.entries()) bounds[Math.floor(l / L)] += share * value;
    }
    return bounds;
  }

  return { losses, exactBounds, close: () => session.close() };
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
