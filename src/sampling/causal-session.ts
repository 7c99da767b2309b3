/**
 * A running autoregressive checkpoint that draws tokens: its graph with a draw appended at the last position. Where the
 * graph takes cached keys and values, they stay in the session's worker (causal-state.ts).
 */
import { DRAW, uniformInputs } from '../diffusion/heads/draw.js';
import { headOptionsOf } from '../diffusion/heads/head.js';
import { inverseCdf } from '../diffusion/heads/inverse-cdf.js';
import { atRows } from '../diffusion/heads/rows.js';
import { truncateLogits } from '../diffusion/heads/truncation.js';
import { ModelError, type NumericalError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { GatherElements, Mul, Softmax, Squeeze, Unsqueeze } from '../graph/operators.js';
import { prune } from '../graph/prune.js';
import { checkFixedBatch } from '../models/batch-limit.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { type CacheLayout, cacheLayout, exposeAdded } from '../models/key-value-cache.js';
import { promiseLogits } from '../models/promised-logits.js';
import { hasDouble, type Placement } from '../models/provider.js';
import { RunningModel } from '../models/running-model.js';
import { type ModelSession, type SessionState, startSession } from '../models/session.js';
import type { DrawSettings } from '../records/samples-file.js';
import type { CausalDecoding, CausalModel, DecodingBatch } from '../samplers/decoding.js';
import { type CausalInit, causalState, type PastKind } from './causal-state.js';
import { checkDrawSettings, notFiniteLogits } from './draw-settings.js';
import { checkFilledUp } from './filled-up.js';
import type { ModelSource } from './generation-plan.js';

export interface CausalSessionOptions extends Partial<DrawSettings> {
  checkpoint: Checkpoint;
  provider: Placement;
  threads?: number;
  /** A longer run of the network is an error; no limit by default. */
  timeoutMs?: number;
  /** Its BOS and EOS apply where the checkpoint names none. */
  tokenizer?: { bosTokenId: number | null; eosTokenId: number | null };
  /** False: every draw reads all tokens so far, even where the graph takes cached keys and values. */
  cache?: boolean;
}

export class CausalSession extends RunningModel implements CausalModel {
  readonly source: ModelSource = { denoiser: null, causal: this };
  readonly cached: boolean;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;

  private constructor(
    private readonly options: CausalSessionOptions,
    private readonly past: Past,
    session: ModelSession,
  ) {
    super(session);
    const { tokenizer, checkpoint } = options;
    const { bosTokenId, eosTokenId } = checkpoint.fields;
    this.cached = past.kind !== 'none';
    this.bosTokenId = bosTokenId.value ?? tokenizer?.bosTokenId ?? null;
    this.eosTokenId = eosTokenId.value ?? tokenizer?.eosTokenId ?? null;
  }

  /** @throws ModelError when the runtime refuses the graph, or it looks at what it is filled up with */
  static async start(options: CausalSessionOptions): Promise<CausalSession> {
    checkDrawSettings(options);
    const { checkpoint, provider, threads } = options;
    const past = options.cache === false ? wholeSequences(checkpoint) : pastOf(checkpoint);
    appendDraw(past.graph, options);
    const logits = promiseLogits(past.graph, checkpoint);
    prune(past.graph.proto);
    const session = await startSession({
      graph: past.graph.toBytes(),
      folder: checkpoint.folder,
      provider,
      threads,
      logits,
      label: checkpoint.name,
    });
    try {
      if (past.kind === 'none') await checkFilledUp(checkpoint, session, options.timeoutMs);
    } catch (error) {
      await session.close();
      throw error;
    }
    return new CausalSession(options, past, session);
  }

  /** @throws ModelError `batch-past-graph` */
  begin({ label, batch, length, tokens, given }: DecodingBatch): CausalDecoding {
    const { checkpoint, provider, timeoutMs } = this.options;
    const { signature } = checkpoint;
    checkFixedBatch(checkpoint, batch);
    const init: CausalInit = {
      signature,
      past: this.past.kind,
      layout: this.past.layout,
      draw: {
        rows: DRAW.rows,
        uniforms: DRAW.uniforms,
        fineUniforms: hasDouble(provider) ? null : DRAW.fineUniforms,
        token: DRAW.token,
        probability: DRAW.probability,
      },
      batch,
      length,
      tokens,
      given,
    };
    return new Decoding(this.session.keep(causalState, init), label, timeoutMs);
  }
}

type KeptCausalState = SessionState<ReturnType<typeof causalState.create>>;

class Decoding implements CausalDecoding {
  networkCalls = 0;

  constructor(
    private readonly state: KeptCausalState,
    private readonly label: string,
    private readonly timeoutMs: number | undefined,
  ) {}

  async draw(position: number, uniforms: Float64Array): Promise<Int32Array> {
    const label = `${this.label}, position ${position}`;
    const { timeoutMs } = this;
    const drawn = await this.state.call('draw', { position, uniforms }, { label, timeoutMs });
    this.networkCalls += drawn.networkCalls;
    const bad = drawn.probabilities.findIndex((p) => !(p > 0));
    if (bad >= 0) throw notFinite(this.label, bad, position);
    return drawn.tokens;
  }

  release(): void {
    this.state.release();
  }
}

function notFinite(label: string, sample: number, position: number): NumericalError {
  return notFiniteLogits(`are not finite: ${label}, sample ${sample} of the batch, position ${position}.`);
}

/** A graph, and how its cached keys and values are fed back. */
interface Past {
  kind: PastKind;
  graph: Graph;
  layout: CacheLayout | null;
}

/**
 * The cheapest way that a graph offers. `added` keeps keys and values in memory with spare room, so the graph needs a mask
 * that hides the room and positions that do not follow from it. Graphs with the runtime's own cache operators, and merged
 * decoders with a branch for each case, return past and new positions together.
 */
function pastOf(checkpoint: Checkpoint): Past {
  const { signature, name } = checkpoint;
  const { pastKeyValues, attentionMask, positionIds, useCacheBranch, fixedLength, outputs } = signature;
  const presents = new Set(outputs.map((output) => output.name));
  const returned = pastKeyValues.every((past) => presents.has(presentOf(past.name)));
  const oneByOne = fixedLength === null || fixedLength === 1;
  if (pastKeyValues.length === 0 || !returned || !oneByOne) return wholeSequences(checkpoint);
  if (attentionMask && positionIds && !useCacheBranch) {
    try {
      const graph = checkpoint.graph();
      const layout = cacheLayout(name, signature);
      exposeAdded(graph, layout);
      return { kind: 'added', graph, layout };
    } catch (error) {
      if (!(error instanceof ModelError && error.code === 'no-cache')) throw error;
    }
  }
  return { kind: 'present', graph: checkpoint.graph(), layout: null };
}

const presentOf = (past: string): string => past.replace(/^past_key_values\./, 'present.');

function wholeSequences(checkpoint: Checkpoint): Past {
  const graph = checkpoint.graph();
  graph.proto.output = graph.proto.output.filter(({ name }) => name === 'logits');
  return { kind: 'none', graph, layout: null };
}

/** Replaces the logits by a drawn token for each of some rows: temperature, top-k, top-p, then the draw. */
function appendDraw(graph: Graph, options: CausalSessionOptions): void {
  const { checkpoint, provider, temperature = 1 } = options;
  const { vocabSize } = checkpoint;
  const double = hasDouble(provider);
  graph.scope('duo_eval', () => {
    const rows = graph.input(DRAW.rows, 'int64', ['rows', 2]);
    const uniforms = uniformInputs(graph, ['rows'], double);
    // one row per sequence
    const head = { ...headOptionsOf(checkpoint), inBlocks: false };
    const [token, probability] = atRows(graph, head, rows, uniforms, (logits, ...us) => {
      const f = temperature === 1 ? logits : Mul(logits, 1 / temperature);
      const x = Softmax(truncateLogits(f, vocabSize, options, double ? 'float64' : 'float32'));
      const drawn = inverseCdf(x, vocabSize, us);
      return [drawn, Squeeze(GatherElements(x, Unsqueeze(drawn, [-1])), [-1])];
    });
    graph.proto.output = graph.proto.output.filter(({ name }) => name !== 'logits');
    graph.output(token, DRAW.token, ['rows']);
    graph.output(probability, DRAW.probability, ['rows']);
  });
}
