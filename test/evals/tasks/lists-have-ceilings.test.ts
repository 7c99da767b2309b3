/** About src/evals/tasks/lists.ts */
import { describe, expect, it } from 'vitest';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import {
  type ListTask,
  listCeiling,
  listDocuments,
  revealsOfAncestral,
  revealsOfPolicy,
  solvesList,
} from '../../../src/evals/tasks/lists.js';
import { resolveSampler, samplerOptions } from '../../../src/samplers/registry.js';
import type { Denoiser, DenoiserRequest } from '../../../src/samplers/sampler.js';
import { generate } from '../../../src/sampling/generate.js';

const LIST = ['A', 'B', 'C', 'D', 'E'];
const [LENGTH, NEW, MASK] = [LIST.length, LIST.length, LIST.length + 1];

/** p(token) of a position: exact, given what is revealed of a right answer; anything where that went wrong. */
function ideal(kind: ListTask, tokens: Int32Array, l: number): number[] {
  const row = new Array<number>(MASK + 1).fill(0);
  const left = tokens.filter((token) => token === MASK).length;
  if (kind === 'shuffle') {
    const free = LIST.map((_, i) => i).filter((i) => !tokens.includes(i));
    for (const i of free) row[i] = 1 / free.length;
    return row;
  }
  const chance = tokens.includes(NEW) ? 0 : 1 / left;
  [row[l], row[NEW]] = [1 - chance, chance];
  return row;
}

const denoiserOf = (kind: ListTask): Denoiser => ({
  async denoise({ tokens, batch, length, uniforms, score }: DenoiserRequest) {
    const token = new Int32Array(batch * length);
    for (let i = 0; i < token.length; i++) {
      const b = Math.floor(i / length);
      const row = ideal(kind, tokens.slice(b * length, (b + 1) * length), i - b * length);
      const below = row.map((_, k) => row.slice(0, k + 1).reduce((sum, p) => sum + p, 0));
      const drawn = below.findIndex((sum) => (uniforms?.[i] ?? 0) < sum);
      token[i] = drawn >= 0 ? drawn : row.findLastIndex((p) => p > 0);
    }
    const ones = new Float64Array(token.length).fill(1);
    return { token, probability: ones, present: null, scoreSum: null, ...(score && { score: ones }) };
  },
});

const schedule = noiseSchedule({ type: 'log-linear', eps: 1e-3 });
const SAMPLES = 4000;

async function shareRight(kind: ListTask, name: string, steps: number): Promise<number> {
  const sampler = await resolveSampler(name);
  const plan = {
    model: {
      name: 'ideal',
      family: 'mdlm',
      vocabSize: MASK + 1,
      maskTokenId: MASK,
      schedule,
      timeConditioned: false,
    },
    ...{ source: { denoiser: denoiserOf(kind) }, sampler, options: samplerOptions(sampler.sampler, []) },
    ...{ steps, length: LENGTH, seed: 3, samples: SAMPLES, batch: 500 },
  } as const;
  let right = 0;
  for await (const samples of generate(plan))
    for (const { tokens } of samples) {
      const answer = Array.from(tokens, (token) => [...LIST, 'X'][token]).join(' ');
      right += Number(solvesList(kind, `${LIST.join(' ')} > X`, answer));
    }
  return right / SAMPLES;
}

describe('the ceiling of an ideal model', () => {
  const cases = (['shuffle', 'replace'] as const).flatMap((kind) =>
    [1, 2, 5].map((steps) => [kind, steps] as const),
  );
  it.each(cases)('of %s is what an ideal model gets in %i steps', async (kind, steps) => {
    const policy = listCeiling(kind, LENGTH, revealsOfPolicy(Math.ceil(LENGTH / steps)));
    const ancestral = listCeiling(kind, LENGTH, revealsOfAncestral(schedule, steps));
    const errorOf = (p: number) => 4 * Math.sqrt((p * (1 - p)) / SAMPLES) + 1e-9;
    expect(Math.abs((await shareRight(kind, 'unmask', steps)) - policy)).toBeLessThan(errorOf(policy));
    expect(Math.abs((await shareRight(kind, 'ancestral', steps)) - ancestral)).toBeLessThan(
      errorOf(ancestral),
    );
  });

  it('in one call is n!/nⁿ and (1 − 1/n)ⁿ⁻¹, and 1 with one token a call', () => {
    expect(listCeiling('shuffle', 4, revealsOfPolicy(4))).toBeCloseTo(24 / 256, 12);
    expect(listCeiling('replace', 4, revealsOfPolicy(4))).toBeCloseTo(0.75 ** 3, 12);
    for (const kind of ['shuffle', 'replace'] as const)
      expect(listCeiling(kind, 6, revealsOfPolicy(1))).toBeCloseTo(1, 12);
  });
});

it('the lists of a seed are the same again, and their own answers solve them', () => {
  const asked = { count: 50, length: 6, seed: 1 };
  const documents = listDocuments(asked);
  expect(listDocuments(asked)).toEqual(documents);
  expect(new Set(documents.map(({ list }) => list)).size).toBe(50);
  for (const { input, list, replaced, shuffled } of documents as Record<string, string>[]) {
    expect(solvesList('replace', input, replaced)).toBe(true);
    expect(solvesList('shuffle', input, shuffled)).toBe(true);
    expect(solvesList('replace', input, list)).toBe(false);
    expect(solvesList('shuffle', input, replaced)).toBe(false);
  }
});
