/**
 * Ancestral sampling of a masked model that does not read the time: where a step changed nothing, x_θ is what it was, and
 * the next step needs no call. The draw of the last call can serve again, because none of it was used: whether a mask is
 * unmasked is decided by a number of its own.
 */
import { UsageError } from '../errors.js';
import { lastStep, posteriorStep } from './posterior-step.js';
import type { Denoised, Sampler, SamplingRun } from './sampler.js';
import { levelAt, linearTimes } from './time-grid.js';

export const ancestralCache: Sampler = {
  name: 'ancestral-cache',
  summary: 'Ancestral without calls where nothing changed; same distribution, fewer calls.',
  families: ['mdlm'],
  check({ timeConditioned }) {
    if (timeConditioned) throw readsTime();
  },
  async *sample(run) {
    const { steps } = run;
    const schedule = run.schedule!;
    const times = linearTimes(steps);
    const model = new RememberedAnswers(run);
    for (let step = 0; step <= steps; step++) {
      const answer = await model.answer(times[step], step);
      const t = levelAt(schedule, times[step]);
      if (step === steps) lastStep(run, answer, { t, step });
      else posteriorStep(run, answer, { t, s: levelAt(schedule, times[step + 1]), kappa: 1, step });
      yield;
    }
  },
};

/** The model's answers, asked for anew only where the tokens differ from those they were given for. */
class RememberedAnswers {
  private readonly asked: Int32Array;
  private readonly kept: Denoised;
  private readonly skip: Uint8Array;

  constructor(private readonly run: SamplingRun) {
    const size = run.batch * run.length;
    this.asked = new Int32Array(size).fill(-1);
    this.kept = {
      token: new Int32Array(size),
      probability: new Float64Array(size),
      present: null,
      scoreSum: null,
    };
    this.skip = new Uint8Array(run.batch);
  }

  async answer(t: number, step: number): Promise<Denoised> {
    const { run, asked, kept, skip } = this;
    for (let b = 0; b < run.batch; b++) skip[b] = Number(this.isAnswered(b));
    if (!skip.includes(0)) return kept;
    const answer = await run.denoise({ t, step, skip });
    for (let b = 0; b < run.batch; b++) {
      if (skip[b]) continue;
      const [from, to] = [b * run.length, (b + 1) * run.length];
      asked.set(run.tokens.subarray(from, to), from);
      kept.token.set(answer.token.subarray(from, to), from);
      kept.probability.set(answer.probability.subarray(from, to), from);
    }
    return kept;
  }

  /** Nothing changed. */
  private isAnswered(b: number): boolean {
    const { tokens, length } = this.run;
    for (let i = b * length; i < (b + 1) * length; i++) if (tokens[i] !== this.asked[i]) return false;
    return true;
  }
}

function readsTime(): UsageError {
  return new UsageError({
    code: 'sampler-needs-time-free-model',
    message: 'The sampler ancestral-cache is for models that do not read the time; this one does.',
    hint: 'Give --sampler ancestral.',
  });
}
