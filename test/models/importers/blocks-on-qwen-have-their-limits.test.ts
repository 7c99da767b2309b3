/**
 * About src/models/importers/llama-diffusion.ts: SDAR's networks, in blocks from left to right. Blocks of one token are an autoregressive
 * model, and one block is a network that sees all tokens: the same weights in these two forms give the same answers.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { PolicyNetwork } from '../../../src/evals/perplexity/policy-network.js';
import { PolicySession } from '../../../src/evals/perplexity/policy-session.js';
import { type Checkpoint, openCheckpoint } from '../../../src/models/checkpoint.js';
import { startDrawSession } from '../../../src/sampling/draw-session.js';
import { converted, folderWith } from './published.js';

const oracle = fileURLToPath(new URL('../../../../shared/oracles/models/qwen3-ar/', import.meta.url));
const missing = existsSync(oracle) ? '' : ' (skipped: ../shared/oracles is not there)';
const on = { provider: 'cpu', threads: 1 } as const;
const MASK = 3;
const L = 12;

describe.skipIf(missing)(`a network in blocks${missing}`, () => {
  const config = missing ? {} : JSON.parse(readFileSync(join(oracle, 'config.json'), 'utf8'));
  const of = async (changes: object, maskTokenId?: number): Promise<Checkpoint> => {
    const source = folderWith({
      'model.safetensors': readFileSync(join(oracle, 'model.safetensors')),
      'config.json': { ...config, architectures: [], ...changes },
    });
    const { path } = await converted(source, { overrides: { maskTokenId, length: L } });
    return openCheckpoint(path);
  };
  const inBlocks = (block_size: number) => of({ model_type: 'sdar', mask_token_id: MASK, block_size });
  const x = Int32Array.from({ length: L }, (_, l) => (7 + 5 * l * l) % config.vocab_size).map((token) =>
    token === MASK ? MASK + 1 : token,
  );

  /** ln p of the true tokens at masked positions. */
  async function ask(checkpoint: Checkpoint, masked: number[]): Promise<number[]> {
    const model = await PolicyNetwork.start({ checkpoint, ...on }, 'left-to-right');
    const tokens = x.map((token, l) => (masked.includes(l) ? MASK : token));
    const targets = masked.map((l) => x[l]);
    const [{ logProbability }] = await model.ask(
      [{ tokens, x, positions: masked, targets, left: masked.length }],
      'it',
    );
    await model.close();
    return Array.from(logProbability);
  }

  let full: Checkpoint;
  beforeAll(async () => {
    full = await of({ model_type: 'a2d-qwen3' }, MASK);
  });

  it('of one block sees all tokens', async () => {
    const masked = [1, 4, 5, 9, 11];
    const [one, all] = [await ask(await inBlocks(L), masked), await ask(full, masked)];
    for (const [i, value] of one.entries()) expect(value).toBeCloseTo(all[i], 4);
  });

  it('answers about a block from the clean text before it, as if the rest did not exist', async () => {
    // The first block of four is a text of four by itself.
    const checkpoint = await inBlocks(4);
    const model = await PolicyNetwork.start({ checkpoint: full, ...on }, 'left-to-right');
    const start = x.slice(0, 4);
    const tokens = Int32Array.of(x[0], MASK, x[2], MASK);
    const [{ logProbability }] = await model.ask(
      [{ tokens, x: start, positions: [1, 3], targets: [x[1], x[3]], left: 2 }],
      'it',
    );
    await model.close();
    const found = await ask(checkpoint, [1, 3, 5, 6, 10]);
    for (let i = 0; i < 2; i++) expect(found[i]).toBeCloseTo(logProbability[i], 4);
    // Masks in a later block change nothing about an earlier one.
    const others = await ask(checkpoint, [1, 3, 5, 6, 8, 9, 10, 11]);
    for (let i = 0; i < 4; i++) expect(others[i]).toBeCloseTo(found[i], 5);
  });

  it('of one token each is the autoregressive network that reads the mask last', async () => {
    const checkpoint = await inBlocks(1);
    const ar = await of({});
    const model = await PolicyNetwork.start({ checkpoint: ar, ...on }, 'left-to-right');
    const all = Array.from({ length: L - 1 }, (_, i) => i + 1);
    const found = await ask(checkpoint, all);
    for (const l of all) {
      const tokens = Int32Array.from([...x.slice(0, l), MASK]);
      const ofMask = async (target: number) => {
        const question = { tokens, x: tokens, positions: [l], targets: [target], left: 1 };
        return (await model.ask([question], 'it'))[0].logProbability[0];
      };
      // The mask is no token of a text: its share goes to the others.
      const due = (await ofMask(x[l])) - Math.log1p(-Math.exp(await ofMask(MASK)));
      expect(found[l - 1]).toBeCloseTo(due, 4);
    }
    await model.close();
  });

  it('writes with cached keys and values what it writes without, and scores it as it was written', async () => {
    const checkpoint = await inBlocks(4);
    const write = async (cache: boolean) => {
      const session = await startDrawSession({ checkpoint, ...on, cache });
      const tokens = new Int32Array(L).fill(MASK);
      tokens[0] = x[0];
      let nats = 0;
      for (let l = 1; l < L; l++) {
        const uniforms = new Float64Array(L).fill((0.31 + 0.618 * l) % 1);
        const { token, probability } = await session.denoise({
          tokens,
          batch: 1,
          length: L,
          sigma: 0,
          uniforms,
        });
        tokens[l] = token[l];
        nats -= Math.log(probability[l]);
      }
      await session.close();
      return { tokens, nats };
    };
    const [cached, plain] = [await write(true), await write(false)];
    expect(cached.tokens).toEqual(plain.tokens);
    expect(cached.nats).toBeCloseTo(plain.nats, 3);
    const likelihood = exactLikelihood({ policy: 'left-to-right' });
    const session = await PolicySession.start({ checkpoint, ...on }, likelihood, 1);
    const [{ nats }] = await session.losses(
      [{ sequence: 0, draw: 0, x: cached.tokens, level: null }],
      batchModelOf(checkpoint, { seed: 1, wrapped: false }),
    );
    await session.close();
    expect(nats).toBeCloseTo(cached.nats, 3);
  });
});
