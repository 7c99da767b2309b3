/** With 16 tokens per call; the slow test has the rest. About src/evals/perplexity/policy-session.ts */
import { describe, expect, it } from 'vitest';
import { likelihoodsOf, oracleNetworks, STARTS } from './policy-oracle.js';

describe.each(STARTS)('with the start %s', (from) => {
  describe.each(oracleNetworks(from))('$name', ({ path, texts, cases }) => {
    const short = cases.filter(({ likelihood }) => likelihood.tokensPerCall === 16);

    it.each(short)('$name', async ({ likelihood, expected }) => {
      const losses = await likelihoodsOf(path, texts, likelihood);
      for (const [i, { nats, path: walked, calls }] of losses.entries()) {
        const { lnp, stable, order } = expected[i];
        expect(calls).toBe(8);
        // Where rounding decides between near ties, the order is that of a machine.
        if (!stable) continue;
        expect(Math.abs(nats + lnp)).toBeLessThan(1e-3);
        expect(walked?.order).toEqual(order);
      }
    });
  });

  it('some sequences of each network are stable', () => {
    for (const { cases } of oracleNetworks(from))
      expect(cases.some(({ expected }) => expected.some(({ stable }) => stable))).toBe(true);
  });
});
