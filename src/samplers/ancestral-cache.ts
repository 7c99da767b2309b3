/**
 * Ancestral sampling of a masked model that does not read the time: after a step that changed nothing, x_θ is the same, so the
 * next step needs no call. The draw of the last call can be used then, because none of it was used before: a separate random
 * number decides whether a mask is unmasked.
 */
import { UsageError } from '../errors.js';
import { lastStep, posteriorStep } from './posterior-step.js';
import type { Denoised, Sampler, SamplingRun } from './sampler.js';
import { levelAt, linearTimes, scheduleOf } from './time-grid.js';

export const ancestralCache: Sampler = {
  name: 'ancestral-cache',
  summary: 'Ancestral, without calls after steps that changed nothing; same distribution, fewer calls.',
  families: ['mdlm'],
  check({ timeConditioned }) {
    if (timeConditioned) throw readsTime();
  },
  async *sample(run) {
    const { steps } = run;
    const schedule = scheduleOf(run);
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

/** The model's answers; a sequence is called again only when its tokens have changed since its last call. */
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

  /** Whether the tokens of a sequence are those of its last call. */
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
