/** About src/commands/ppl.ts */
/**
 * Errors on all of `sotu`, 19 speeches: what was found over speeches by hand (clusters of sequences), by the command, without
 * knowing where speeches end, and on parts of them.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { PerplexityResult } from '../../src/evals/perplexity/record.js';
import type { ResultsFile } from '../../src/records/record.js';
import { studentQuantile95, welchDegrees } from '../../src/statistics/student.js';
import { blockLengthOf, degreesOf, textRatio } from '../../src/statistics/text-ratio.js';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
let file: ResultsFile<PerplexityResult>;
beforeAll(async () => {
  space = workspace();
  const models = ['ar', 'judge'].flatMap((name) => ['--model', fixture(`${name}.onnx`)]);
  const { stdout } = await succeed(space, ['ppl', ...models, '--dataset', 'sotu', '--by-sequence', '--json']);
  file = JSON.parse(stdout);
});

const within = (value: number | null, expected: number, share: number) =>
  expect(Math.abs(value! / expected - 1)).toBeLessThan(share);

/** By hand, of the losses of all 2,298 sequences. */
const OVER_SPEECHES = { ar: 0.0332, difference: 0.0044, perplexity: [18.0, 20.7] };

it('the command’s are those over speeches', () => {
  const [ar] = file.results;
  const { nll, ppl } = ar.metrics;
  expect(nll).toMatchObject({ unit: 'document', units: 19, blockLength: null });
  within(nll.stderr, OVER_SPEECHES.ar, 0.15);
  for (const [i, end] of OVER_SPEECHES.perplexity.entries())
    expect(Math.abs(ppl.ci95![i] - end)).toBeLessThan(0.15);
  expect(nll.designEffect!).toBeGreaterThan(20);
  const [pair] = file.comparisons;
  expect(pair).toMatchObject({ a: 'ar', b: 'judge', unit: 'document', units: 19 });
  within(pair.stderr, OVER_SPEECHES.difference, 0.15);
});

/** Losses of both rows, and of their difference, as y over x. */
function columns() {
  const [a, b] = file.results.map(({ sequences }) => sequences!);
  const difference = a.textNats.map((nats, i) => nats - b.textNats[i]);
  const pairs = [
    ['ar', a.nats, a.tokens],
    ['judge', b.nats, b.tokens],
    ['difference', difference, a.textTokens],
  ] as const;
  return { documents: a.document!, pairs };
}

it('without knowing where speeches end, blocks find at least three quarters of them', () => {
  const { pairs } = columns();
  const length = Math.max(...pairs.map(([, y, x]) => blockLengthOf(y, x)));
  for (const [name, y, x] of pairs) {
    if (name === 'judge') continue;
    const { stderr, unit, units } = textRatio(y, x, null, length);
    expect(unit).toBe('block');
    expect(units).toBeGreaterThanOrEqual(20);
    expect(stderr!).toBeGreaterThan(0.75 * OVER_SPEECHES[name]);
    expect(stderr!).toBeLessThan(1.4 * OVER_SPEECHES[name]);
  }
});

describe('two thirds of the speeches against the last third, 200 times', () => {
  it.each(['ar', 'difference'])('the interval of the change of %s holds 0 in 92 to 98%', (name) => {
    const { documents, pairs } = columns();
    const [, y, x] = pairs.find(([own]) => own === name)!;
    const random = multiplicative(20);
    let held = 0;
    for (let draw = 0; draw < 200; draw++) {
      const order = Array.from({ length: 19 }, (_, speech) => ({ speech, key: random() }));
      order.sort((a, b) => a.key - b.key);
      const larger = new Set(order.slice(0, 13).map(({ speech }) => speech));
      const [one, other] = [true, false].map((inLarger) => {
        const places = documents.flatMap((speech, i) => (larger.has(speech) === inLarger ? [i] : []));
        const of = (column: readonly number[]) => places.map((place) => column[place]);
        return textRatio(of(y), of(x), of(documents), blockLengthOf(of(y), of(x)));
      });
      const degrees = welchDegrees(
        [one.stderr!, other.stderr!],
        [degreesOf(one.effectiveUnits), degreesOf(other.effectiveUnits)],
      );
      const half = studentQuantile95(degrees) * Math.hypot(one.stderr!, other.stderr!);
      if (Math.abs(one.value! - other.value!) <= half) held++;
    }
    expect(held / 200).toBeGreaterThanOrEqual(0.92);
    expect(held / 200).toBeLessThanOrEqual(0.98);
  });
});

/** Park and Miller's generator (1988). */
function multiplicative(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
