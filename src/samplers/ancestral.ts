/** Ancestral sampling: from noise to text by q(z_s | z_t, x_θ) (MDLM: arXiv 2406.07524; Duo: arXiv 2506.10892). */
import { lastStep, posteriorStep, takeTokens } from './posterior-step.js';
import type { Sampler, SamplingRun } from './sampler.js';
import { levelAt, linearTimes } from './time-grid.js';

export const ancestral: Sampler = {
  name: 'ancestral',
  summary: 'The posterior of each step; steps + 1 calls, the last of which removes what noise is left.',
  families: ['mdlm', 'duo'],
  sample: (run) => walk(run, 'ancestral'),
};

/** @param tail how the noise that is left is removed: by a draw, or by the most probable tokens */
export async function* walk(
  run: SamplingRun,
  tail: 'ancestral' | 'greedy',
): AsyncGenerator<void, void, void> {
  const { steps } = run;
  const schedule = run.schedule!;
  const times = linearTimes(steps);
  for (let step = 0; step < steps; step++) {
    const answer = await run.denoise({ t: times[step], step });
    const [t, s] = [levelAt(schedule, times[step]), levelAt(schedule, times[step + 1])];
    posteriorStep(run, answer, { t, s, kappa: 1, step });
    yield;
  }
  const answer = await run.denoise({ t: times[steps], step: steps, greedy: tail === 'greedy' });
  if (tail === 'greedy') takeTokens(run, answer);
  else lastStep(run, answer, { t: levelAt(schedule, times[steps]), step: steps });
  yield;
}
