import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Dimensions } from '../../../src/models/architectures/dimensions.js';
import { networkParameters } from '../../../src/models/architectures/parameters.js';
import { distill } from '../../../src/training/distillation/distill.js';
import { distillationFeeds } from '../../../src/training/distillation/feeds.js';
import type { DistillationSettings } from '../../../src/training/distillation/settings.js';
import { hashed, oracleWeight } from '../oracle-weights.js';
import { temporaryState } from '../toy-run.js';
import { toyDistillation } from './toy-distillation.js';

interface Step {
  later: number[][];
  earlier: number[][];
  laterSigma: number[];
  earlierSigma: number[];
}
interface Case extends Pick<DistillationSettings, 'divergence' | 'nextTeacher'> {
  losses: number[];
  norms: number[];
  /** Norm and a projection. */
  weights: [number, number];
  average: [number, number];
}
const { dimensions, steps, cases } = JSON.parse(
  readFileSync(new URL('../../oracles/distillation-runs.json', import.meta.url), 'utf8'),
) as { dimensions: Dimensions; steps: Step[]; cases: Case[] };

const LENGTH = 12;
const text = {
  sequences: 20,
  length: LENGTH,
  sequence: (i: number) => Int32Array.from({ length: LENGTH }, (_, l) => (5 * i + 3 * l) % 40),
};
const settings = toyDistillation({
  problem: { family: 'duo', dimensions, maskTokenId: null, batch: 3, length: LENGTH },
  seed: 11,
  rounds: 6,
  stepsPerRound: 4,
  learningRate: { highest: 3e-3, warmup: 5 },
});

const difference = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);

it('reads what the independent run read', () => {
  const feeds = distillationFeeds(settings, text);
  for (const [i, step] of steps.entries()) {
    const { input_ids, sigma, teacher_input_ids, teacher_sigma } = feeds(i + 1);
    expect([...input_ids.data].map(Number)).toEqual(step.later.flat());
    expect([...teacher_input_ids.data].map(Number)).toEqual(step.earlier.flat());
    for (const [found, expected] of [
      [sigma, step.laterSigma],
      [teacher_sigma, step.earlierSigma],
    ] as const)
      for (const [b, level] of expected.entries())
        expect(difference(Number(found.data[b]), level)).toBeLessThan(1e-6);
  }
});

it.each(cases.map((one) => [one.divergence, one.nextTeacher, one] as const))(
  'has its losses, weights and average: KL %s, the %s become the teacher',
  async (divergence, nextTeacher, expected) => {
    const parameters = networkParameters(dimensions, { adaLN: true });
    const weights = Float32Array.from(parameters.flatMap((p, i) => [...oracleWeight(p, i)]));
    const { vectors, curve } = await distill({
      settings: { ...settings, divergence, nextTeacher },
      weights,
      text,
      statePath: temporaryState(),
      saveEvery: 100,
      threads: 1,
    });
    for (const [i, loss] of expected.losses.entries()) {
      // Where student and teacher are still one the gradient is little more than rounding, and AdamW takes its sign.
      expect(Math.abs(curve[2 * i] - loss)).toBeLessThan(3e-3 * loss + 1e-7);
      expect(difference(curve[2 * i + 1], expected.norms[i])).toBeLessThan(5e-3);
    }
    const r = hashed(weights.length, 77);
    for (const name of ['weights', 'average'] as const) {
      const found = vectors[name];
      const norm = Math.sqrt(found.reduce((sum, w) => sum + w * w, 0));
      expect(difference(norm, expected[name][0])).toBeLessThan(1e-4);
      const projection = found.reduce((sum, w, i) => sum + w * r[i], 0);
      expect(Math.abs(projection - expected[name][1])).toBeLessThan(2e-3);
    }
  },
);
