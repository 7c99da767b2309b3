/**
 * A running checkpoint that is asked for ln p of some tokens of a sequence, each at the position that predicts it: sequences with
 * masks in, one number per asked token out. What a masked model answers at a mask, and an autoregressive model at the token
 * before, is the same head: −ln of the softmax without the mask (that of mdlm's loss at 1 − α = 1). sedd's scores,
 * s_v ∝ e^{f_v}, normalised over the tokens, are this softmax too.
 */
import { HEAD } from '../../diffusion/heads/head.js';
import { appendLossHead } from '../../diffusion/heads/losses.js';
import { noiseSchedule, sigmaOf } from '../../diffusion/schedule.js';
import { ModelError, NumericalError } from '../../errors.js';
import { BatchLimit } from '../../models/batch-limit.js';
import { checkCausal, probeSequences } from '../../models/causality.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { FAMILIES, type Family, isDiffusion, isMasked } from '../../models/family.js';
import { networkFeeds } from '../../models/feeds.js';
import { startHeadSession } from '../../models/head-session.js';
import type { Provider } from '../../models/provider.js';
import { RunningModel } from '../../models/running-model.js';
import type { ModelSession } from '../../models/session.js';
import { ROWS_STEP } from '../perplexity/loss-batch.js';

/** One sequence through the network once. */
export interface TokenCall {
  /** What the network reads, masks included, [length]. */
  ids: Int32Array;
  /** Positions whose answers are asked for, and the token that each is asked about. */
  rows: readonly number[];
  targets: readonly number[];
  /** What it is, for errors: `item 3`. */
  label: string;
}

export interface TokenSessionOptions {
  checkpoint: Checkpoint;
  provider: Provider;
  threads?: number;
  /** A longer call is an error; by default there is no limit. */
  timeoutMs?: number;
  /** Receives what the user should know about the run. */
  notice?: (text: string) => void;
}

export class TokenSession extends RunningModel {
  private readonly limit: BatchLimit;

  private constructor(
    session: ModelSession,
    private readonly options: TokenSessionOptions,
  ) {
    super(session);
    this.limit = new BatchLimit(options.checkpoint, 'sequences', options.notice);
  }

  /** @throws ModelError for a family without such a head, or an ar model that looks ahead */
  static async start(options: TokenSessionOptions): Promise<TokenSession> {
    const { checkpoint, provider, threads } = options;
    const { family, vocabSize, maskTokenId } = checkpoint;
    checkFamily(checkpoint);
    const graph = checkpoint.graph();
    appendLossHead(graph, 'mdlm', {
      logits: 'logits',
      vocabSize,
      maskTokenId,
      inBlocks: provider === 'cpu',
    });
    const started = await startHeadSession(graph, { checkpoint, provider, threads });
    const session = new TokenSession(started, options);
    try {
      if (!isDiffusion(family)) await session.checkCausal();
    } catch (error) {
      await started.close();
      throw error;
    }
    return session;
  }

  /**
   * Halves a batch that does not fit into memory; later batches are no larger.
   * @param calls of equal length   @returns ln p of each asked token, call after call, nats
   * @throws NumericalError `not-finite`
   */
  async logProbabilities(calls: readonly TokenCall[]): Promise<Float32Array[]> {
    const answers: Float32Array[] = [];
    while (answers.length < calls.length) {
      const part = calls.slice(answers.length, answers.length + this.limit.size);
      try {
        answers.push(...(await this.batch(part)));
      } catch (error) {
        this.limit.halve(error, part.length);
      }
    }
    return answers;
  }

  private async batch(calls: readonly TokenCall[]): Promise<Float32Array[]> {
    const { checkpoint, timeoutMs } = this.options;
    const { signature } = checkpoint;
    const width = signature.fixedLength ?? calls[0].ids.length;
    // A graph of fixed batch is filled with copies of the last call, whose answers nobody asks for.
    const batch = signature.fixedBatch ?? calls.length;
    const inputIds = new BigInt64Array(batch * width);
    const sigma = new Float32Array(batch);
    for (let b = 0; b < batch; b++) {
      const { ids } = calls[Math.min(b, calls.length - 1)];
      for (const [l, id] of ids.entries()) inputIds[b * width + l] = BigInt(id);
      sigma[b] = sigmaRead(checkpoint, ids);
    }
    const asked = calls.flatMap(({ rows, targets }, b) => rows.map((row, r) => [b, row, targets[r]]));
    const padded = Math.ceil(asked.length / ROWS_STEP) * ROWS_STEP;
    const at = (r: number) => asked[r % asked.length];
    const outputs = await this.session.run(
      {
        ...networkFeeds(signature, { inputIds, batch, length: width, sigma: signature.sigma ? sigma : null }),
        [HEAD.rows]: {
          type: 'int64',
          data: BigInt64Array.from({ length: 2 * padded }, (_, i) => BigInt(at(i >> 1)[i & 1])),
          dims: [padded, 2],
        },
        [HEAD.targets]: {
          type: 'int64',
          data: BigInt64Array.from({ length: padded }, (_, r) => BigInt(at(r)[2])),
          dims: [padded],
        },
        [HEAD.oneMinusAlpha]: { type: 'float64', data: new Float64Array(padded).fill(1), dims: [padded] },
      },
      { label: calls[0].label, timeoutMs, transfer: true },
    );
    const loss = outputs[HEAD.loss].data as Float32Array;
    let next = 0;
    return calls.map(({ rows, label }) => {
      const answer = loss.slice(next, next + rows.length).map((nats) => -nats);
      next += rows.length;
      if (!answer.every(Number.isFinite)) throw this.notFinite(label);
      return answer;
    });
  }

  private async checkCausal(): Promise<void> {
    const { checkpoint, provider } = this.options;
    const sequences = probeSequences(checkpoint);
    if (!sequences) return;
    const { plain, changed } = sequences;
    const asked = Array.from(plain.subarray(1), (target, row) => ({ target, row }));
    const calls = [plain, changed].map((ids) => ({
      ids,
      rows: asked.map(({ row }) => row),
      targets: asked.map(({ target }) => target),
      label: 'the probe for causality',
    }));
    const [before, after] =
      checkpoint.signature.fixedBatch === 1
        ? [...(await this.batch(calls.slice(0, 1))), ...(await this.batch(calls.slice(1)))]
        : await this.batch(calls);
    checkCausal(checkpoint, provider, before, after);
  }

  private notFinite(label: string): NumericalError {
    return new NumericalError({
      code: 'not-finite',
      message: `${this.options.checkpoint.name} gives a token of ${label} no finite ln p.`,
      hint: 'The checkpoint gives NaN or infinite logits there; a float16 export can overflow: try it in float32.',
    });
  }
}

/**
 * σ that a network conditioned on time reads: that of the share of the sequence which is still masked, 1 − α = masked/length,
 * at most the last of its schedule.
 */
function sigmaRead({ family, fields, schedule, maskTokenId }: Checkpoint, ids: Int32Array): number {
  if (!isMasked(family) || !fields.timeConditioning.value || !schedule) return 0;
  const masked = ids.reduce((count, id) => count + (id === maskTokenId ? 1 : 0), 0) / ids.length;
  return Math.min(sigmaOf(1 - masked, masked), noiseSchedule(schedule).sigma(1));
}

/** Whether a family's tokens become known one by one. */
const hasOrders = (family: Family): boolean => !isDiffusion(family) || isMasked(family);

/** @throws ModelError `no-order-of-tokens` */
function checkFamily({ name, family }: Checkpoint): void {
  if (hasOrders(family)) return;
  throw new ModelError({
    code: 'no-order-of-tokens',
    message: `${name} is of the family ${family}: its tokens are not revealed one by one, so there is no likelihood over orders.`,
    hint: `Families with such likelihoods: ${FAMILIES.filter(hasOrders).join(', ')}. Of the others duo-eval ppl has the bound.`,
  });
}
