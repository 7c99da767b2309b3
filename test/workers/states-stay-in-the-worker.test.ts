import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import type { ModelSession } from '../../src/models/session.js';
import { markovDenoiser } from '../../src/models/sources/markov-denoiser.js';
import { CausalSession } from '../../src/sampling/causal-session.js';
import { unevenChain } from '../models/sources/chains.js';

const K = 6;
const length = 8;
let model: CausalSession;
beforeAll(async () => {
  const fields = { family: 'ar', vocabSize: K, bosTokenId: 2 } as const;
  const checkpoint = checkpointOfGraph(markovDenoiser(unevenChain(K, 3), 'ar'), fields, 'chain');
  model = await CausalSession.start({ checkpoint, provider: 'cpu', threads: 1 });
});
afterAll(() => model.close());
const sessionOf = (causal: CausalSession) => (causal as unknown as { session: ModelSession }).session;

/** Two sequences that begin with a token; the second position is given a token that may be none of the vocabulary. */
function begin(first: number, second: number | null = null) {
  const tokens = new Int32Array(2 * length);
  const given = new Uint8Array(2 * length);
  for (const b of [0, 1]) {
    tokens[b * length] = first;
    given[b * length] = 1;
    if (second === null) continue;
    tokens[b * length + 1] = second;
    given[b * length + 1] = 1;
  }
  return model.begin({ label: 'samples 0 to 1', batch: 2, length, tokens, given });
}
const half = Float64Array.of(0.5, 0.5);

describe('states of one session', () => {
  it('do not touch each other, though their calls alternate', async () => {
    const alone = begin(2);
    const expected = [await alone.draw(1, half), await alone.draw(2, half), await alone.draw(3, half)];
    alone.release();
    const [a, b] = [begin(2), begin(5)];
    const drawn: Int32Array[] = [];
    for (let position = 1; position <= 3; position++) {
      drawn.push(await a.draw(position, half));
      await b.draw(position, Float64Array.of(0.9, 0.1));
    }
    expect(drawn).toEqual(expected);
    a.release();
    b.release();
  });

  it('answer calls asked for together, each building on the one before', async () => {
    const [a, b] = [begin(2), begin(2)];
    const together = await Promise.all([1, 2, 3].map((position) => a.draw(position, half)));
    const one = [await b.draw(1, half), await b.draw(2, half), await b.draw(3, half)];
    expect(together).toEqual(one);
    expect(a.networkCalls).toBe(3);
  });
});

describe('a call with a state that fails', () => {
  it('is named, and so are later calls with it; other states go on', async () => {
    const broken = begin(2, K + 3);
    const calls = await Promise.all(
      [2, 3].map((position) => broken.draw(position, half).catch((error) => error)),
    );
    for (const [i, error] of calls.entries()) {
      expect(error).toMatchObject({ code: 'run-failed', exitCode: 3 });
      expect(error.message).toContain(`samples 0 to 1, position ${i + 2}`);
    }
    broken.release();
    expect(await begin(2).draw(1, half)).toHaveLength(2);
  });

  it('says that a state cannot be made', async () => {
    const session = sessionOf(model);
    const unknown = { name: 'no-such-state', create: () => ({ answer: async (_: null) => 42 }) };
    const state = session.keep(unknown, null);
    await expect(state.call('answer', null, { label: 'call 7' })).rejects.toThrow(/call 7: .*no-such-state/);
  });

  it('says that a state was released', async () => {
    const decoding = begin(2);
    decoding.release();
    decoding.release();
    await expect(decoding.draw(1, half)).rejects.toThrow(/released/);
  });
});
