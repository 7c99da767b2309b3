/** About src/diffusion/heads/losses.ts and src/diffusion/integration.ts */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { integration, type NoiseLevel, RECONSTRUCTION } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { noisyTokens } from '../../../src/evals/perplexity/loss-batch.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { allStates } from '../../models/sources/table-of-states.js';
import {
  bound,
  evidence,
  LENGTH,
  levelOf,
  MASK,
  reconstruction,
  STEPS,
  stepsCheckpoint,
  TOKENS,
} from './steps-chain.js';

let session: LossSession;
beforeAll(async () => {
  session = await LossSession.start({ checkpoint: stepsCheckpoint(), provider: 'cpu', threads: 1 });
});
afterAll(() => session.close());

const levels = integration('strict', noiseSchedule({ type: 'log-linear', steps: STEPS }));
/** The level of step i: u is in the middle of its share. */
const levelOfStep = (i: number): NoiseLevel => levels.at((i - 0.5) / STEPS);

/** A draw of each mask at a level, and how probable the mask is. */
function drawOfEachMask(x: Int32Array, level: NoiseLevel) {
  const model = batchModelOf(session.checkpoint, { seed: 1, wrapped: false });
  const found = new Map<string, number>();
  for (let draw = 0; found.size < 2 ** LENGTH && draw < 20_000; draw++) {
    const z = noisyTokens(new Int32Array(LENGTH), { sequence: 0, draw, x, level }, model);
    if (!found.has(z.join())) found.set(z.join(), draw);
  }
  const m = level.oneMinusAlpha;
  return [...found].map(([z, draw]) => {
    const masks = z.split(',').filter((token) => Number(token) === MASK).length;
    return { draw, probability: m ** masks * (1 - m) ** (LENGTH - masks) };
  });
}

/** The bound as the program computes it, over all steps and masks in place of draws. */
async function found(text: readonly number[]): Promise<number> {
  const x = Int32Array.from(text);
  const model = batchModelOf(session.checkpoint, { seed: 1, wrapped: false });
  const [clean] = await session.losses([{ sequence: 0, draw: 0, x, level: RECONSTRUCTION }], model);
  // of clean text alone, twice
  const ofClean = clean.nats / 2;
  let sum = ofClean;
  for (let i = 1; i <= STEPS; i++) {
    const level = levelOfStep(i);
    const draws = drawOfEachMask(x, level);
    const calls = draws.map(({ draw }) => ({ sequence: 0, draw, x, level }));
    const losses = await session.losses(calls, model);
    const share = level.oneMinusAlpha - (level.nextOneMinusAlpha ?? 0);
    for (const [k, { nats }] of losses.entries())
      sum += (draws[k].probability * share * (nats - ofClean)) / level.weight;
  }
  return sum;
}

describe('the bound of three steps, of a network that gives the mask a probability', () => {
  it('has the levels of the steps', () => {
    for (let i = 1; i <= STEPS; i++) {
      expect(levelOfStep(i).oneMinusAlpha).toBeCloseTo(levelOf(i), 12);
      expect(levelOfStep(i).nextOneMinusAlpha).toBeCloseTo(levelOf(i - 1), 12);
    }
  });

  it.each([
    [0, 1, 2],
    [2, 2, 0],
    [1, 0, 0],
  ])('is the sum of the divergences of the chain: %i %i %i', async (...x) => {
    expect(reconstruction(x)).toBeGreaterThan(0.1);
    expect(Math.abs((await found(x)) / bound(x) - 1)).toBeLessThan(1e-6);
  });

  it('is above −ln p of the chain, for every text', () => {
    for (const x of allStates(TOKENS, LENGTH)) expect(bound(x)).toBeGreaterThan(-Math.log(evidence(x)));
  });
});
