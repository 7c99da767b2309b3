/**
 * A running uniform-state checkpoint with a Gaussian latent beside it: its graph with a draw appended that multiplies the
 * network's x_θ by the latent's evidence. The latent stays in the session's worker (latent-state.ts).
 */
import { DRAW, uniformInputs } from '../diffusion/heads/draw.js';
import { inverseCdf } from '../diffusion/heads/inverse-cdf.js';
import { atPositions } from '../diffusion/heads/rows.js';
import { truncateLogits } from '../diffusion/heads/truncation.js';
import { toldTimestep } from '../diffusion/schedule.js';
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
import { startHeadSession } from '../models/head-session.js';
import { usableMemory } from '../models/machine.js';
import { hasDouble, type Placement } from '../models/provider.js';
import { RunningModel } from '../models/running-model.js';
import type { ModelSession, SessionState } from '../models/session.js';
import type { DrawSettings } from '../records/samples-file.js';
import type {
  DecodingBatch,
  LatentAnswer,
  LatentDecoding,
  LatentModel,
  LatentStep,
} from '../samplers/decoding.js';
import { uniformFeeds } from './draw-batch.js';
import { checkDrawSettings, notFiniteLogits } from './draw-settings.js';
import type { ModelSource } from './generation-plan.js';
import { LATENT, type LatentInit, latentState } from './latent-state.js';

export interface LatentSessionOptions extends Partial<DrawSettings> {
  checkpoint: Checkpoint;
  provider: Placement;
  threads?: number;
  /** A longer call is an error; no limit by default. */
  timeoutMs?: number;
  /** The latent takes the mean of x̂ instead of a draw. */
  mean?: boolean;
  /** Called once when the latents are large. */
  notice?: (text: string) => void;
}

/** Larger latents are announced. */
const LARGE_BYTES = 2 ** 27;

export class LatentSession extends RunningModel {
  readonly source: ModelSource = {
    denoiser: null,
    latent: (seed, samples) => this.forSamples(seed, samples),
  };
  private announced = false;

  private constructor(
    private readonly options: LatentSessionOptions,
    session: ModelSession,
  ) {
    super(session);
  }

  /** @throws ModelError when the runtime refuses the graph */
  static async start(options: LatentSessionOptions): Promise<LatentSession> {
    checkDrawSettings(options);
    const { checkpoint, provider, threads } = options;
    const graph = checkpoint.graph();
    appendGuidedDraw(graph, options);
    const session = await startHeadSession(graph, { checkpoint, provider, threads });
    return new LatentSession(options, session);
  }

  /** @param samples numbers of the batch's samples, in its order: the latent's noise is a function of them */
  forSamples(seed: number, samples: readonly number[]): LatentModel {
    return { begin: (batch) => this.begin(seed, samples, batch) };
  }

  private begin(seed: number, samples: readonly number[], batch: DecodingBatch): LatentDecoding {
    const { checkpoint } = this.options;
    const { signature, vocabSize } = checkpoint;
    checkFixedBatch(checkpoint, batch.batch);
    this.checkMemory(batch);
    const { label, ...rest } = batch;
    const { token, probability } = DRAW;
    const init: LatentInit = { ...rest, signature, token, probability, vocabSize, seed, samples };
    const double = hasDouble(this.session.provider);
    return new Decoding(this.session.keep(latentState, init), double, this.options, batch);
  }

  /** The memory of a batch's latent, before it is allocated. @throws ModelError `latent-past-memory` */
  private checkMemory({ batch, length }: DecodingBatch): void {
    const { checkpoint, mean = false, notice } = this.options;
    const { name, vocabSize, signature } = checkpoint;
    // With the mean, the logits, evidence and probabilities of all positions exist at once: six arrays, as measured.
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
    if (bytes <= LARGE_BYTES || this.announced) return;
    notice?.(`${name}: the sampler gaussian needs ${needs}.`);
    this.announced = true;
  }
}

const gigabytes = (bytes: number): string => `${Number((bytes / 1e9).toPrecision(2))} GB`;

type KeptLatentState = SessionState<ReturnType<typeof latentState.create>>;

class Decoding implements LatentDecoding {
  networkCalls = 0;

  constructor(
    private readonly state: KeptLatentState,
    /** Whether the provider has float64. */
    private readonly double: boolean,
    private readonly options: LatentSessionOptions,
    private readonly batch: DecodingBatch,
  ) {}

  /** @throws NumericalError `not-finite` */
  async step({ sigma, evidence, uniforms, move }: LatentStep): Promise<LatentAnswer> {
    const { checkpoint, timeoutMs } = this.options;
    const { batch, length, label } = this.batch;
    const rows = checkpoint.signature.fixedBatch ?? batch;
    const filled = new Float64Array(rows * length);
    filled.set(uniforms);
    const call = {
      sigma: toldTimestep(checkpoint.schedule, checkpoint.fields.timestepInput.value)(sigma),
      head: {
        ...uniformFeeds(filled, [rows, length], this.double),
        [LATENT.evidence]: { type: 'float32', data: Float32Array.of(evidence), dims: [] },
      } as const,
      move,
    };
    const what = `${label}, σ = ${sigma.toPrecision(4)}`;
    const { drawn, z, probability } = await this.state.call('step', call, { label: what, timeoutMs });
    this.networkCalls++;
    const bad = probability.findIndex((p, i) => i < batch * length && !(p > 0));
    if (bad >= 0) throw notFinite(checkpoint.name, what, bad, length);
    return { drawn, z };
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
 * Replaces the logits by x̂ ∝ x_θ(v)·exp(evidence·w_v) at every position. The product is a sum of logarithms, whose largest the
 * softmax subtracts; temperature, top-k and top-p apply to x_θ alone.
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
      f = truncateLogits(f, vocabSize, options, double ? 'float64' : 'float32');
      const inside = (value: Value): Value => ({ ...value, graph: f.graph });
      // The rows of the block; without blocks, all rows.
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
