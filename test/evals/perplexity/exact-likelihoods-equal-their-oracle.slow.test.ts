/** About src/evals/perplexity/policy-session.ts */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PolicyNetwork } from '../../../src/evals/perplexity/policy-network.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { sharedIsThere, whyNot } from '../../end-to-end/shared.js';
import { root } from '../../support/run.js';
import {
  likelihoodsOf,
  type OracleNetwork,
  oracleNetworks,
  type PolicyCase,
  STARTS,
} from './policy-oracle.js';

/** Another build of the runtime moves the sum over 128 tokens by some 1e-4 nats. */
const TOLERANCE = 1e-3;

describe.each(STARTS)('with the start %s', (from) => {
  describe.each(oracleNetworks(from))('$name', holdsTo);
});

const shared = sharedIsThere ? join(root, '..', 'shared') : null;
describe.skipIf(!shared).each(STARTS)(`trained networks with the start %s (${whyNot})`, (from) => {
  const networks = shared ? oracleNetworks(from, shared) : [];
  describe.each(networks.filter(({ name }) => name === 'shared-mdlm'))('$name', holdsTo);
});

function holdsTo({ path, texts, cases }: OracleNetwork): void {
  it.each(cases)('$name', async ({ likelihood, expected, ...rest }) => {
    const losses = await likelihoodsOf(path, texts, likelihood);
    for (const [i, { nats, path: walked, calls }] of losses.entries()) {
      const { lnp, stable, order } = expected[i];
      if (!stable) continue;
      expect(Math.abs(nats + lnp)).toBeLessThan(TOLERANCE);
      expect(walked?.order).toEqual(order);
      expect(calls).toBe(Math.ceil(order.length / likelihood.tokensPerCall));
    }
    const along = await alongGivenOrders(path, texts, { likelihood, expected, ...rest });
    for (const [i, value] of along.entries())
      expect(Math.abs(value - expected[i].lnp)).toBeLessThan(TOLERANCE);
  });
}

/** ln p along the orders of the oracle, which rounding cannot change. */
async function alongGivenOrders(
  path: string,
  texts: readonly Int32Array[],
  { likelihood: { tokensPerCall, blockSize }, expected }: PolicyCase,
): Promise<number[]> {
  const checkpoint = await openCheckpoint(path);
  const mask = checkpoint.maskTokenId!;
  const network = await PolicyNetwork.start({ checkpoint, provider: 'cpu', threads: 1 }, 'left-to-right');
  try {
    const states = texts.map((x, i) => {
      const left = [...expected[i].order];
      return { x, left, tokens: x.map((token, l) => (left.includes(l) ? mask : token)), sum: 0 };
    });
    while (states.some(({ left }) => left.length > 0)) {
      const questions = states.map(({ x, tokens, left }) => {
        // A call ends where its block does.
        const block = (position: number) => (blockSize === null ? 0 : Math.floor(position / blockSize));
        const positions = left
          .slice(0, tokensPerCall)
          .filter((position) => block(position) === block(left[0]));
        return { tokens, x, positions, targets: positions.map((l) => x[l]), left: left.length };
      });
      const answers = await network.ask(questions, 'texts');
      for (const [i, { logProbability }] of answers.entries()) {
        for (const [j, position] of questions[i].positions.entries()) {
          states[i].sum += logProbability[j];
          states[i].tokens[position] = texts[i][position];
        }
        states[i].left.splice(0, questions[i].positions.length);
      }
    }
    return states.map(({ sum }) => sum);
  } finally {
    await network.close();
  }
}
