/** Ancestral sampling whose last step takes the most probable tokens instead of drawing them. */
import { walk } from './ancestral.js';
import type { Sampler } from './sampler.js';

export const greedyTail: Sampler = {
  name: 'greedy-tail',
  summary: 'Ancestral, but the last step takes the most probable token.',
  families: ['mdlm', 'duo'],
  sample: (run) => walk(run, 'greedy'),
};
