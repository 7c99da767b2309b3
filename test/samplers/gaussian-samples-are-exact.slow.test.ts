import { afterAll, describe, expect, it } from 'vitest';
import { noiseSchedule } from '../../src/diffusion/schedule.js';
import { exactCheckpoint } from '../../src/evals/calibration/run.js';
import { independentTokens, type MarkovChain } from '../../src/models/sources/markov.js';
import type { LatentAnswer, LatentModel } from '../../src/samplers/decoding.js';
import { linearTimes } from '../../src/samplers/time-grid.js';
import { LatentSession, type LatentSessionOptions } from '../../src/sampling/latent-session.js';
import { unevenChain } from '../models/sources/chains.js';
import { chiSquareDeviate, countsOf } from './chi-square.js';
import { type GaussianSamples, gaussianSamples } from './gaussian-samples.js';

const opened: LatentSession[] = [];
afterAll(() => Promise.all(opened.map((session) => session.close())));

async function sampler(chain: MarkovChain, options: Partial<LatentSessionOptions> = {}) {
  const checkpoint = exactCheckpoint({ name: 'chain', chain }, 'duo', 'log-linear');
  const session = await LatentSession.start({ checkpoint, provider: 'cpu', threads: 1, ...options });
  opened.push(session);
  return (request: GaussianSamples) => gaussianSamples(session, checkpoint, request);
}

const K = 7;
const probabilities = [0.4, 0.25, 0.15, 0.1, 0.06, 0.03, 0.01];
const independent = sampler(independentTokens(probabilities));
const length = 16;

/** Keeps what every step of a batch answers, where the evidence of the latent counts so much. */
function recorded(answers: LatentAnswer[], evidence = 1): (model: LatentModel) => LatentModel {
  return (model) => ({
    begin(batch) {
      const decoding = model.begin(batch);
      return {
        get networkCalls() {
          return decoding.networkCalls;
        },
        release: () => decoding.release(),
        async step(step) {
          const answer = await decoding.step({ ...step, evidence: evidence * step.evidence });
          answers.push(answer);
          return answer;
        },
      };
    },
  });
}

describe('samples by a Gaussian latent, of independent tokens', () => {
  it.each([
    [1, 1],
    [1, 0],
    [2, 0],
    [5, 0.5],
    [5, 1],
    [12, 0],
  ])('have exact marginals with %i steps and η = %d', async (steps, eta) => {
    const samples = await (await independent)({ count: 1024, length, steps, eta, batch: 256 });
    expect(chiSquareDeviate(countsOf(samples.flat(), K), probabilities)).toBeLessThan(3.5);
    const pairs = samples
      .flatMap((tokens) => tokens.slice(1).map((w, l) => tokens[l] * K + w))
      .filter((_, i) => i % 2);
    const expected = probabilities.flatMap((p) => probabilities.map((q) => p * q));
    expect(chiSquareDeviate(countsOf(pairs, K * K), expected)).toBeLessThan(3.5);
  });

  it('agree with the argmax of the latent as often as the diffusion transformation says', async () => {
    const steps = 6;
    const schedule = noiseSchedule({ type: 'log-linear' });
    /** How far the share is from the one due, for each step after the first. */
    const deviates = async (eta: number, evidence: number) => {
      const answers: LatentAnswer[] = [];
      const watch = recorded(answers, evidence);
      await (await independent)({ count: 1024, length, steps, eta, batch: 1024, watch });
      expect(answers).toHaveLength(steps + 1);
      return answers.slice(1).map(({ drawn }, i) => {
        const alpha = schedule.alpha(linearTimes(steps)[i + 1]);
        const { z } = answers[i];
        const same = drawn.reduce((sum, token, at) => sum + Number(token === z[at]), 0);
        const expected = alpha + (1 - alpha) / K;
        return chiSquareDeviate([same, z.length - same], [expected, 1 - expected]);
      });
    };
    for (const eta of [0, 1]) expect(Math.max(...(await deviates(eta, 1)))).toBeLessThan(3);
    for (const evidence of [0, 0.8]) expect(Math.max(...(await deviates(1, evidence)))).toBeGreaterThan(6);
  });
});

describe('samples by a Gaussian latent, of a Markov chain', () => {
  it('come near its pairs with many steps, and know nothing of them with one', async () => {
    const chain = unevenChain(5, 3);
    const draw = await sampler(chain);
    let at: number[] = Array.from(chain.initial);
    for (let l = 0; l < 2; l++) {
      at = at.map((_, w) => at.reduce((sum, p, v) => sum + p * chain.transition[v * 5 + w], 0));
    }
    const expected = chain.transition.map((p, pair) => at[Math.floor(pair / 5)] * p);
    const count = 2000;
    /** Total variation between the pairs drawn and the chain's. */
    const distance = async (steps: number) => {
      const samples = await draw({ count, length: 4, steps, batch: 1000 });
      const found = countsOf(
        samples.map((tokens) => tokens[2] * 5 + tokens[3]),
        25,
      );
      return expected.reduce((sum, p, pair) => sum + Math.abs(found[pair] / count - p) / 2, 0);
    };
    // 0.35 for independent tokens of its marginals. About 0.06 stays however many the steps: see gaussian.ts.
    expect(await distance(1)).toBeGreaterThan(0.25);
    expect(await distance(48)).toBeLessThan(0.13);
  });
});

describe('a sample by a Gaussian latent', () => {
  it('does not depend on its batch', async () => {
    const request = { count: 10, length, steps: 4, eta: 0.7 };
    const whole = await (await independent)(request);
    for (const batch of [1, 3, 4]) expect(await (await independent)({ ...request, batch })).toEqual(whole);
    expect(await (await independent)({ ...request, seed: 2 })).not.toEqual(whole);
  });

  it('keeps given tokens, and leans towards what follows them', async () => {
    const chain = unevenChain(5, 3);
    const draw = await sampler(chain);
    const given = new Map([[2, 4]]);
    const request = { count: 600, length: 4, steps: 16, batch: 600 };
    const share = (samples: number[][]) => samples.filter((tokens) => tokens[3] === likeliest).length / 600;
    const row = chain.transition.subarray(20, 25);
    const likeliest = row.indexOf(Math.max(...row));
    const prompted = await draw({ ...request, given });
    expect(prompted.every((tokens) => tokens[2] === 4)).toBe(true);
    expect(share(prompted)).toBeGreaterThan(share(await draw(request)) + 0.1);
  });

  it('takes temperature and top-k for the model, not for the latent', async () => {
    const draw = await sampler(independentTokens(probabilities), { temperature: 2, topK: 3 });
    const samples = await draw({ count: 512, length, steps: 3, batch: 256 });
    const kept = probabilities.map((p, v) => (v < 3 ? Math.sqrt(p) : 0));
    const sum = kept.reduce((a, b) => a + b);
    const counts = countsOf(samples.flat(), K);
    expect(Array.from(counts.subarray(3))).toEqual([0, 0, 0, 0]);
    expect(
      chiSquareDeviate(
        counts.subarray(0, 3),
        kept.slice(0, 3).map((p) => p / sum),
      ),
    ).toBeLessThan(3.5);
  });
});

describe('a large latent', () => {
  const chain = independentTokens(probabilities);
  const checkpoint = exactCheckpoint({ name: 'chain', chain }, 'duo', 'log-linear');
  const nothing = { label: 'samples', tokens: new Int32Array(0), given: new Uint8Array(0) };
  const started = async (notices: string[] = []) => {
    const notice = (text: string) => notices.push(text);
    const session = await LatentSession.start({ checkpoint, provider: 'cpu', threads: 1, notice });
    opened.push(session);
    return session.forSamples(1, [0]);
  };

  it('is told of before it is made, once', async () => {
    const notices: string[] = [];
    const model = await started(notices);
    model.begin({ ...nothing, batch: 1, length: 100 }).release();
    expect(notices).toEqual([]);
    for (let i = 0; i < 2; i++) model.begin({ ...nothing, batch: 1, length: 5e6 }).release();
    expect(notices).toEqual([expect.stringContaining('needs 0.14 GB for a batch of 1, 0.14 GB a sample')]);
  });

  it('past the memory is refused, with what it would take', async () => {
    const model = await started();
    const begin = () => model.begin({ ...nothing, batch: 1e6, length: 1e6 });
    expect(begin).toThrow(/needs 28000 GB for a batch of 1000000, 0\.028 GB a sample/);
    expect(begin).toThrow(expect.objectContaining({ code: 'latent-past-memory', exitCode: 3 }));
  });
});

describe('a latent that takes the mean', () => {
  it('comes near the marginals with many steps', async () => {
    const draw = await sampler(independentTokens(probabilities), { mean: true });
    const samples = await draw({ count: 400, length, steps: 60, batch: 400 });
    const shares = countsOf(samples.flat(), K).map((count) => count / (400 * length));
    for (const [v, p] of probabilities.entries()) expect(Math.abs(shares[v] - p)).toBeLessThan(0.03);
  });
});
