/**
 * The model as the sampler of one batch sees it: checks each call, leaves out sequences that need none, gives the draw its
 * random numbers, and counts calls per sequence. A masked model predicts nothing at unmasked positions, so a sequence
 * without masks needs no call; whether it is left out must not depend on its batch.
 */
import { isScored, UNMASKING_ORDERS } from '../diffusion/unmasking.js';
import { UsageError } from '../errors.js';
import { besidesDraw, isMasked } from '../models/family.js';
import { streams } from '../random/streams.js';
import { fillUniforms } from '../random/uniforms.js';
import type { CausalModel, LatentModel } from '../samplers/decoding.js';
import type { DenoiseCall, Denoised } from '../samplers/sampler.js';
import type { SampleAddress } from '../samplers/sampler-uniforms.js';
import type { GenerationPlan } from './generation-plan.js';

const SCORED_ORDERS = UNMASKING_ORDERS.filter(isScored);

export class CountedModel {
  /** Calls so far, [batch]. */
  readonly count: Int32Array;
  /** The step of each sequence's last call, [batch]: no random number may be used twice. */
  private readonly lastStep: Float64Array;

  constructor(
    private readonly plan: GenerationPlan,
    private readonly batch: { addresses: readonly SampleAddress[]; batch: number; tokens: Int32Array },
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
      this.refuse('`denoise`, which this model does not have', 'Use run.causal or run.latent.');
    this.check(call);
    const called = Array.from({ length: batch }, (_, b) => b).filter(
      (b) => !call.skip?.[b] && this.hasNoise(b),
    );
    this.takeStep(called, call.step);
    const size = batch * length;
    if (called.length === 0) {
      const besides = besidesDraw(model.family);
      return {
        token: new Int32Array(size),
        probability: new Float64Array(size),
        present: besides === 'present' ? new Float64Array(size) : null,
        scoreSum: besides === 'scoreSum' ? new Float64Array(size) : null,
        ...(call.score && { score: new Float64Array(size) }),
      };
    }
    const whole = called.length === batch;
    const part = <T extends Int32Array | Uint8Array>(values: T, into: T): T =>
      whole ? values : gatherRows(values, called, length, into);
    const partSize = called.length * length;
    const answer = await denoiser.denoise({
      tokens: part(tokens, new Int32Array(partSize)),
      where: call.where && part(call.where, new Uint8Array(partSize)),
      batch: called.length,
      length,
      sigma: model.schedule?.sigma(call.t) ?? 0,
      uniforms: call.greedy ? null : this.drawNumbers(called, call.step),
      score: call.score,
    });
    for (const b of called) this.count[b]++;
    if (whole) return answer;
    const spread = <T extends Int32Array | Float64Array>(values: T, into: T): T =>
      scattered(values, called, length, into);
    return {
      token: spread(answer.token, new Int32Array(size)),
      probability: spread(answer.probability, new Float64Array(size)),
      present: answer.present && spread(answer.present, new Float64Array(size)),
      scoreSum: answer.scoreSum && spread(answer.scoreSum, new Float64Array(size)),
      ...(answer.score && { score: spread(answer.score, new Float64Array(size)) }),
    };
  }

  private hasNoise(b: number): boolean {
    const { model, length } = this.plan;
    if (!isMasked(model.family)) return true;
    const tokens = this.batch.tokens.subarray(b * length, (b + 1) * length);
    return tokens.includes(model.maskTokenId!); // a masked family has a mask
  }

  private drawNumbers(called: readonly number[], step: number): Float64Array {
    const { length } = this.plan;
    const numbers = new Float64Array(called.length * length);
    for (const [i, b] of called.entries()) {
      const { seed, sample: sequence } = this.batch.addresses[b];
      const stream = streams.posteriorToken;
      fillUniforms(numbers.subarray(i * length, (i + 1) * length), { seed, stream, sequence, step });
    }
    return numbers;
  }

  private check({ t, step, skip, where, score }: DenoiseCall): void {
    if (!(t >= 0 && t <= 1)) this.refuse(`the time ${t}`, 't is a number in [0, 1].');
    if (!Number.isInteger(step) || step < 0 || step >= 2 ** 32)
      this.refuse(`the step ${step}`, 'step is a whole number from 0, larger in each call.');
    if (skip && skip.length !== this.batch.batch) {
      this.refuse(
        `a skip of ${skip.length} entries for ${this.batch.batch} sequences`,
        'skip has one entry per sequence, [batch].',
      );
    }
    const size = this.batch.tokens.length;
    if (where && where.length !== size) {
      this.refuse(
        `a where of ${where.length} entries for ${size} tokens`,
        'where has one entry per token, [batch × length].',
      );
    }
    if (score === undefined) return;
    if (!isMasked(this.plan.model.family))
      this.refuse(`the score ${score}`, 'Only models of masked families have positions to rank.');
    if (!SCORED_ORDERS.includes(score))
      this.refuse(`the score ${JSON.stringify(score)}`, `Scores are ${SCORED_ORDERS.join(', ')}.`);
  }

  private takeStep(called: readonly number[], step: number): void {
    for (const b of called) {
      if (step <= this.lastStep[b]) {
        this.refuse(
          `the step ${step} after the step ${this.lastStep[b]}`,
          'The random numbers of a call are a function of its step: number the calls 0, 1, 2 …',
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

function gatherRows<T extends Int32Array | Uint8Array>(
  from: T,
  rows: readonly number[],
  length: number,
  into: T,
): T {
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

/** Counts the network's calls of models that keep state for a batch. */
export class CountedStates {
  private readonly begun: { readonly networkCalls: number }[] = [];

  /** Calls so far, each for the whole batch. */
  get calls(): number {
    return this.begun.reduce((sum, { networkCalls }) => sum + networkCalls, 0);
  }

  causal(model: CausalModel): CausalModel {
    return {
      cached: model.cached,
      bosTokenId: model.bosTokenId,
      eosTokenId: model.eosTokenId,
      begin: (batch) => this.watch(model.begin(batch)),
    };
  }

  latent(model: LatentModel): LatentModel {
    return { begin: (batch) => this.watch(model.begin(batch)) };
  }

  private watch<Decoding extends { readonly networkCalls: number }>(decoding: Decoding): Decoding {
    this.begun.push(decoding);
    return decoding;
  }
}
