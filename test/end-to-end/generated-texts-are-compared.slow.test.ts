/** About src/commands/compare.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import type { GenerativeResult } from '../../src/evals/generation/record.js';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
const SAMPLING = ['--sampler', 'ancestral', '--steps', '16', '--samples', '48', '--length', '64'];
const JUDGING = ['--judge', fixture('markov-ar.onnx'), '--protocol', 'strict', '--threads', '1', '--quiet'];
const gen = async (out: string, model: string, more: string[] = []): Promise<GenerativeResult> => {
  const args = ['gen', '--model', `model=${fixture(`markov-${model}.onnx`)}`, ...SAMPLING, ...JUDGING];
  await succeed(space, [...args, ...more, '--out', out]);
  return JSON.parse(space.read(out)).results[0];
};
const fromFile = async (out: string, more: string[]): Promise<GenerativeResult> => {
  const model = ['--model', `model=${fixture('markov-duo.onnx')}`, '--protocol', 'strict', '--fresh'];
  await succeed(space, ['sample', ...model, ...SAMPLING, ...more, '--out', 'file.jsonl', '--quiet']);
  await succeed(space, ['gen', 'file.jsonl', ...JUDGING, '--by-sample', '--out', out]);
  return JSON.parse(space.read(out)).results[0];
};
interface Found {
  metric: string;
  method: string;
  sequences: number | null;
  difference: number;
  stderr: number;
  ci95: [number, number];
  significant: boolean;
}
const compared = async (a: string, b: string) => {
  const { stdout } = await succeed(space, ['compare', a, b, '--json']);
  const found: Found[] = JSON.parse(stdout).comparisons;
  return Object.fromEntries(found.map((one) => [one.metric, one]));
};

beforeAll(async () => {
  space = workspace();
  await gen('warm.json', 'duo', ['--by-sample']);
  await gen('cool.json', 'duo', ['--by-sample', '--temperature', '0.98']);
});

describe('two runs of one seed', () => {
  it('hold columns whose totals are their figures', () => {
    const { bySample, metrics, cost, samples } = JSON.parse(space.read('warm.json'))
      .results[0] as GenerativeResult;
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    const { nats, tokens, entropy, repetition4 } = bySample!;
    expect(nats).toHaveLength(samples.count);
    expect(sum(tokens!)).toBe(cost.tokens);
    expect(sum(nats!) / sum(tokens!)).toBeCloseTo(metrics.genNll.value!, 12);
    expect(sum(entropy) / entropy.length).toBeCloseTo(metrics.entropy.value!, 12);
    expect(sum(repetition4!) / 48).toBeCloseTo(metrics.repetition4.value!, 12);
  });

  it('are compared in pairs, whose common random numbers tell apart what intervals do not', async () => {
    const { genNll, entropy, distinct2 } = await compared('warm.json', 'cool.json');
    expect(genNll).toMatchObject({ method: 'paired', sequences: 48, significant: true });
    expect(genNll.difference).toBeGreaterThan(0); // less temperature, likelier text
    expect(entropy).toMatchObject({ method: 'paired', sequences: 48 });
    expect(distinct2).toMatchObject({ method: 'intervals', stderr: null });

    await gen('plain.json', 'duo');
    const loose = (await compared('plain.json', 'cool.json')).genNll;
    expect(loose).toMatchObject({ method: 'intervals', significant: false });
    expect(loose.difference).toBeCloseTo(genNll.difference, 12);
    expect(loose.stderr / genNll.stderr).toBeGreaterThan(1.5);
    expect(JSON.parse(space.read('plain.json')).results[0]).not.toHaveProperty('bySample');
  });

  it('of different models are pairs too', async () => {
    await gen('masked.json', 'mdlm', ['--by-sample']);
    const { genNll } = await compared('warm.json', 'masked.json');
    expect(genNll).toMatchObject({ method: 'paired', sequences: 48 });
    // Both are the same chain, so in theory there is no difference.
    expect(Math.abs(genNll.difference) / genNll.stderr).toBeLessThan(4);
  });

  it('are the same by way of a samples file', async () => {
    const read = await fromFile('file.json', ['--seed', '1']);
    expect(read.bySample).toEqual(JSON.parse(space.read('warm.json')).results[0].bySample);
    const { genNll } = await compared('file.json', 'warm.json');
    expect(genNll).toMatchObject({ method: 'paired', difference: 0, ci95: [0, 0], significant: false });
  });

  it('that go on from one prompt are pairs, which the samples file tells', async () => {
    const prompt = ['--prompt', 'The Congress of'];
    const warm = await fromFile('prompted.json', prompt);
    expect(warm.samples.promptSha256).toMatch(/^[0-9a-f]{64}$/);
    await fromFile('prompted-cool.json', [...prompt, '--temperature', '0.98']);
    const { genNll } = await compared('prompted.json', 'prompted-cool.json');
    expect(genNll).toMatchObject({ method: 'paired', sequences: 48 });
    await fromFile('otherwise.json', ['--prompt', 'The Senate of']);
    expect((await compared('prompted.json', 'otherwise.json')).genNll.method).toBe('intervals');
  });
});

it('runs of another seed are compared by their intervals, and that is said', async () => {
  await gen('other.json', 'duo', ['--by-sample', '--seed', '2']);
  const { stdout } = await succeed(space, ['compare', 'warm.json', 'other.json']);
  const reason = '"intervals": the samples were drawn from different seeds, so the two count as independent.';
  expect(stdout.replace(/\s+/g, ' ')).toContain(reason);
  expect((await compared('warm.json', 'other.json')).genNll.method).toBe('intervals');
});
