import { describe, expect, it } from 'vitest';
import { DecodeOrder, kendallTau } from '../../../src/evals/throughput/decode-order.js';

describe("Kendall's τ with the order of positions", () => {
  it.each([
    ['rising', [1, 2, 3, 4], 1],
    ['falling', [4, 3, 2, 1], -1],
    ['one pair the other way', [1, 2, 4, 3], 4 / 6],
    // 4 pairs rise, 2 are tied: 4/√(4·6)
    ['two steps of two', [1, 1, 2, 2], 4 / Math.sqrt(24)],
    ['one step', [3, 3, 3], null],
  ])('of %s', (_what, values, tau) => {
    if (tau === null) expect(kendallTau(values)).toBeNull();
    else expect(kendallTau(values)).toBeCloseTo(tau, 15);
  });
});

it('the step of the last change counts, and neither given tokens nor those that stay', () => {
  const order = new DecodeOrder(5, 1);
  const states = [
    [9, 0, 0, 0, 0, 9, 0, 0, 0, 0],
    [7, 1, 0, 0, 0, 9, 0, 0, 0, 4],
    [7, 1, 2, 0, 0, 9, 0, 0, 3, 4],
    [7, 1, 2, 3, 0, 9, 5, 6, 3, 4],
  ];
  for (const [step, tokens] of states.entries())
    order.record({ first: 0, step, tokens: Int32Array.from(tokens) });
  // 1, 2, 3 of the first text; 3, 3, 2, 1 of the second: 5 pairs fall, 1 is tied.
  expect(order.tau()?.value).toBeCloseTo((1 - 5 / Math.sqrt(30)) / 2, 12);
});
