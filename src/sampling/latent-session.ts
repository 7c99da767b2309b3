/**
 * A uniform-state checkpoint with a Gaussian latent beside it: its graph with a draw that weighs the network's answer with
 * the latent's evidence, running. The latent stays in the session's worker (latent-state.ts).
 */
import { DRAW, uniformInputs } from '../diffusion/heads/draw.js';
import { inverseCdf } from '../diffusion/heads/inverse-cdf.js';
import { atPositions } from '../diffusion/heads/rows.js';
import { truncated } from '../diffusion/heads/truncation.js';
import { ModelError, type NumericalError } from '../errors.js';
import type { Graph, Value } from '../graph/graph.js';
import {
  Add,
  Gather,
  GatherElements,
  Mul,
  Range,
  ReduceProd,
  Reshape,
  Shape,
  Softmax,
  Squeeze,
  Unsqueeze,
} from '../graph/operators.js';
import { checkFixedBatch } from '../models/batch-limit.js';
import type { Checkpoint } from '../models/checkpoint.js';
import type { Feeds } from '../models/feeds.js';
import { startHeadSession } from '../models/head-session.js';
import { usableMemory } from '../models/machine.js';
import { hasDouble, type Provider } from '../models/provider.js';
import type { ModelSession } from '../models/session.js';
import type { SessionState } from '../models/session-state.js';
import type {
  LatentAnswer,
  LatentBatch,
  LatentDecoding,
  LatentModel,
  LatentStep,
} from '../samplers/latent-model.js';
import { uniformFeeds } from './draw-batch.js';
import { checkDrawSettings, notFiniteLogits } from './draw-settings.js';
import { ARGMAX, LATENT, type LatentInit, MOVE, moveNumbers, SIGMA } from './latent-state.js';

export interface LatentSessionOptions {
  checkpoint: Checkpoint;
  provider: Provider;
  threads?: number;
  /** A call that takes longer is an error; without it, there is no limit. */
  timeoutMs?: number;
  temperature?: number;
  topK?: number | null;
  topP?: number | null;
  /** The latent takes the mean of x̂ instead of a draw. */
  mean?: boolean;
  /** Told what the user should know of how it runs. */
  notice?: (text: string) => void;
}

/** Latents above this are told of. */
const LARGE_BYTES = 2 ** 27;

export class LatentSession {
  private told = false;

  private constructor(
    private readonly options: LatentSessionOptions,
    private readonly session: ModelSession,
  ) {}

  /** @throws ModelError when the runtime refuses the graph */
  static async start(options: LatentSessionOptions): Promise<LatentSession> {
    checkDrawSettings(options);
    const { checkpoint, provider, threads } = options;
    const graph = checkpoint.graph();
    appendGuidedDraw(graph, options);
    const session = await startHeadSession(graph, { checkpoint, provider, threads });
    return new LatentSession(options, session);
  }

  get provider(): Provider {
    return this.session.provider;
  }

  get threads(): number {
    return this.session.threads;
  }

  /** Seconds inside the runtime so far. */
  get runSeconds(): number {
    return this.session.runSeconds;
  }

  /** @param samples which of the run's samples a batch is, in its order: the latent's noise follows from them */
  forSamples(seed: number, samples: readonly number[]): LatentModel {
    return { begin: (batch) => this.begin(seed, samples, batch) };
  }

  /** Waits for what is under way. */
  close(): Promise<void> {
    return this.session.close();
  }

  private begin(seed: number, samples: readonly number[], batch: LatentBatch): LatentDecoding {
    const { checkpoint } = this.options;
    const { signature, vocabSize } = checkpoint;
    checkFixedBatch(checkpoint, batch.batch);
    this.checkMemory(batch);
    const { label, ...rest } = batch;
    const init: LatentInit = { ...rest, signature, token: DRAW.token, vocabSize, seed, samples };
    const state = this.session.keep({ module: 'sampling/latent-state.js', init });
    return new Decoding(this.session, state, this.options, batch);
  }

  /** Says what a batch will need beside the model, before it is taken. @throws ModelError `latent-past-memory` */
  private checkMemory({ batch, length }: LatentBatch): void {
    const { checkpoint, mean = false, notice } = this.options;
    const { name, vocabSize, signature } = checkpoint;
    // With the mean, all positions' logits, evidence and probabilities are there at once: measured, six in all.
    const perSample = 4 * length * vocabSize * (mean ? 6 : 1);
    const bytes = perSample * (signature.fixedBatch ?? batch);
    const needs = `${gigabytes(bytes)} for a batch of ${batch}, ${gigabytes(perSample)} a sample (${length} tokens × ${vocabSize} entries)`;
    if (bytes > usableMemory()) {
      throw new ModelError({
        code: 'latent-past-memory',
        message: `${name}: the sampler gaussian needs ${needs}, more than the ${gigabytes(usableMemory())} this process may use.`,
        hint: `Use a smaller --batch${batch === 1 ? ' or --length' : ''}${mean ? ', or leave the option mean out' : ''}.`,
      });
    }
    if (bytes <= LARGE_BYTES || this.told) return;
    notice?.(`${name}: the sampler gaussian needs ${needs}.`);
    this.told = true;
  }
}

const gigabytes = (bytes: number): string => `${Number((bytes / 1e9).toPrecision(2))} GB`;

class Decoding implements LatentDecoding {
  networkCalls = 0;

  constructor(
    private readonly session: ModelSession,
    private readonly state: SessionState,
    private readonly options: LatentSessionOptions,
    private readonly batch: LatentBatch,
  ) {}

  /** @throws NumericalError `not-finite` */
  async step({ sigma, evidence, uniforms, move }: LatentStep): Promise<LatentAnswer> {
    const { checkpoint, timeoutMs } = this.options;
    const { batch, length, label } = this.batch;
    const told = checkpoint.fields.timeConditioning.value ? sigma : 0;
    const rows = checkpoint.signature.fixedBatch ?? batch;
    const filled = new Float64Array(rows * length);
    filled.set(uniforms);
    const numbers = moveNumbers(move);
    const feeds: Feeds = {
      [SIGMA]: { type: 'float32', data: Float32Array.of(told), dims: [1] },
      [MOVE]: { type: 'float64', data: numbers, dims: [numbers.length] },
      ...uniformFeeds(filled, [rows, length], hasDouble(this.session.provider)),
      [LATENT.evidence]: { type: 'float32', data: Float32Array.of(evidence), dims: [] },
    };
    const what = `${label}, σ = ${sigma.toPrecision(4)}`;
    const outputs = await this.session.run(feeds, { label: what, state: this.state, timeoutMs });
    this.networkCalls++;
    const probability = outputs[DRAW.probability].data as Float32Array;
    const bad = probability.findIndex((p, i) => i < batch * length && !(p > 0));
    if (bad >= 0) throw notFinite(checkpoint.name, what, bad, length);
    return { drawn: outputs[DRAW.token].data as Int32Array, z: outputs[ARGMAX].data as Int32Array };
  }

  release(): void {
    this.state.release();
  }
}

function notFinite(model: string, what: string, index: number, length: number): NumericalError {
  return notFiniteLogits(
    `of ${model} are not finite: ${what}, sample ${Math.floor(index / length)} of the batch, position ${index % length}.`,
  );
}

/**
 * x̂ ∝ x_θ(v)·exp(evidence·w_v) at every position, in place of the logits. The two are added as logarithms, where the softmax
 * subtracts the largest; temperature, top-k and top-p are of x_θ alone.
 */
function appendGuidedDraw(graph: Graph, options: LatentSessionOptions): void {
  const { checkpoint, provider, temperature = 1, mean = false } = options;
  const { vocabSize } = checkpoint;
  graph.scope('duo_eval', () => {
    const double = hasDouble(provider);
    const uniforms = uniformInputs(graph, ['batch', 'length'], double);
    const latent = graph.input(LATENT.latent, 'float32', ['positions', vocabSize]);
    const evidence = graph.input(LATENT.evidence, 'float32', []);
    const shape = Shape(uniforms[0]);
    const index = Reshape(Range(0, Squeeze(ReduceProd(shape, { axes: [0] }), [0]), 1), shape);
    const head = { logits: 'logits', vocabSize, maskTokenId: null, inBlocks: !mean && provider === 'cpu' };
    const results = atPositions(graph, head, [index, ...uniforms], (logits, i, ...us): Value[] => {
      let f = Reshape(logits, [-1, vocabSize]);
      if (temperature !== 1) f = Mul(f, 1 / temperature);
      f = truncated(f, vocabSize, options, double ? 'float64' : 'float32');
      const inside = (value: Value): Value => ({ ...value, graph: f.graph });
      // In blocks, those of the block; else all, as they lie.
      const w = f.graph === graph ? latent : Gather(inside(latent), Reshape(i, [-1]));
      const posterior = Softmax(Add(f, Mul(w, inside(evidence))));
      const numbers = us.map((u) => Reshape(u, [-1]));
      const token = inverseCdf(posterior, vocabSize, numbers);
      const probability = Squeeze(GatherElements(posterior, Unsqueeze(token, [-1])), [-1]);
      return [Reshape(token, Shape(i)), Reshape(probability, Shape(i)), ...(mean ? [posterior] : [])];
    });
    graph.clearOutputs();
    graph.output(results[0], DRAW.token, ['batch', 'length']);
    graph.output(results[1], DRAW.probability, ['batch', 'length']);
    if (mean) graph.output(results[2], LATENT.mean, ['positions', vocabSize]);
  });
}
