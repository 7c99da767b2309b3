/** The few-step sampler of models that discrete consistency distillation made (arXiv 2506.10892, section 4). */
import { UsageError } from '../errors.js';
import { walk } from './ancestral.js';
import type { Sampler } from './sampler.js';

const MOST_STEPS = 32;

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
