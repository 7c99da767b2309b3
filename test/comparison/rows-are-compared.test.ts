import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { differenceOf } from '../../src/comparison/difference.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import { pairedComparison } from '../../src/records/text-figures.js';
import { resultOfNats, rowsOfResults, withoutSequences } from './rows.js';

const wave = (shift: number, n = 40) =>
  Array.from({ length: n }, (_, i) => 600 + 90 * Math.sin(3 * i) + shift * (1 + 0.1 * Math.cos(i)));
const a = resultOfNats(wave(0), 'first');
const b = resultOfNats(wave(5), 'second');

describe('two files that hold the same sequences', () => {
  it('are compared pair by pair, as one run compares its models', () => {
    const { differences, notices } = compareRows(rowsOfResults([a]), rowsOfResults([b]));
    const length = a.metrics.nll.blockLength!;
    const expected = pairedComparison(a.sequences!, b.sequences!, length);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({
      method: 'paired',
      metric: 'textNll',
      sequences: 40,
      value: expected.deltaNll,
      stderr: expected.stderr,
    });
    expect(notices).toEqual([]);
  });

  it('are told apart where their intervals are not', () => {
    const paired = compareRows(rowsOfResults([a]), rowsOfResults([b])).differences[0];
    const loose = compareRows(rowsOfResults([withoutSequences(a)]), rowsOfResults([b])).differences[0];
    expect(paired.ci95![1]).toBeLessThan(0);
    expect(loose).toMatchObject({ method: 'intervals', metric: 'nll', sequences: null });
    expect(loose.ci95![0]).toBeLessThan(0);
    expect(loose.ci95![1]).toBeGreaterThan(0);
    expect(loose.stderr).toBeCloseTo(Math.hypot(a.metrics.nll.stderr!, b.metrics.nll.stderr!), 12);
  });

  it('are compared on those that both evaluated', () => {
    const shorter = resultOfNats(wave(5).slice(0, 25), 'second');
    expect(compareRows(rowsOfResults([a]), rowsOfResults([shorter])).differences[0].sequences).toBe(25);
  });
});

describe('rows that may not be compared', () => {
  const changed = (change: (result: typeof b) => void) => {
    const result = structuredClone(b);
    change(result);
    return () => compareRows(rowsOfResults([a], 'a.json'), rowsOfResults([result], 'b.json'));
  };
  it.each([
    [
      'protocol.name',
      (r: typeof b) => Object.assign(r.protocol, { name: 'strict' }),
      'protocol.name is duo and strict',
    ],
    [
      'protocol.length',
      (r: typeof b) => Object.assign(r.protocol, { length: 64 }),
      'protocol.length is 128 and 64',
    ],
    [
      'protocol.version',
      (r: typeof b) => Object.assign(r.protocol, { version: 3 }),
      'protocol.version is 2 and 3',
    ],
    [
      'the packed stream',
      (r: typeof b) => Object.assign(r.dataset, { sha256: 'ef'.repeat(32) }),
      'dataset.sha256 is cdcdcdcdcdcd… and efefefefefef…',
    ],
  ])('are refused by the field that differs: %s', (_field, change, message) => {
    expect(changed(change)).toThrow(message);
  });

  it('are not those that were only estimated otherwise', () => {
    const other = changed((r) =>
      Object.assign(r.protocol, { draws: 3, seed: 9, estimator: 'plain', until: 0.1 }),
    );
    expect(other().differences).toHaveLength(1);
  });
});

describe('rows are matched', () => {
  it('by model and data set, and what is alone is named', () => {
    const left = rowsOfResults(
      ['ar', 'duo'].flatMap((name) => ['sotu', 'ptb'].map((on) => resultOfNats(wave(1), name, on))),
    );
    const right = rowsOfResults(
      [resultOfNats(wave(2), 'duo', 'ptb'), resultOfNats(wave(2), 'ar', 'lm1b')],
      'right.json',
    );
    const { differences, notices } = compareRows(left, right);
    expect(differences.map(({ modelA, modelB, dataset }) => [modelA, modelB, dataset])).toEqual([
      ['duo', 'duo', 'ptb'],
    ]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/^Nothing to compare with: .*; .*; .*; ar on lm1b \(right\.json\)\.$/);
  });

  it('to the one of the same protocol and seed where there are several', () => {
    const strict = structuredClone(a);
    strict.protocol.name = 'strict';
    const seeds = [1, 2].map((seed) => ({ ...structuredClone(a), protocol: { ...a.protocol, seed } }));
    const { differences } = compareRows(rowsOfResults([seeds[1]]), rowsOfResults([strict, ...seeds]));
    expect(differences).toHaveLength(1);
    expect(() => compareRows(rowsOfResults([seeds[1]]), rowsOfResults([seeds[0], seeds[0]]))).toThrow(
      'may be compared with 2 rows',
    );
  });
});

it('a perplexity is compared by its logarithm', () => {
  const [first] = rowsOfResults([a]);
  const [second] = rowsOfResults([b]);
  const difference = differenceOf(first, second, 'ppl')!;
  expect(difference.metric).toBe('nll');
  expect(Math.exp(difference.value!)).toBeCloseTo(a.metrics.ppl.value! / b.metrics.ppl.value!, 10);
});

it('bits per byte are compared in pairs too', () => {
  const [first] = rowsOfResults([a]);
  const [second] = rowsOfResults([b]);
  const difference = differenceOf(first, second, 'bitsPerByte')!;
  expect(difference.method).toBe('paired');
  expect(difference.value).toBeCloseTo(a.metrics.bitsPerByte.value! - b.metrics.bitsPerByte.value!, 10);
});

it('a table of differences fits the width, and marks what may be chance', () => {
  const near = resultOfNats(
    wave(0).map((nats, i) => nats + Math.sin(17 * i)),
    'a-model-with-a-long-name',
  );
  const { differences } = compareRows(rowsOfResults([a]), rowsOfResults([near]));
  const table = formatDifferences(differences, 'table', { width: 80, color: false });
  expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(table).toMatch(/^~ /m);
  expect(formatDifferences(differences, 'markdown')).toContain(
    '| ~ | first − a-model-with-a-long-name | sotu |',
  );
});
