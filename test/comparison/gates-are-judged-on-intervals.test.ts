import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkGates } from '../../src/comparison/gate/checks.js';
import { matches, readGates } from '../../src/comparison/gate/config.js';
import { figuresOfRows } from '../../src/comparison/gate/figures.js';
import { judge } from '../../src/comparison/gate/judgement.js';
import { checkText, verdictText } from '../../src/comparison/gate/sentences.js';
import { parseYaml } from '../../src/strict-yaml.js';
import { gatesOf } from './gates.js';
import { resultOfNats, rowsOfResults } from './rows.js';

const figure = (value: number, half: number, more: object = {}) => ({
  value,
  interval: [value - half, value + half] as [number, number],
  units: 100,
  draws: 4,
  drawError: null,
  ...more,
});

describe('a limit', () => {
  it.each([
    ['max', 12, 10, 1, 'pass'],
    ['max', 11, 10, 1, 'pass'],
    ['max', 10.5, 10, 1, 'undecided'],
    ['max', 9.5, 10, 1, 'undecided'],
    ['max', 8.9, 10, 1, 'fail'],
    ['min', 8.9, 10, 1, 'pass'],
    ['min', 9.5, 10, 1, 'undecided'],
    ['min', 11.1, 10, 1, 'fail'],
  ] as const)('%s %d of %d ± %d: %s', (side, bound, value, half, verdict) => {
    expect(judge(figure(value, half), bound, side).verdict).toBe(verdict);
  });

  it('that is undecided needs as many more sequences as make the interval narrower than the distance', () => {
    const { needed } = judge(figure(10, 2), 11, 'max');
    expect(needed).toEqual({ units: 300, draws: null });
    const half = 2 * Math.sqrt(100 / 400);
    expect(judge(figure(10, half), 11, 'max').verdict).toBe('pass');
    expect(judge(figure(10, 2), 10, 'max').needed).toEqual({ units: null, draws: null });
  });

  it('needs more draws only where they can decide: the error of the text stays', () => {
    const z = 1.959963984540054;
    // Squared errors: 3 of the draws, 1 of the text. Four draws; the distance allows 2 in all, so draws may have 1.
    const mixed = figure(10, 2 * z, { drawError: Math.sqrt(3) });
    expect(judge(mixed, 10 + Math.SQRT2 * z, 'max').needed!.draws).toBe(8);
    expect(judge(mixed, 10 + 0.9 * z, 'max').needed!.draws).toBeNull();
    expect(judge({ ...mixed, units: null }, 10 + 1.001 * z, 'max').needed).toEqual({
      units: null,
      draws: 12,
    });
  });

  it('is undecided where there is no interval', () => {
    expect(judge({ ...figure(1, 0), interval: null }, 5, 'max').verdict).toBe('undecided');
  });
});

const wave = (shift: number) =>
  Array.from({ length: 40 }, (_, i) => 600 + 90 * Math.sin(3 * i) + shift * (1 + 0.1 * Math.cos(i)));
const before = rowsOfResults([resultOfNats(wave(0))], 'before.json');
const after = rowsOfResults([resultOfNats(wave(5))], 'after.json');
const gates = gatesOf;
const only = (text: string, baseline: typeof before | null = before) =>
  checkGates(gates(text), after, baseline).checks[0];

describe('gates of rows', () => {
  it('judge a change on pairs, in percent or in the figure’s own unit', () => {
    // 5 nats a sequence of 128 tokens: perplexity rises by exp(5/128) − 1 = 4%.
    expect(only('- {metric: ppl, maxIncrease: 5%}')).toMatchObject({ verdict: 'pass', percent: true });
    expect(only('- {metric: ppl, maxIncrease: 3%}')).toMatchObject({ verdict: 'fail' });
    expect(only('- {metric: ppl, maxIncrease: 3%}').value).toBeCloseTo(100 * Math.expm1(5 / 128), 1);
    expect(only('- {metric: nll, maxIncrease: 0.05}').value).toBeCloseTo(5 / 128, 3);
    expect(only('- {metric: ppl, maxIncrease: 0.5}').value).toBeCloseTo(
      after[0].figures.get('ppl')!.value! - before[0].figures.get('ppl')!.value!,
      10,
    );
    expect(only('- {metric: ppl, maxDecrease: 0%}').verdict).toBe('pass');
  });

  it('judge a figure by its own interval', () => {
    const { value, ci95 } = after[0].figures.get('ppl')!;
    expect(only(`- {metric: ppl, max: ${ci95![1] * 1.01}}`, null)).toMatchObject({ verdict: 'pass' });
    expect(only(`- {metric: ppl, max: ${value! * 1.01}}`, null)).toMatchObject({ verdict: 'undecided' });
    expect(only(`- {metric: ppl, max: ${value! * 0.99}, interval: draws}`, null)).toMatchObject({
      verdict: 'fail',
    });
  });

  it('that match no row, no figure or no baseline are errors that say what there is', () => {
    expect(() => only('- {metric: ppl, model: mdlm*, max: 1}')).toThrow(/gate of line 2 matches no row/);
    expect(() => only('- {metric: bpb, max: 1}')).toThrow(/matches no row/);
    expect(() => only('- {metric: ppl, maxIncrease: 1%}', null)).toThrow(/there is no baseline/);
  });

  it('that all of the data set cannot decide say so, others how much more would', () => {
    const { value } = after[0].figures.get('ppl')!;
    const told = (share: number) => checkText(only(`- {metric: ppl, max: ${value! * share}}`, null));
    expect(told(1.00001)).toContain(
      'undecided; other text, or a wider limit (all 1458 sequences of this data set are too few).',
    );
    expect(told(1.015)).toMatch(/undecided; about \d+ more sequences?\.$/);
  });

  it('over draws take Student’s t of their degrees of freedom, worked out for older files', () => {
    const half = (mcStderr: number, change: (protocol: Record<string, unknown>) => void) => {
      const result = structuredClone(resultOfNats(wave(5)));
      result.metrics.nll.mcStderr = mcStderr;
      Object.assign(result.protocol, { draws: 2, randomizations: 8, mcDegreesOfFreedom: 4 });
      change(result.protocol as unknown as Record<string, unknown>);
      const [check] = checkGates(
        gates('- {metric: nll, max: 9, interval: draws}'),
        rowsOfResults([result]),
        null,
      ).checks;
      return check.ci95![1] - check.value!;
    };
    expect(half(0.01, () => {})).toBeCloseTo(2.776 * 0.01, 4);
    expect(half(0.01, (protocol) => delete protocol.mcDegreesOfFreedom)).toBeCloseTo(2.776 * 0.01, 4);
    expect(half(0, () => {})).toBe(0); // an exact loss has no error over draws
  });

  it('fail before they are undecided', () => {
    const record = checkGates(
      gates(
        `- {metric: ppl, max: 1}\n- {metric: ppl, max: 1000}\n- {metric: ppl, max: ${after[0].figures.get('ppl')!.value}}`,
      ),
      after,
      null,
    );
    expect(record).toMatchObject({ verdict: 'fail', failed: 1 });
    expect([record.passed, record.undecided]).toEqual([1, 1]);
  });

  it('count as holding or as broken, where someone says so, and a broken limit stays broken', () => {
    const undecided = `- {metric: ppl, max: ${after[0].figures.get('ppl')!.value}}`;
    const as = (what: 'pass' | 'fail', more = '') => checkGates(gates(undecided + more), after, null, what);
    expect(as('pass')).toMatchObject({ verdict: 'pass', undecided: 1, undecidedAs: 'pass' });
    expect(as('fail')).toMatchObject({ verdict: 'fail', failed: 0, undecided: 1 });
    expect(as('pass', '\n- {metric: ppl, max: 1}')).toMatchObject({ verdict: 'fail', failed: 1 });
    expect(verdictText(as('fail'))).toBe(
      '0 limits hold, 0 are broken, 1 is undecided, which counts as broken.',
    );
  });

  it('can limit what is listed', () => {
    const listed = figuresOfRows(after).map(({ metric }) => metric);
    expect(listed).toContain('bitsPerByte');
    for (const metric of listed)
      expect(checkGates(gates(`- {metric: ${metric}, min: 0}`), after, null).failed).toBe(0);
  });
});

it('patterns take * for anything and every other character for itself', () => {
  expect(matches('duo*', 'duo-v2')).toBe(true);
  expect(matches('*.v?', 'a.v?')).toBe(true);
  expect(matches('*.v?', 'a.v2')).toBe(false);
  expect(matches('duo', 'duo-v2')).toBe(false);
});

describe('a gates file that is wrong', () => {
  it.each([
    ['a key that is not there', '- {metric: ppl, maxx: 3}', /line 2: gates\.0\.maxx: there is no such key/],
    ['no limit', '- metric: ppl', /line 2: gates\.0: it sets no limit/],
    [
      'a change that is none',
      '- metric: ppl\n  maxIncrease: lots',
      /line 3: gates\.0\.maxIncrease: it takes a number/,
    ],
    ['a key given twice', '- metric: ppl\n  metric: nll', /line 3: the key metric stands twice/],
    ['a torn structure', '- {metric: ppl', /line \d/],
  ])('is refused by line and key: %s', (_what, text, message) => {
    expect(() => gates(text)).toThrow(message);
  });

  it('is refused when it is not there, is empty, or grows out of references', () => {
    expect(() => readGates('no/such.yaml')).toThrow('there is no such file');
    expect(() => parseYaml('', 'g.yaml', z.object({ gates: z.array(z.string()) }), 'a gates file')).toThrow(
      'g.yaml, line 1',
    );
    const bomb = `a: &a [${'x,'.repeat(20)}]\n${['b', 'c', 'd', 'e'].map((name, i) => `${name}: &${name} [${`*${'abcd'[i]},`.repeat(20)}]`).join('\n')}`;
    expect(() => parseYaml(bomb, 'g.yaml', z.any(), 'a gates file')).toThrow(/g\.yaml, line 1/);
  });
});
