import { expect, it } from 'vitest';
import { MonteCarloSums } from '../../src/diffusion/monte-carlo-error.js';
import { type TimePlan, timePlan } from '../../src/diffusion/times.js';
import { uniform } from '../../src/random/uniforms.js';

function monteCarloError(plan: TimePlan, draws: number, nats: (sequence: number, draw: number) => number) {
  const sums = new MonteCarloSums(plan);
  for (let j = 0; j < draws; j++) for (let i = 0; i < plan.sequences; i++) sums.add(i, j, nats(i, j));
  return sums.error(draws, (i) => nats(i, 0));
}

/** A loss with a common profile, a profile of the text's own, a level of the text's own, and noise. */
function study(sequences: number, draws: number, seeds: number) {
  const totals: number[] = [];
  let estimated = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const plan = timePlan({ sequences, draws, seed });
    const nats = (i: number, j: number) => {
      const { u } = plan.at(i, j);
      const noise = Math.sqrt(12) * (uniform({ seed, stream: 999, sequence: i, step: j }) - 0.5);
      return 3 * Math.cos(2 * u) + 0.3 * Math.sin(13 * i) + 0.6 * Math.sin(78 * i) * u + 0.3 * noise;
    };
    let total = 0;
    for (let i = 0; i < sequences; i++) for (let j = 0; j < draws; j++) total += nats(i, j) / draws;
    totals.push(total);
    estimated += (monteCarloError(plan, draws, nats)?.variance ?? 0) / seeds;
  }
  const mean = totals.reduce((sum, y) => sum + y, 0) / seeds;
  const actual = totals.reduce((sum, y) => sum + (y - mean) ** 2, 0) / (seeds - 1);
  const plainVariance = (9 * 0.297) / draws; // Var 3cos(2u) alone, were times independent
  return {
    actual,
    ratio: estimated / actual,
    standardError: Math.sqrt(2 / seeds),
    plain: sequences * plainVariance,
  };
}

it.each([
  [16, 2],
  [74, 2],
  [33, 3],
  [16, 4],
  [33, 8],
])(
  '%i sequences, %i draws: its mean is the variance over seeds, to four standard errors',
  (sequences, draws) => {
    const { ratio, standardError, actual, plain } = study(sequences, draws, 1500);
    expect(Math.abs(ratio - 1)).toBeLessThan(4 * standardError);
    expect(actual).toBeLessThan(plain / 5); // and stratification removed the common profile's part
  },
);

it.each([3, 19, 74])('%i sequences, one draw: an upper bound, and not an idle one', (sequences) => {
  const { ratio, standardError } = study(sequences, 1, 1000);
  expect(ratio).toBeGreaterThan(1 - 4 * standardError);
  expect(ratio).toBeLessThan(sequences < 32 ? 5 : 3);
});

it('says which it is, and has nothing to say of one draw of one sequence', () => {
  const plan = timePlan({ sequences: 74, draws: 4, seed: 1 });
  expect(monteCarloError(plan, 1, () => 1)).toEqual({
    variance: 0,
    degreesOfFreedom: 65,
    kind: 'upper-bound',
  });
  expect(monteCarloError(plan, 4, () => 1)).toEqual({ variance: 0, degreesOfFreedom: 27, kind: 'estimate' });
  expect(monteCarloError(timePlan({ sequences: 1, draws: 1, seed: 1 }), 1, () => 1)).toBeNull();
  expect(() => monteCarloError(plan, 5, () => 1)).toThrow(/between 1 and 4/);
});
