/**
 * Ancestral sampling: from noise to text by the posterior of each step, q(z_s | z_t, x_θ) (MDLM: arXiv 2406.07524; Duo: arXiv
 * 2506.10892). The samplers here differ in how the last noise is removed, and in the posterior: SEDD's is another.
 */
import { analyticUnmaskProbability, CLEAN, unmaskProbability } from '../diffusion/posterior.js';
import { UsageError } from '../errors.js';
import { lastStep, takeStep, takeTokens } from './posterior-step.js';
import type { Sampler, SamplingRun } from './sampler.js';
import { levelAt, linearTimes, scheduleOf, walkTimes } from './time-grid.js';

export const ancestral: Sampler = {
  name: 'ancestral',
  summary: 'The posterior of each step; steps + 1 calls, the last of which removes the noise that is left.',
  families: ['mdlm', 'duo', 'bd3lm', 'd3pm', 'gidd'],
  sample: (run) => (run.blockSize ? walkBlocks(run, run.blockSize) : walk(run, 'ancestral')),
};

/** @param tail how the last noise is removed: by a draw, or by the most probable tokens */
async function* walk(run: SamplingRun, tail: 'ancestral' | 'greedy'): AsyncGenerator<void, void, void> {
  const schedule = scheduleOf(run);
  const times = walkTimes(run);
  const last = times.length - 1;
  for (let step = 0; step < last; step++) {
    const [t, s] = [levelAt(schedule, times[step]), levelAt(schedule, times[step + 1])];
    await takeStep(run, { time: times[step], t, s, kappa: 1, step });
    yield;
  }
  const answer = await run.denoise({ t: times[last], step: last, greedy: tail === 'greedy' });
  if (tail === 'greedy') takeTokens(run, answer);
  else lastStep(run, answer, { t: levelAt(schedule, times[last]), step: last });
  yield;
}

/**
 * Block diffusion (BD3-LM, arXiv 2503.09573): the blocks one after the other, each from noise to text by the posterior of each
 * step. The network does not read the time, so a step that reveals nothing needs no call: with many steps, a block of L′ tokens
 * takes L′ calls, and the order of its tokens is uniformly random. The first-hitting sampler of the reference draws just that
 * order: it is the sampler `unmask` with order=random and tokens-per-call=1. The steps are shared out among the blocks, at
 * least one each.
 */
async function* walkBlocks(run: SamplingRun, blockSize: number): AsyncGenerator<void, void, void> {
  const { batch, length, tokens, maskTokenId } = run;
  const schedule = scheduleOf(run);
  const steps = Math.ceil(run.steps / Math.ceil(length / blockSize));
  let call = 0;
  for (let start = 0; start < length; start += blockSize) {
    for (let step = 0; step < steps; step++, call++) {
      const [t, later] = [1 - step / steps, 1 - (step + 1) / steps];
      const s = step + 1 === steps ? CLEAN : levelAt(schedule, later);
      const unmask = unmaskProbability(levelAt(schedule, t), s, 1);
      const component = run.uniforms('component', call);
      const revealed = Array.from({ length: batch }, (_, b) => {
        const block = Array.from(
          { length: Math.min(blockSize, length - start) },
          (_, l) => b * length + start + l,
        );
        return block.filter((i) => tokens[i] === maskTokenId && component[i] < unmask);
      });
      const skip = Uint8Array.from(revealed, (places) => Number(places.length === 0));
      if (skip.includes(0)) {
        const { token } = await run.denoise({ t, step: call, skip });
        for (const i of revealed.flat()) tokens[i] = token[i];
      }
      yield;
    }
  }
}

/** Ancestral sampling whose last step takes the most probable tokens instead of drawing them. */
export const greedyTail: Sampler = {
  name: 'greedy-tail',
  summary: 'Ancestral, but the last step takes the most probable token.',
  families: ['mdlm', 'duo', 'd3pm', 'gidd'],
  sample: (run) => walk(run, 'greedy'),
};

const MOST_STEPS = 32;

/** The few-step sampler for models made by discrete consistency distillation (arXiv 2506.10892, section 4). */
export const dcd: Sampler = {
  name: 'dcd',
  summary: `For distilled models: 1 to ${MOST_STEPS} steps, the last one greedy.`,
  families: ['duo'],
  options: {
    tail: { default: 'greedy', choices: ['greedy', 'ancestral'], summary: 'How the last noise is removed.' },
  },
  check({ steps }) {
    if (steps <= MOST_STEPS) return;
    throw new UsageError({
      code: 'too-many-steps',
      message: `The sampler dcd takes 1 to ${MOST_STEPS} steps, not ${steps}.`,
      hint: 'Give fewer --steps, or --sampler ancestral or greedy-tail, which take any number.',
    });
  },
  sample: (run) => walk(run, run.options.tail as 'greedy' | 'ancestral'),
};

/** SEDD's own sampler (arXiv 2310.16834, algorithm 2): each step by the staggered score. */
export const analytic: Sampler = {
  name: 'analytic',
  summary: "SEDD's own sampler: each step by the staggered score; steps + 1 calls.",
  families: ['sedd'],
  async *sample(run) {
    const { steps, tokens, maskTokenId } = run;
    const schedule = scheduleOf(run);
    const times = linearTimes(steps);
    for (let step = 0; step <= steps; step++) {
      const { token, scoreSum } = await run.denoise({ t: times[step], step });
      const t = levelAt(schedule, times[step]);
      const s = step === steps ? CLEAN : levelAt(schedule, times[step + 1]);
      const component = run.uniforms('component', step);
      for (let i = 0; i < tokens.length; i++) {
        if (tokens[i] !== maskTokenId) continue;
        const sum = scoreSum![i]; // models of the family sedd always return it
        if (component[i] < analyticUnmaskProbability(t, s, sum)) tokens[i] = token[i];
      }
      yield;
    }
  },
};
