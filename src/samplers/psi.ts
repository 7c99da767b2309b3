/**
 * Ψ samplers (arXiv 2602.21185): each step mixes the posterior with a clean draw that is noised again, so tokens can still be
 * corrected after they were chosen. ReMDM's remasking (arXiv 2503.00307) is one choice of κ; its variants are presets.
 */
import { lastStep, takeStep, takeTokens } from './posterior-step.js';
import { type PsiOptions, psiSchedule } from './psi-schedule.js';
import type { OptionValue, Sampler } from './sampler.js';
import { levelAt, scheduleOf } from './time-grid.js';

const everywhere = (mode: string): Partial<PsiOptions> => ({
  high: mode,
  middle: mode,
  low: mode,
  highFraction: 0,
  middleFraction: 0,
  timeProfile: 'linear',
});

/** Options that a preset sets, as functions of η. */
const presets: Record<string, (eta: number) => Partial<PsiOptions>> = {
  none: () => ({}),
  'remdm-cap': (eta) => everywhere(`max-capped-${eta}`),
  'remdm-rescale': (eta) => everywhere(`remdm-rescale-${eta}`),
  'remdm-loop': (eta) => ({
    high: 'pure-posterior',
    middle: `constant-remdm-${eta}`,
    low: 'pure-posterior',
    highFraction: 0.45,
    middleFraction: 0.5,
    timeProfile: 'linear-constant-linear-0.9-inv',
  }),
};

export const psi: Sampler = {
  name: 'psi',
  summary: 'Mixes the posterior and a renoised clean draw by κ, so tokens can be corrected; includes ReMDM.',
  families: ['mdlm', 'duo'],
  options: {
    preset: {
      default: 'none',
      choices: Object.keys(presets),
      summary: 'A variant of ReMDM, with `eta`; it sets the modes, fractions and time profile.',
    },
    eta: { default: 0.04, min: 0, max: 1, summary: 'η of the preset.' },
    high: { default: 'pure-posterior', summary: 'κ mode of the first part: see docs/samplers.md.' },
    middle: { default: 'constant-0.5', summary: 'κ mode of the middle part.' },
    low: { default: 'pure-posterior', summary: 'κ mode of the last part.' },
    'high-fraction': { default: 0.2, min: 0, max: 1, summary: 'Share of the times in the first part.' },
    'middle-fraction': { default: 0.6, min: 0, max: 1, summary: 'Share of the times in the middle part.' },
    'time-profile': {
      default: 'linear',
      summary: 'linear, linear-constant-linear-c, or -c-inv for the time of an α.',
    },
    'noise-removal': {
      default: 'ancestral',
      choices: ['ancestral', 'greedy', 'none'],
      summary: 'The last call: a draw, the most probable token, or no call.',
    },
  },
  check({ options, steps, schedule, family }) {
    psiSchedule(scheduleOptions(options), steps, scheduleOf({ schedule, family }));
  },
  async *sample(run) {
    const { steps, options } = run;
    const schedule = scheduleOf(run);
    const { times, kappas } = psiSchedule(scheduleOptions(options), steps, schedule);
    for (let step = 0; step < steps; step++) {
      const [t, s] = [levelAt(schedule, times[step]), levelAt(schedule, times[step + 1])];
      await takeStep(run, { time: times[step], t, s, kappa: kappas[step], step });
      yield;
    }
    const removal = options['noise-removal'];
    if (removal === 'none') return;
    const answer = await run.denoise({ t: times[steps], step: steps, greedy: removal === 'greedy' });
    if (removal === 'greedy') takeTokens(run, answer);
    else lastStep(run, answer, { t: levelAt(schedule, times[steps]), step: steps });
    yield;
  },
};

function scheduleOptions(options: Readonly<Record<string, OptionValue>>): PsiOptions {
  const given: PsiOptions = {
    high: options.high as string,
    middle: options.middle as string,
    low: options.low as string,
    highFraction: options['high-fraction'] as number,
    middleFraction: options['middle-fraction'] as number,
    timeProfile: options['time-profile'] as string,
  };
  return { ...given, ...presets[options.preset as string](options.eta as number) };
}
