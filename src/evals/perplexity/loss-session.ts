/**
 * A checkpoint with its family's loss appended, running: batches of model calls in, nats per sequence out.
 *
 * Not responsible for which calls are made (zero-shot-perplexity.ts) or for the tensors they become (loss-batch.ts).
 */
import { HEAD, headOptionsOf } from '../../diffusion/heads/head.js';
import { appendLossHead } from '../../diffusion/heads/losses.js';
import { RECONSTRUCTION } from '../../diffusion/integration.js';
import { toldTimestep } from '../../diffusion/schedule.js';
import { DataError, NumericalError } from '../../errors.js';
import { BatchLimit } from '../../models/batch-limit.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { isInSteps, isUniformState } from '../../models/family.js';
import { type Feeds, networkFeeds } from '../../models/feeds.js';
import { startHeadSession } from '../../models/head-session.js';
import type { Placement } from '../../models/provider.js';
import { RunningModel } from '../../models/running-model.js';
import type { ModelSession } from '../../models/session.js';
import {
  type ModelCall,
  type PreparedBatch,
  prepareBatch,
  type SequenceLoss,
  sequenceLosses,
} from './loss-batch.js';
import type { BatchModel, LossSource } from './loss-source.js';
import { type Probed, probe, TIME_WITHOUT_EFFECT } from './probe.js';

export interface LossSessionOptions {
  checkpoint: Checkpoint;
  provider: Placement;
  threads?: number;
  /** A longer call is an error; by default there is no limit. */
  timeoutMs?: number;
  /** Receives what the user should know about the run. */
  notice?: (text: string) => void;
}

export class LossSession extends RunningModel implements LossSource {
  private readonly limit: BatchLimit;
  /** What the network reads of a σ. */
  private readonly told: (sigma: number) => number;

  private constructor(
    readonly checkpoint: Checkpoint,
    session: ModelSession,
    private readonly options: LossSessionOptions,
    /** Results of the checks of the card by {@link probe}. */
    readonly probed: Probed,
  ) {
    super(session);
    this.limit = new BatchLimit(checkpoint, 'sequences', options.notice);
    this.told = toldTimestep(checkpoint.schedule, checkpoint.fields.timestepInput.value);
  }

  /** @throws ModelError when the family has no loss, the runtime refuses the graph, or an ar model looks ahead */
  static async start(options: LossSessionOptions): Promise<LossSession> {
    const { checkpoint, provider, threads } = options;
    const graph = checkpoint.graph();
    appendLossHead(graph, checkpoint.family, { ...headOptionsOf(checkpoint), inBlocks: provider === 'cpu' });
    const session = await startHeadSession(graph, { checkpoint, provider, threads });
    try {
      const probed = await probe(checkpoint, session.provider, (batch, sigma) =>
        lossesOf(session, options, batch, sigma),
      );
      if (probed.heedsTime === false) options.notice?.(`${checkpoint.name}: ${TIME_WITHOUT_EFFECT}`);
      return new LossSession(checkpoint, session, options, probed);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /**
   * Halves a batch that does not fit into memory; later batches are no larger.
   * @param calls of equal length, at most the graph's fixed batch
   * @throws DataError `mask-in-text`   @throws NumericalError `not-finite`, naming sequence and draw
   */
  async losses(calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]> {
    checkNoMask(calls, model);
    const losses: SequenceLoss[] = [];
    while (losses.length < calls.length) {
      const part = calls.slice(losses.length, losses.length + this.limit.size);
      try {
        losses.push(...(await this.lossesOfBatch(part, model)));
      } catch (error) {
        this.limit.halve(error, part.length);
      }
    }
    return losses;
  }

  private async lossesOfBatch(calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]> {
    const losses = await this.lossesAtLevels(calls, model);
    if (!isInSteps(model.family)) return losses;
    const ofCleanText = calls.map((call) => ({ ...call, level: RECONSTRUCTION, byToken: false }));
    const reconstructed = await this.lossesAtLevels(ofCleanText, model);
    return losses.map((loss, i) => ({
      ...loss,
      nats: loss.nats + reconstructed[i].nats,
      textNats: loss.textNats + reconstructed[i].textNats,
      calls: loss.calls + reconstructed[i].calls,
    }));
  }

  private async lossesAtLevels(calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]> {
    const batch = prepareBatch(calls, model);
    const { called } = batch;
    if (called.length === 0) return sequenceLosses(batch, [], model);
    const sigma = Float32Array.from(called, ({ level }) => (level ? this.told(level.sigma) : 0));
    const loss = await lossesOf(this.session, this.options, batch, sigma);
    const losses = sequenceLosses(batch, loss, model);
    for (const [i, loss] of losses.entries())
      if (!Number.isFinite(loss.nats)) throw notFinite(model, calls[i], loss.nats);
    return losses;
  }
}

/** @throws DataError `mask-in-text` */
export function checkNoMask(
  calls: readonly ModelCall[],
  { maskTokenId, family, name }: Pick<BatchModel, 'maskTokenId' | 'family' | 'name'>,
): void {
  if (maskTokenId === null || isUniformState(family)) return;
  for (const { x, sequence } of calls) {
    if (!x.includes(maskTokenId)) continue;
    throw new DataError({
      code: 'mask-in-text',
      message: `Sequence ${sequence} of the data holds the token ${maskTokenId}, which is the mask of ${name}.`,
      hint: 'Check that the tokenizer is the one the model was trained with, and maskTokenId in its card.',
    });
  }
}

/**
 * One call of the network and its loss head.
 * @param sigma the noise level that the network reads, one per sequence; absent where it reads none
 * @returns what the head returns: [called, width], or [rows] for masked families
 */
async function lossesOf(
  session: ModelSession,
  { checkpoint, timeoutMs }: LossSessionOptions,
  { called, inputIds, width, noisyWidth, head }: PreparedBatch,
  sigma: Float32Array,
): Promise<Float32Array> {
  const { signature } = checkpoint;
  const feeds = networkFeeds(signature, {
    inputIds,
    batch: called.length,
    length: width,
    noisyWidth,
    sigma: signature.sigma ? sigma : null,
  });
  const outputs = await session.run(padBatch({ ...feeds, ...head }, called.length, signature.fixedBatch), {
    label: describe(called),
    timeoutMs,
    transfer: true,
  });
  return outputs[HEAD.loss].data as Float32Array;
}

/** Repeats the last sequence until a graph of fixed batch is full; the extra outputs are ignored. */
export function padBatch(feeds: Feeds, batch: number, fixedBatch: number | null): Feeds {
  if (fixedBatch === null || fixedBatch === batch) return feeds;
  const padded: Feeds = {};
  for (const [name, tensor] of Object.entries(feeds)) {
    const perSequence = tensor.dims[0] === batch && name !== HEAD.rows;
    padded[name] = perSequence && !isPerRow(feeds, name) ? repeatLast(tensor, batch, fixedBatch) : tensor;
  }
  return padded;
}

/** Masked heads take their targets and levels per row, not per sequence. */
function isPerRow(feeds: Feeds, name: string): boolean {
  const perRow: readonly string[] = [HEAD.targets, HEAD.oneMinusAlpha, HEAD.nextOneMinusAlpha];
  return HEAD.rows in feeds && perRow.includes(name);
}

function repeatLast(tensor: Feeds[string], batch: number, fixedBatch: number): Feeds[string] {
  const width = tensor.data.length / batch;
  const Elements = tensor.data.constructor as new (length: number) => typeof tensor.data;
  const data = new Elements(width * fixedBatch);
  for (let b = 0; b < fixedBatch; b++) {
    const from = Math.min(b, batch - 1) * width;
    data.set(tensor.data.subarray(from, from + width) as never, b * width);
  }
  return { ...tensor, data, dims: [fixedBatch, ...tensor.dims.slice(1)] };
}

function describe(calls: readonly ModelCall[]): string {
  const first = calls[0].sequence;
  const last = calls[calls.length - 1].sequence;
  return first === last ? `sequence ${first}` : `sequences ${first} to ${last}`;
}

export function notFinite(
  model: Pick<BatchModel, 'name'>,
  { sequence, draw, level }: ModelCall,
  nats: number,
): NumericalError {
  const where = level ? `, draw ${draw}, α = ${level.alpha.toPrecision(4)}` : '';
  return new NumericalError({
    code: 'not-finite',
    message: `The loss of ${model.name} on sequence ${sequence}${where} is ${Number.isNaN(nats) ? 'not a number' : 'infinite'}.`,
    hint: 'The checkpoint gives NaN or infinite logits there; a float16 export can overflow: try it in float32.',
  });
}
