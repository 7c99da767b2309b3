/**
 * Texts as vectors: the state of an autoregressive checkpoint behind the last token of a text, which is what its last projection
 * reads. MAUVE's authors take the same (arXiv 2102.01454; of GPT-2 it is the state after the last norm). Logits are not computed.
 */
import { HEAD } from '../../diffusion/heads/head.js';
import { ModelError, NumericalError } from '../../errors.js';
import type { Graph } from '../../graph/graph.js';
import { Cast, GatherND } from '../../graph/operators.js';
import { projection } from '../../graph/rows.js';
import { BatchLimit, batchOf } from '../../models/batch-limit.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { networkFeeds } from '../../models/feeds.js';
import { startHeadSession } from '../../models/head-session.js';
import type { Placement } from '../../models/provider.js';
import { RunningModel } from '../../models/running-model.js';
import type { ModelSession } from '../../models/session.js';
import type { Observer } from '../../observer.js';
import type { Rows } from '../../statistics/k-means.js';
import { longest } from './calls.js';

/** float32 [rows, width]: the states. */
const STATES = 'duo_eval_states';

export interface HiddenStateOptions {
  checkpoint: Checkpoint;
  /** Tokens that are read of a text. */
  context: number;
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  /** Texts per model call. */
  batch?: number;
}

export class HiddenStates extends RunningModel {
  private constructor(
    session: ModelSession,
    private readonly options: HiddenStateOptions,
    private readonly observer: Observer,
  ) {
    super(session);
  }

  /** @throws ModelError `no-hidden-state`, or as the runtime */
  static async start(options: HiddenStateOptions, observer: Observer): Promise<HiddenStates> {
    const { checkpoint, provider, threads } = options;
    const graph = checkpoint.graph();
    appendStateHead(graph, checkpoint.name);
    const session = await startHeadSession(graph, { checkpoint, provider, threads });
    return new HiddenStates(session, options, observer);
  }

  /**
   * One row per text, in their order.
   * @param texts token ids of the checkpoint, at least one each; those past the context are not read
   * @throws ModelError; NumericalError where a state is not finite
   */
  async ofTexts(
    name: string,
    texts: readonly Int32Array[],
    progress: Observer['progress'] = this.observer.progress,
  ): Promise<Rows> {
    const { checkpoint, context, batch: asked } = this.options;
    const read = texts.map((ids) => ids.subarray(0, context));
    const batch = batchOf(checkpoint, longest(read), asked);
    const limit = new BatchLimit(checkpoint, 'texts', this.observer.warn);
    const order = [...read.keys()].sort((a, b) => read[b].length - read[a].length || a - b);
    const states: Float32Array[] = [];
    let done = 0;
    while (done < order.length) {
      this.observer.signal?.throwIfAborted();
      const room = order.slice(done, done + Math.min(batch, limit.size));
      const part = room.filter((text) => read[text].length === read[room[0]].length);
      try {
        const found = await this.statesOf(part.map((text) => read[text]));
        for (const [i, text] of part.entries()) states[text] = found[i];
        done += part.length;
      } catch (error) {
        limit.halve(error, part.length);
      }
      progress?.(`features of ${name}`, done, order.length);
    }
    return stacked(states, checkpoint.name);
  }

  /** @param texts of one length, at most a batch */
  private async statesOf(texts: readonly Int32Array[]): Promise<Float32Array[]> {
    const { signature } = this.options.checkpoint;
    const [batch, length] = [signature.fixedBatch ?? texts.length, texts[0].length];
    // Tokens after the last one cannot change its state: the model reads from left to right.
    const width = signature.fixedLength ?? length;
    const inputIds = new BigInt64Array(batch * width);
    for (const [b, ids] of texts.entries())
      for (const [l, id] of ids.entries()) inputIds[b * width + l] = BigInt(id);
    const rows = BigInt64Array.from(texts.flatMap((_, b) => [BigInt(b), BigInt(length - 1)]));
    const feeds = networkFeeds(signature, {
      ...{ inputIds, batch, length: width },
      sigma: signature.sigma ? new Float32Array(batch) : null,
    });
    const outputs = await this.session.run(
      { ...feeds, [HEAD.rows]: { type: 'int64', data: rows, dims: [texts.length, 2] } },
      { label: 'features', timeoutMs: this.options.timeoutMs, transfer: true },
    );
    const data = outputs[STATES].data as Float32Array;
    const size = data.length / texts.length;
    return texts.map((_, b) => data.slice(b * size, (b + 1) * size));
  }
}

/** @throws ModelError `no-hidden-state` */
function appendStateHead(graph: Graph, name: string): void {
  const last = projection(graph, 'logits');
  if (last === null) {
    throw new ModelError({
      code: 'no-hidden-state',
      message: `The graph of ${name} does not end in a product with its vocabulary matrix, so its last hidden state cannot be told.`,
      hint: 'Give --mauve another autoregressive checkpoint, such as one that duo-eval convert writes.',
    });
  }
  graph.scope('duo_eval', () => {
    const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
    const states = Cast(GatherND(last.states, rows), { to: 'float32' });
    graph.clearOutputs();
    graph.output(states, STATES, ['rows', 'width']);
  });
}

/** @throws NumericalError */
function stacked(states: readonly Float32Array[], name: string): Rows {
  const width = states[0]?.length ?? 0;
  const data = new Float64Array(states.length * width);
  for (const [i, state] of states.entries()) data.set(state, i * width);
  if (data.every(Number.isFinite)) return { data, rows: states.length, width };
  throw new NumericalError({
    code: 'not-finite',
    message: `${name} has a hidden state that is not finite.`,
    hint: 'A float16 export can overflow: try it in float32.',
  });
}
