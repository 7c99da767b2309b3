/** SEDD's analytic sampler (arXiv 2310.16834, algorithm 2): the staggered score of each step. */
import { analyticUnmaskProbability, CLEAN } from '../diffusion/posterior.js';
import type { Sampler } from './sampler.js';
import { levelAt, linearTimes } from './time-grid.js';

export const analytic: Sampler = {
  name: 'analytic',
  summary: "SEDD's own: steps by the staggered score; steps + 1 calls.",
  families: ['sedd'],
  async *sample(run) {
    const { steps, tokens, maskTokenId } = run;
    const schedule = run.schedule!;
    const times = linearTimes(steps);
    for (let step = 0; step <= steps; step++) {
      const { token, scoreSum } = await run.denoise({ t: times[step], step });
      const t = levelAt(schedule, times[step]);
      const s = step === steps ? CLEAN : levelAt(schedule, times[step + 1]);
      const component = run.uniforms('component', step);
      for (let i = 0; i < tokens.length; i++) {
        if (tokens[i] !== maskTokenId) continue;
        if (component[i] < analyticUnmaskProbability(t, s, scoreSum![i])) tokens[i] = token[i];
      }
      yield;
    }
  },
};
