/**
 * A running checkpoint with the draw from x_θ appended: tokens and uniform numbers in, drawn tokens out. On cpu, the bits of a
 * sequence's answer do not depend on the rest of its batch.
 *
 * Not responsible for how a sampler uses a draw, or for where the uniform numbers come from.
 */
import { appendDrawHead, DRAW, drawsAtRows } from '../diffusion/heads/draw.js';
import { headOptionsOf } from '../diffusion/heads/head.js';
import { toldTimestep } from '../diffusion/schedule.js';
import type { ScoredOrder } from '../diffusion/unmasking.js';
import { ModelError, type NumericalError } from '../errors.js';
import { BatchLimit } from '../models/batch-limit.js';
import { checkCausal, probeSequences } from '../models/causality.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { besidesDraw, type Family, hasBlocks, hasMaskToken } from '../models/family.js';
import { type Feeds, networkFeeds } from '../models/feeds.js';
import { startHeadSession, WIDE_VOCABULARY } from '../models/head-session.js';
import { cacheLayout, exposeAdded } from '../models/key-value-cache.js';
import { hasDouble, type Placement } from '../models/provider.js';
import { RunningModel } from '../models/running-model.js';
import type { ModelSession } from '../models/session.js';
import type { DrawSettings } from '../records/samples-file.js';
import type { Denoised, Denoiser, DenoiserRequest } from '../samplers/sampler.js';
import { type BlockCheckpoint, BlockDraws } from './block-draws.js';
import { drawnPlaces, headFeeds, partOf } from './draw-batch.js';
import { checkDrawSettings, notFiniteLogits } from './draw-settings.js';
import type { ModelSource } from './generation-plan.js';

export interface DrawSessionOptions extends Partial<DrawSettings> {
  checkpoint: Checkpoint;
  provider: Placement;
  threads?: number;
  /** `temperature` may change from call to call: one graph for a sweep. Without it, temperature 1 costs nothing. */
  sweep?: boolean;
  /** The score that calls will ask for, if any: the one graph then serves all calls. */
  score?: ScoredOrder | null;
  /** A longer call is an error; no limit by default. */
  timeoutMs?: number;
  /** False: block diffusion reads all that is clean before a block in every call, even where the graph takes keys and values. */
  cache?: boolean;
  /** Called with remarks for the user, such as a smaller batch. */
  notice?: (text: string) => void;
}

/**
 * @throws UsageError for a temperature, top-k or top-p out of range
 * @throws ModelError when the runtime refuses the graph; `not-causal` when one that is taken for autoregressive looks ahead
 */
export function startDrawSession(options: DrawSessionOptions): Promise<DrawSession> {
  return DrawSession.start(options);
}

class DrawSession extends RunningModel implements Denoiser {
  readonly source: ModelSource = { denoiser: this };
  private currentTemperature: number;
  private readonly limit: BatchLimit;
  /** What the network reads of a σ. */
  private readonly told: (sigma: number) => number;
  /** Sessions of graphs that return another score than the first: for modules, which ask for one in a call. */
  private readonly further = new Map<ScoredOrder, ModelSession>();
  private readonly blockDraws = new Map<ModelSession, BlockDraws>();

  private constructor(
    readonly checkpoint: Checkpoint,
    session: ModelSession,
    private readonly options: DrawSessionOptions,
  ) {
    super(session);
    this.currentTemperature = options.temperature ?? 1;
    this.limit = new BatchLimit(checkpoint, 'samples', options.notice);
    this.told = toldTimestep(checkpoint.schedule, checkpoint.fields.timestepInput.value);
  }

  static async start(options: DrawSessionOptions): Promise<DrawSession> {
    checkDrawSettings(options);
    const { checkpoint } = options;
    const session = await startDraws(options, options.score ?? null);
    const draws = new DrawSession(checkpoint, session, options);
    try {
      if (checkpoint.family === 'ar') await draws.checkLooksBack();
    } catch (error) {
      await draws.close();
      throw error;
    }
    return draws;
  }

  get temperature(): number {
    return this.currentTemperature;
  }

  /** For the next calls; only in a session started with `sweep`. @throws UsageError when not above 0 */
  set temperature(temperature: number) {
    checkDrawSettings({ temperature });
    if (!hasTemperature(this.options) && temperature !== 1) {
      throw new RangeError('the session was not started for other temperatures');
    }
    this.currentTemperature = temperature;
  }

  override get runSeconds(): number {
    return [this.session, ...this.further.values()].reduce((sum, { runSeconds }) => sum + runSeconds, 0);
  }

  /** @throws ModelError `fixed-length`, and as the session   @throws NumericalError `not-finite`, naming sample and position */
  async denoise(request: DenoiserRequest): Promise<Denoised> {
    const answer = emptyAnswer(request, this.checkpoint.family);
    // What is not answered stays masked: the blocks after the one that a text is at.
    if (hasBlocks(this.checkpoint)) answer.token.fill(this.checkpoint.maskTokenId);
    const session = await this.sessionFor(request.score);
    const { fixedBatch } = this.checkpoint.signature;
    for (let from = 0; from < request.batch; ) {
      const limit = Math.min(this.limit.size, fixedBatch ?? Number.POSITIVE_INFINITY);
      const to = Math.min(request.batch, from + limit);
      try {
        await this.denoiseSome(session, request, [from, to], answer);
        from = to;
      } catch (error) {
        this.limit.halve(error, to - from);
      }
    }
    return answer;
  }

  override async close(): Promise<void> {
    await Promise.all([this.session, ...this.further.values()].map((session) => session.close()));
  }

  /** The session whose graph returns the score. @throws ModelError when the runtime refuses the graph */
  private async sessionFor(score: ScoredOrder | undefined): Promise<ModelSession> {
    if (score === undefined || score === this.options.score) return this.session;
    const session = this.further.get(score) ?? (await startDraws(this.options, score));
    this.further.set(score, session);
    return session;
  }

  /** Whole sequences are read at once, so what is drawn at a position must not depend on later ones. @throws ModelError `not-causal` */
  private async checkLooksBack(): Promise<void> {
    const sequences = probeSequences(this.checkpoint);
    if (!sequences) return;
    const { plain, changed } = sequences;
    const { length } = plain;
    const { token, probability } = await this.denoise({
      tokens: Int32Array.of(...plain, ...changed),
      batch: 2,
      length,
      sigma: 0,
      uniforms: new Float64Array(2 * length).fill(0.5),
    });
    const losses = (first: number) =>
      Array.from({ length: length - 1 }, (_, l) =>
        token[first + l] === token[l] ? Math.log(probability[first + l]) : Number.NEGATIVE_INFINITY,
      );
    checkCausal(this.checkpoint, this.provider, losses(0), losses(length));
  }

  private get inverseTemperature(): number | null {
    return hasTemperature(this.options) ? 1 / this.currentTemperature : null;
  }

  /** Samples [from, to) of the request, in one call of the model. */
  private async denoiseSome(
    session: ModelSession,
    request: DenoiserRequest,
    [from, to]: readonly [number, number],
    answer: Denoised,
  ): Promise<void> {
    const { checkpoint } = this;
    if (hasBlocks(checkpoint)) return this.denoiseBlocks(session, checkpoint, request, [from, to], answer);
    const { signature } = checkpoint;
    const part = partOf(request, from, to, signature.fixedBatch, this.width(request.length));
    const mask = hasMaskToken(checkpoint) ? checkpoint.maskTokenId : null;
    const at = drawsAtRows(checkpoint.family) ? drawnPlaces(part, mask) : null;
    if (at?.length === 0) return;
    const feeds = networkFeeds(signature, {
      inputIds: BigInt64Array.from(part.tokens, BigInt),
      batch: part.batch,
      length: part.length,
      sigma: signature.sigma ? new Float32Array(part.batch).fill(this.told(request.sigma)) : null,
    });
    const outputs = await session.run(
      {
        ...feeds,
        ...headFeeds({
          part,
          at,
          double: hasDouble(this.provider),
          inverseTemperature: this.inverseTemperature,
        }),
      },
      {
        label: to - from === 1 ? `sample ${from} of the batch` : `samples ${from} to ${to - 1} of the batch`,
        timeoutMs: this.options.timeoutMs,
        transfer: true,
      },
    );
    const indexOf = (place: number) => {
      const sample = from + Math.floor(place / part.length);
      const position = place % part.length;
      // Beyond them is the padding of a fixed batch or length.
      return sample < to && position < request.length ? sample * request.length + position : null;
    };
    this.readOutputs(outputs, {
      places: at,
      count: at?.length ?? part.tokens.length,
      indexOf,
      request,
      answer,
    });
  }

  /** The same for block diffusion: of each sample, the block that it is at. */
  private async denoiseBlocks(
    session: ModelSession,
    checkpoint: BlockCheckpoint,
    request: DenoiserRequest,
    [from, to]: readonly [number, number],
    answer: Denoised,
  ): Promise<void> {
    const draws =
      this.blockDraws.get(session) ?? new BlockDraws(session, checkpoint, this.options.cache ?? true);
    this.blockDraws.set(session, draws);
    for (const group of draws.groups(request.tokens, request.length, from, to)) {
      const { samples, starts, noisyWidth, cleanWidth, tokens } = group;
      const length = noisyWidth + cleanWidth;
      const indexOf = (place: number) => {
        const row = Math.floor(place / length);
        return samples[row] * request.length + starts[row] + (place % length);
      };
      const uniforms =
        request.uniforms &&
        Float64Array.from(tokens, (_, place) =>
          place % length < noisyWidth ? (request.uniforms?.[indexOf(place)] ?? 0) : 0,
        );
      const part = { tokens, uniforms, where: null, batch: samples.length, length };
      const at = drawnPlaces(part, checkpoint.maskTokenId);
      const head = headFeeds({
        part,
        at,
        double: hasDouble(this.provider),
        inverseTemperature: this.inverseTemperature,
      });
      const outputs = await draws.call(group, head, {
        label: `samples ${from} to ${to - 1} of the batch`,
        timeoutMs: this.options.timeoutMs,
        transfer: true,
      });
      this.readOutputs(outputs, { places: at, count: at.length, indexOf, request, answer });
    }
  }

  private readOutputs(outputs: Feeds, { places, count, indexOf, request, answer }: Called): void {
    const token = outputs[DRAW.token].data as BigInt64Array;
    const probability = outputs[DRAW.probability].data as Float32Array;
    const present = outputs[DRAW.present]?.data as Float32Array | undefined;
    const logSumExp = outputs[DRAW.logSumExp]?.data as Float64Array | undefined;
    const score = outputs[DRAW.score]?.data as Float32Array | undefined;
    const logScale = Math.log(Math.expm1(request.sigma)) + Math.log(this.checkpoint.vocabSize - 1);
    for (let r = 0; r < count; r++) {
      const i = indexOf(places?.[r] ?? r);
      if (i === null) continue;
      if (!(probability[r] > 0 && (present?.[r] ?? 0) >= 0)) throw this.notFinite(i, request);
      answer.token[i] = Number(token[r]);
      answer.probability[i] = probability[r];
      if (present && answer.present) answer.present[i] = present[r];
      if (score && answer.score) answer.score[i] = score[r];
      if (logSumExp && answer.scoreSum) answer.scoreSum[i] = Math.exp(logSumExp[r] - logScale);
    }
  }

  /** Tokens per sequence that the graph reads. */
  private width(length: number): number {
    const { fixedLength } = this.checkpoint.signature;
    const { name, family } = this.checkpoint;
    if (fixedLength === null || fixedLength === length) return length;
    // A causal graph can be padded behind the last token.
    if (family === 'ar' && length < fixedLength) return fixedLength;
    throw new ModelError({
      code: 'fixed-length',
      message: `${name} takes sequences of ${fixedLength} tokens only, not of ${length}.`,
      hint: `Give --length ${fixedLength}, or export the model with a dynamic length.`,
    });
  }

  /** @param index of the token in the batch */
  private notFinite(index: number, { sigma, length }: DenoiserRequest): NumericalError {
    const [sample, position] = [Math.floor(index / length), index % length];
    return notFiniteLogits(
      `of ${this.checkpoint.name} are not finite: sample ${sample} of the batch, position ${position}, σ = ${sigma.toPrecision(4)}.`,
    );
  }
}

interface Called {
  /** Indices into the call's tokens that were drawn at; null: all. */
  places: Int32Array | null;
  /** How many those are. */
  count: number;
  /** Where such a token is in the request; null: nowhere. */
  indexOf: (place: number) => number | null;
  request: DenoiserRequest;
  answer: Denoised;
}

const hasTemperature = ({
  temperature = 1,
  sweep = false,
}: Pick<DrawSessionOptions, 'temperature' | 'sweep'>): boolean => sweep || temperature !== 1;

/** Starts the checkpoint's graph with the draw, and with a score where one is asked for. */
function startDraws(
  { checkpoint, provider, threads, ...options }: DrawSessionOptions,
  score: ScoredOrder | null,
): Promise<ModelSession> {
  const { family, vocabSize } = checkpoint;
  const graph = checkpoint.graph();
  appendDrawHead(graph, family, {
    ...headOptionsOf(checkpoint),
    temperature: hasTemperature(options),
    topK: options.topK,
    topP: options.topP,
    inBlocks: provider === 'cpu',
    double: hasDouble(provider),
    score,
  });
  if (hasBlocks(checkpoint) && checkpoint.signature.pastKeyValues.length > 0)
    exposeAdded(graph, cacheLayout(checkpoint.name, checkpoint.signature));
  // For a small network, waking a thread costs more than spinning disturbs others.
  const spinning = vocabSize < WIDE_VOCABULARY;
  return startHeadSession(graph, { checkpoint, provider, threads, spinning });
}

function emptyAnswer({ batch, length, score }: DenoiserRequest, family: Family): Denoised {
  const numbers = () => new Float64Array(batch * length);
  const besides = besidesDraw(family);
  return {
    token: new Int32Array(batch * length),
    probability: numbers(),
    present: besides === 'present' ? numbers() : null,
    scoreSum: besides === 'scoreSum' ? numbers() : null,
    ...(score && { score: numbers() }),
  };
}
