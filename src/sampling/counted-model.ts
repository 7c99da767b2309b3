/**
 * A batch's way to the model: checks what a sampler asks, leaves out the sequences that need no call, gives the draw its
 * random numbers, and counts a call for each sequence that went through the network. A masked family says nothing where
 * there is no mask, so a sequence without masks needs no call; whether it is left out must not depend on its batch.
 */
import { UsageError } from '../errors.js';
import { isMasked } from '../models/family.js';
import { streams } from '../random/streams.js';
import { fillUniforms } from '../random/uniforms.js';
import type { DenoiseCall, Denoised } from '../samplers/sampler.js';
import type { GenerationPlan } from './generate.js';

export class CountedModel {
  /** Calls so far, [batch]. */
  readonly count: Int32Array;
  /** The step of each sequence's last call, [batch]: its random numbers must not serve twice. */
  private readonly lastStep: Float64Array;

  constructor(
    private readonly plan: GenerationPlan,
    private readonly batch: { first: number; batch: number; tokens: Int32Array },
  ) {
    this.count = new Int32Array(batch.batch);
    this.lastStep = new Float64Array(batch.batch).fill(-1);
  }

  async denoise(call: DenoiseCall): Promise<Denoised> {
    const { model, source, length, signal } = this.plan;
    const { batch, tokens } = this.batch;
    signal?.throwIfAborted();
    const { denoiser } = source;
    if (denoiser === null)
      this.refuse('`denoise`, which this model has not', 'Use run.causal or run.latent.');
    this.check(call);
    const asked = Array.from({ length: batch }, (_, b) => b).filter(
      (b) => !call.skip?.[b] && this.hasNoise(b),
    );
    this.take(asked, call.step);
    const size = batch * length;
    if (asked.length === 0) {
      return {
        token: new Int32Array(size),
        probability: new Float64Array(size),
        present: model.family === 'duo' ? new Float64Array(size) : null,
        scoreSum: model.family === 'sedd' ? new Float64Array(size) : null,
      };
    }
    const whole = asked.length === batch;
    const answer = await denoiser.denoise({
      tokens: whole ? tokens : gathered(tokens, asked, length, new Int32Array(asked.length * length)),
      batch: asked.length,
      length,
      sigma: model.schedule?.sigma(call.t) ?? 0,
      uniforms: call.greedy ? null : this.drawNumbers(asked, call.step),
    });
    for (const b of asked) this.count[b]++;
    if (whole) return answer;
    const spread = <T extends Int32Array | Float64Array>(values: T, into: T): T =>
      scattered(values, asked, length, into);
    return {
      token: spread(answer.token, new Int32Array(size)),
      probability: spread(answer.probability, new Float64Array(size)),
      present: answer.present && spread(answer.present, new Float64Array(size)),
      scoreSum: answer.scoreSum && spread(answer.scoreSum, new Float64Array(size)),
    };
  }

  private hasNoise(b: number): boolean {
    const { model, length } = this.plan;
    if (!isMasked(model.family)) return true;
    return this.batch.tokens.subarray(b * length, (b + 1) * length).includes(model.maskTokenId!);
  }

  private drawNumbers(asked: readonly number[], step: number): Float64Array {
    const { seed, length } = this.plan;
    const numbers = new Float64Array(asked.length * length);
    for (const [i, b] of asked.entries()) {
      fillUniforms(numbers.subarray(i * length, (i + 1) * length), {
        seed,
        stream: streams.posteriorToken,
        sequence: this.batch.first + b,
        step,
      });
    }
    return numbers;
  }

  private check({ t, step, skip }: DenoiseCall): void {
    if (!(t >= 0 && t <= 1)) this.refuse(`the time ${t}`, 't is a number of [0, 1].');
    if (!Number.isInteger(step) || step < 0 || step >= 2 ** 32)
      this.refuse(`the step ${step}`, 'step is a whole number from 0 on, another one for each call.');
    if (skip && skip.length !== this.batch.batch) {
      this.refuse(
        `a skip of ${skip.length} entries for ${this.batch.batch} sequences`,
        'skip has one entry a sequence, [batch].',
      );
    }
  }

  /** Notes the step of a call. */
  private take(asked: readonly number[], step: number): void {
    for (const b of asked) {
      if (step <= this.lastStep[b]) {
        this.refuse(
          `the step ${step} after the step ${this.lastStep[b]}`,
          'The random numbers of a call follow from its step: number the calls 0, 1, 2 …',
        );
      }
      this.lastStep[b] = step;
    }
  }

  private refuse(what: string, hint: string): never {
    throw new UsageError({
      code: 'sampler-bad-call',
      message: `The sampler ${this.plan.sampler.sampler.name} calls the model with ${what}.`,
      hint,
    });
  }
}

function gathered(from: Int32Array, rows: readonly number[], length: number, into: Int32Array): Int32Array {
  for (const [i, b] of rows.entries()) into.set(from.subarray(b * length, (b + 1) * length), i * length);
  return into;
}

function scattered<T extends Int32Array | Float64Array>(
  from: T,
  rows: readonly number[],
  length: number,
  into: T,
): T {
  for (const [i, b] of rows.entries()) into.set(from.subarray(i * length, (i + 1) * length), b * length);
  return into;
}
