import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Dimensions } from '../../src/models/architectures/dimensions.js';
import { autoregressiveFeeds, denoisingFeeds } from '../../src/training/noisy-batch.js';
import { objectiveGraph, type TrainingProblem } from '../../src/training/objective.js';
import { defaultAdamW } from '../../src/training/optimizer.js';
import { startingVectors, TrainingSession } from '../../src/training/training-session.js';
import { hashed, oracleWeight } from './oracle-weights.js';

interface Run {
  family: 'ar' | 'mdlm' | 'sedd' | 'duo';
  dimensions: Dimensions;
  maskTokenId: number | null;
  /** Of each step. */
  x: number[][][];
  z: number[][][];
  oneMinusAlpha: number[][];
  losses: number[];
  norms: number[];
  /** Norm and a projection. */
  weights: [number, number];
  average: [number, number];
}
const { cases } = JSON.parse(
  readFileSync(new URL('../oracles/training-runs.json', import.meta.url), 'utf8'),
) as { cases: Run[] };

const options = {
  adamW: defaultAdamW,
  greatestNorm: 1,
  learningRate: { highest: 3e-3, warmup: 10, steps: 50, final: 0 },
  averageDecay: 0.99,
  threads: 1,
};

const difference = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);

describe.each(cases.map((run) => [run.family, run] as const))('%s', (family, run) => {
  it('has the losses, weights and average of an independent run of 50 steps', async () => {
    const problem: TrainingProblem = {
      family,
      dimensions: run.dimensions,
      maskTokenId: run.maskTokenId,
      batch: run.x[0].length,
      length: run.x[0][0].length,
    };
    const objective = objectiveGraph(problem);
    const weights = Float32Array.from(objective.parameters.flatMap((p, i) => [...oracleWeight(p, i)]));
    const training = await TrainingSession.start(objective, startingVectors(weights), options);

    const errors = { loss: 0, norm: 0 };
    for (const [i, loss] of run.losses.entries()) {
      const [x, z] = [run.x[i], run.z[i]].map((rows) => Int32Array.from(rows.flat()));
      const oneMinusAlpha = Float64Array.from(run.oneMinusAlpha[i]);
      const noisy = {
        x,
        z,
        oneMinusAlpha,
        slope: new Float64Array(problem.batch).fill(0.999),
        sigma: oneMinusAlpha.map((level) => -Math.log1p(-level)),
      };
      const feeds = family === 'ar' ? autoregressiveFeeds(problem, z, x) : denoisingFeeds(problem, noisy);
      const result = await training.step(i + 1, feeds);
      errors.loss = Math.max(errors.loss, difference(result.loss, loss));
      errors.norm = Math.max(errors.norm, difference(result.gradientNorm, run.norms[i]));
    }
    const vectors = await training.read();
    await training.close();

    expect(errors.loss).toBeLessThan(1e-4);
    expect(errors.norm).toBeLessThan(1e-3);
    const r = hashed(weights.length, 77);
    for (const name of ['weights', 'average'] as const) {
      const found = vectors[name];
      const norm = Math.sqrt(found.reduce((sum, w) => sum + w * w, 0));
      expect(difference(norm, run[name][0])).toBeLessThan(1e-4);
      const projection = found.reduce((sum, w, i) => sum + w * r[i], 0);
      expect(Math.abs(projection - run[name][1])).toBeLessThan(1e-3);
    }
  });
});
