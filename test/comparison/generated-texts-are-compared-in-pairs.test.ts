import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { type Difference, differenceOf, differencesOf } from '../../src/comparison/difference.js';
import { checkGates } from '../../src/comparison/gate/checks.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import { FileError } from '../../src/errors.js';
import { whyNotPaired } from '../../src/evals/generation/pairing.js';
import type { SampleColumns } from '../../src/evals/generation/record.js';
import { ratio } from '../../src/statistics/ratio.js';
import { studentQuantile95 } from '../../src/statistics/student.js';
import { generativeResult } from '../evals/generation/generative-sample.js';
import { gatesOf } from './gates.js';
import { rowsOfResults } from './rows.js';

/** Samples differ much from each other, in nats and in counted tokens. */
const columns = (n: number, change: (i: number) => number = () => 0): SampleColumns => ({
  nats: Array.from({ length: n }, (_, i) => 120 * (4 + Math.sin(5 * i)) + change(i)),
  tokens: Array.from({ length: n }, (_, i) => 120 + (i % 7)),
  entropy: Array.from({ length: n }, (_, i) => 4 + Math.cos(3 * i) / 10 + change(i) / 1000),
  repetition4: Array.from({ length: n }, (_, i) => (i % 4) / 100),
});
let made = 0;
type Changes = Partial<ReturnType<typeof generativeResult>['samples']>;
const rowOf = (bySample: SampleColumns | undefined, samples: Changes = {}, name = 'duo') => {
  const result = generativeResult(name);
  const { nats, tokens, entropy } = bySample ?? columns(64);
  const genNll = ratio(Float64Array.from(nats ?? []), Float64Array.from(tokens ?? []));
  const mean = ratio(Float64Array.from(entropy), new Float64Array(entropy.length).fill(1));
  const genPpl = { value: genNll.value && Math.exp(genNll.value), stderr: null, ci95: null };
  Object.assign(result.metrics, { genPpl, genNll, entropy: mean });
  // Texts of their own, as two runs have, unless told.
  const facts = { sha256: `texts ${++made}`, count: entropy.length, ...samples };
  return rowsOfResults(
    [{ ...result, samples: { ...result.samples, ...facts }, bySample }],
    `${name}.json`,
  )[0];
};
const of = (metric: string, differences: Difference[]) => differences.find((one) => one.metric === metric)!;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('generated texts of one seed are compared sample by sample', () => {
  it('by the ratio of totals: a steady gain of c nats per token is c, without an error', () => {
    const [worse, better] = [columns(50), columns(50)];
    better.nats = worse.nats!.map((nats, i) => nats - 0.05 * worse.tokens![i]);
    const found = of('genNll', differencesOf(rowOf(better), rowOf(worse)));
    expect(found).toMatchObject({ method: 'paired', sequences: 50 });
    expect(found.value).toBeCloseTo(-0.05, 12);
    expect(found.stderr).toBeLessThan(1e-12);
    expect(found.ci95![1]).toBeLessThan(-0.049999);
    expect(found.a! - found.b!).toBe(found.value);
    expect(found.b).toBeCloseTo(sum(worse.nats!) / sum(worse.tokens!), 12);
    const loose = of('genNll', differencesOf(rowOf(undefined), rowOf(worse)));
    expect(loose.method).toBe('intervals');
    expect(loose.stderr!).toBeGreaterThan(0.05);
  });

  it('with the error that linearisation gives, where each run counts tokens of its own', () => {
    const n = 300;
    const [a, b] = [columns(n), columns(n, (i) => 9 * Math.cos(11 * i) + 6)];
    b.tokens = b.tokens!.map((tokens, i) => tokens - (i % 3));
    const found = of('genNll', differencesOf(rowOf(a), rowOf(b)));
    const parts = [a, b].map(({ nats, tokens }) => {
      const [mean, nll] = [sum(tokens!) / n, sum(nats!) / sum(tokens!)];
      return { nll, residuals: nats!.map((one, i) => (one - nll * tokens![i]) / mean) };
    });
    expect(found.value).toBeCloseTo(parts[0].nll - parts[1].nll, 12);
    const residuals = parts[0].residuals.map((one, i) => one - parts[1].residuals[i]);
    const expected = Math.sqrt(sum(residuals.map((one) => one ** 2)) / (n - 1) / n);
    expect(found.stderr! / expected).toBeGreaterThan(0.93);
    expect(found.stderr! / expected).toBeLessThan(1.07);
    const width = (found.ci95![1] - found.ci95![0]) / (2 * 1.96 * expected);
    expect(Math.abs(width - 1)).toBeLessThan(0.1);
  });

  it('by the mean of differences for entropy and repetition, with the interval of Student', () => {
    const n = 10;
    const difference = Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 0.03 : -0.01));
    const a = columns(n);
    const b = { ...columns(n), entropy: a.entropy.map((one, i) => one - difference[i]) };
    const found = differencesOf(rowOf(a), rowOf(b));
    const entropy = of('entropy', found);
    // Five of 0.03 and five of -0.01: mean 0.01, variance 10 · 0.02² / 9.
    const stderr = Math.sqrt((10 * 0.02 ** 2) / 9 / 10);
    expect(entropy.value).toBeCloseTo(0.01, 12);
    expect(entropy.stderr).toBeCloseTo(stderr, 12);
    expect(entropy.ci95![1]).toBeCloseTo(0.01 + studentQuantile95(9) * stderr, 12);
    expect(of('repetition4', found)).toMatchObject({ method: 'paired', value: 0, stderr: 0 });
    expect(of('distinct2', found)).toMatchObject({ method: 'intervals', stderr: null, ci95: null });
  });

  it('as the negative when the two change places', () => {
    const [a, b] = [rowOf(columns(30)), rowOf(columns(30, (i) => 20 * Math.cos(i)))];
    const [there, back] = [differenceOf(a, b, 'genPpl')!, differenceOf(b, a, 'genPpl')!];
    expect(there).toMatchObject({ metric: 'genNll', method: 'paired' });
    expect(back.value).toBe(-there.value!);
    expect(back.stderr).toBeCloseTo(there.stderr!, 12);
    expect(back.ci95![0]).toBeCloseTo(-there.ci95![1], 12);
  });

  it('on those samples that both hold, which are the first', () => {
    const short = columns(20, () => 12);
    const found = of('genNll', differencesOf(rowOf(columns(60)), rowOf(short)));
    expect(found.sequences).toBe(20);
    expect(found.a).toBeCloseTo(sum(columns(20).nats!) / sum(short.tokens!), 12);
  });

  it('and a gate on their change decides by the pairs', () => {
    const [before, after] = [columns(64), columns(64)];
    after.nats = before.nats!.map((nats, i) => nats + (0.02 + 0.001 * Math.cos(i)) * before.tokens![i]);
    const judged = (row: ReturnType<typeof rowOf>) =>
      checkGates(gatesOf('- {metric: genPpl, maxIncrease: 1%}'), [row], [rowOf(before)]).checks[0].verdict;
    expect(judged(rowOf(after))).toBe('fail');
    expect(judged(rowOf(after, { seed: 7 }))).toBe('undecided');
  });

  it('without a judge by what there is', () => {
    const bare = { ...columns(12), nats: null, tokens: null };
    expect(of('entropy', differencesOf(rowOf(bare), rowOf(bare)))).toMatchObject({
      method: 'paired',
      value: 0,
    });
  });
});

describe('they are compared by their intervals, and that is said,', () => {
  const a = rowOf(columns(16));
  const given = { prompt: true, promptSha256: 'aa' };
  it.each<[string, ReturnType<typeof rowOf>, ReturnType<typeof rowOf>]>([
    ['a file holds no figures of single samples (gen --by-sample)', a, rowOf(undefined)],
    ['there are fewer than two samples to pair', a, rowOf(columns(1))],
    ['the samples were drawn from different seeds', a, rowOf(columns(16), { seed: 2 })],
    ['real text is no sample of a seed', a, rowOf(columns(16), { seed: null })],
    ['the samples are of different tokenizers', a, rowOf(columns(16), { tokenizerSha256: '00' })],
    ['the samples go on from different prompts', a, rowOf(columns(16), given)],
    [
      'the samples go on from different prompts',
      rowOf(columns(16), given),
      rowOf(columns(16), { ...given, promptSha256: 'bb' }),
    ],
    [
      'a file does not say from which prompt the samples go on',
      rowOf(columns(16), { prompt: true }),
      rowOf(columns(16), { prompt: true }),
    ],
  ])('when %s', (reason, first, second) => {
    expect(whyNotPaired(first, second)).toBe(reason);
    const { differences } = compareRows([first], [second]);
    expect(differences.map(({ method }) => method)).not.toContain('paired');
    const told = `"intervals": ${reason}, so the two count as independent.`;
    expect(formatDifferences(differences, 'table', { width: 300, color: false })).toContain(told);
  });

  it('and paired after one prompt, and when the texts are the very same', () => {
    expect(whyNotPaired(rowOf(columns(16), given), rowOf(columns(16), given))).toBeNull();
    const same = { sha256: 'cd', seed: null };
    const [first, second] = [rowOf(columns(16), same), rowOf(columns(16), same)];
    expect(of('genNll', differencesOf(first, second))).toMatchObject({ method: 'paired', ci95: [0, 0] });
    const { differences } = compareRows([first], [second]);
    expect(formatDifferences(differences, 'markdown')).not.toContain('count as independent');
  });
});

it('a file whose columns have different lengths is refused', () => {
  const broken = { ...columns(4), entropy: [1, 2, 3] };
  expect(() => rowOf(broken)).toThrow(FileError);
  expect(() => rowOf(broken)).toThrow('bySample: its columns have different lengths');
});

it('the interval of pairs holds the truth about as often as it says', () => {
  // Chance from sines of incommensurable frequencies would not be chance: a linear congruential generator is near enough.
  let state = 12345;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  let held = 0;
  const [trials, n] = [120, 40];
  for (let trial = 0; trial < trials; trial++) {
    const [a, b] = [columns(n), columns(n)];
    for (let i = 0; i < n; i++) {
      const luck = 0.5 * normal();
      a.nats![i] = a.tokens![i] * (4 + luck + 0.1 * normal());
      b.nats![i] = b.tokens![i] * (4.03 + luck + 0.1 * normal());
    }
    const { ci95 } = differenceOf(rowOf(a), rowOf(b), 'genNll')!;
    if (ci95![0] <= -0.03 && -0.03 <= ci95![1]) held++;
  }
  // Binomial(120, 0.93): 0.95 less what percentile intervals of 40 lack; four standard errors are 0.093.
  expect(held / trials).toBeGreaterThan(0.84);
  expect(held / trials).toBeLessThan(0.999);
});
