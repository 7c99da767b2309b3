import { describe, expect, it } from 'vitest';
import { checkGates } from '../../src/comparison/gate/checks.js';
import { gateJunit } from '../../src/comparison/gate/junit.js';
import { checkText } from '../../src/comparison/gate/sentences.js';
import { gateMarkdown, gateTable } from '../../src/comparison/gate/table.js';
import { firstInRound, interleavedRatio } from '../../src/statistics/interleaved-ratio.js';
import { against, benchResult } from '../evals/throughput/bench-sample.js';
import { gatesOf } from './gates.js';
import { rowsOfResults } from './rows.js';

/** A build whose rounds were so many times as fast as the other's. */
const rowsOf = (ratios: readonly number[], cpu = 'a processor') => {
  const result = benchResult('duo 8');
  const pairs = ratios.map((ratio, r) => ({ first: firstInRound(r), own: 600 * ratio, other: 600 }));
  result.throughput.against = {
    ...against(),
    rounds: pairs.length,
    ratio: interleavedRatio(pairs),
    pairs,
  };
  result.environment = { ...result.environment, cpu };
  return rowsOfResults([result]);
};
const check = (gate: string, ratios: readonly number[]) =>
  checkGates(gatesOf(`- {metric: throughputRatio, ${gate}}`), rowsOf(ratios), null).checks[0];

const steady = [1.001, 1.002, 0.999, 0.998, 1, 1];
const slower = [0.801, 0.802, 0.799, 0.798, 0.8, 0.8];
const loose = [1.3, 0.8, 0.9, 1.2, 1.1, 0.85];

describe('a gate on the ratio of throughputs', () => {
  it('is judged on the interval over rounds', () => {
    expect(check('min: 0.97', steady)).toMatchObject({ verdict: 'pass', needed: null });
    expect(check('min: 0.97', slower)).toMatchObject({ verdict: 'fail' });
    expect(check('max: 0.9', slower)).toMatchObject({ verdict: 'pass' });
    expect(check('min: 0.97', loose)).toMatchObject({ verdict: 'undecided' });
    const { value, ci95 } = check('min: 0.97', slower);
    expect(value).toBeCloseTo(0.8, 3);
    expect(ci95).toEqual([expect.closeTo(0.798, 2), expect.closeTo(0.802, 2)]);
  });

  it('that is undecided says how many more rounds would decide', () => {
    const undecided = check('min: 0.97', loose);
    const { value, ci95 } = undecided;
    const half = Math.log(ci95![1] / ci95![0]) / 2;
    const rounds = Math.ceil(6 * (half / Math.abs(Math.log(value! / 0.97))) ** 2) - 6;
    expect(undecided.needed).toEqual({ units: rounds, draws: null });
    expect(undecided.wouldDecide).toBe(`about ${rounds} more rounds (more --samples of bench)`);
    expect(check('min: 0.97', [1, 1]).wouldDecide).toContain('three rounds and more');
  });

  it('is told in every form', () => {
    const record = checkGates(gatesOf('- {metric: throughputRatio, min: 0.97}'), rowsOf(slower), null);
    expect(gateTable(record, { width: 80, color: false })).toMatch(/^fail .*throughputRatio .*≥ 0\.97/m);
    expect(gateMarkdown(record)).toMatch(/^\| fail \| .* \| throughputRatio \| ≥ 0\.97/m);
    expect(gateJunit(record)).toContain('failures="1"');
    expect(gateJunit(record)).toContain('throughputRatio');
    expect(checkText(record.checks[0])).toMatch(/throughputRatio 0\.80.* \[0\.7.*limit ≥ 0\.97.*: fail\.$/);
  });

  it('has no change to limit, and names what to limit instead', () => {
    expect(() =>
      checkGates(gatesOf('- {metric: throughputRatio, maxDecrease: 3%}'), rowsOf(steady), rowsOf(steady)),
    ).toThrow(/which is a change already/);
  });

  it('is what a gate across machines is sent to', () => {
    const gates = gatesOf('- {metric: tokensPerSecond, maxDecrease: 3%}');
    let refusal: unknown;
    try {
      checkGates(gates, rowsOf(steady), rowsOf(steady, 'another processor'));
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: 'different-protocols' });
    expect((refusal as { hint: string }).hint).toContain('bench --against');
  });

  it('is no figure of rows that were timed alone', () => {
    const rows = rowsOfResults([benchResult('duo 8')]);
    expect(() => checkGates(gatesOf('- {metric: throughputRatio, min: 1}'), rows, null)).toThrow(
      /matches no row/,
    );
  });
});
