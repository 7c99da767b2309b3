/** Flags for sampling a model: the same for every command that measures samples. */
import { UsageError } from '../errors.js';
import { integer, number, repeatable, string } from './flags.js';

const GROUP = 'SAMPLING';

export const samplingFlags = {
  'sampler-option': repeatable({
    summary: 'Option of the sampler, as duo-eval samplers lists them; repeatable.',
    helpValue: '<key=value>',
    helpGroup: GROUP,
  }),
  samples: integer({ min: 1, default: 64, summary: 'Samples to draw.', helpGroup: GROUP }),
  length: integer({ min: 2, summary: "Tokens per sample. [default: the card's]", helpGroup: GROUP }),
  'top-k': integer({ min: 1, summary: 'Draw from the k most probable tokens.', helpGroup: GROUP }),
  'top-p': number({
    above: 0,
    max: 1,
    summary: 'Draw from the most probable tokens with this total probability.',
    helpGroup: GROUP,
  }),
};

/** One sampler, number of steps and temperature. */
export const oneSampling = {
  sampler: string({
    summary:
      'Sampler: a name or the path of a module, with options after a colon: psi:eta=0.04. [default: the first of the family]',
    helpValue: '<sampler>',
    helpGroup: GROUP,
  }),
  steps: integer({ min: 1, summary: 'Steps from noise to text. [default: 32]', helpGroup: GROUP }),
  temperature: number({ above: 0, default: 1, summary: 'Sampling temperature.', helpGroup: GROUP }),
};

interface SamplingFlagValues {
  'sampler-option'?: string[];
  samples: number;
  length?: number;
  'top-k'?: number;
  'top-p'?: number;
  seed: number;
  batch?: number;
}

/** The values of the flags other than sampler, steps and temperature. */
export function samplingOf(flags: SamplingFlagValues) {
  return {
    samplerOptions: flags['sampler-option'] ?? [],
    samples: flags.samples,
    length: flags.length,
    topK: flags['top-k'] ?? null,
    topP: flags['top-p'] ?? null,
    seed: flags.seed,
    batch: flags.batch,
    traced: false,
  };
}

/** Whole numbers from 1 on, or numbers above 0, separated by commas: `8,32,128`. @throws UsageError */
export function numbersOf(flag: string, text: string, whole: boolean): number[] {
  const values = text.split(',').map((part) => {
    const value = part.trim() === '' ? Number.NaN : Number(part);
    if (Number.isFinite(value) && value > 0 && (!whole || Number.isSafeInteger(value))) return value;
    throw new UsageError({
      code: 'invalid-flag-value',
      message: `--${flag} takes ${whole ? 'whole numbers of at least 1' : 'numbers above 0'}, separated by commas, not "${text}".`,
      hint: `For example: --${flag} ${whole ? '8,32' : '0.8,0.9,1'}`,
    });
  });
  return [...new Set(values)];
}
