/**
 * The exact likelihood under an unmasking policy, as a source of losses. Texts at different stages share a batch: when one is
 * finished, the next that was asked for takes its place. No figure depends on which texts share a call.
 *
 * Not responsible for the policy (policy-walk.ts) or for what a call reads (policy-network.ts).
 */
import { BatchLimit } from '../../models/batch-limit.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { sha256OfBytes } from '../../storage/digest.js';
import type { ExactLikelihood } from './exact-likelihood.js';
import type { ModelCall, SequenceLoss } from './loss-batch.js';
import { checkNoMask, type LossSessionOptions, notFinite } from './loss-session.js';
import type { BatchModel, LossSource } from './loss-source.js';
import { type OrdersNats, OrdersWalk } from './orders-walk.js';
import { PolicyNetwork } from './policy-network.js';
import { PolicyWalk } from './policy-walk.js';

/** A text that is asked for. */
interface Text {
  call: ModelCall;
  model: BatchModel;
  walk: PolicyWalk | OrdersWalk;
  resolve(loss: SequenceLoss): void;
  reject(error: unknown): void;
}

/** What is known of texts over all orders, by model and tokens: the rows of a bracket ask for the same calls. */
export type KnownOrders = Map<string, { calls: number; nats: OrdersNats }>;

interface PolicySessionOptions extends LossSessionOptions {
  signal?: AbortSignal;
  knownOrders?: KnownOrders;
}

export class PolicySession implements LossSource {
  readonly checkpoint: Checkpoint;
  private readonly limit: BatchLimit;
  private readonly waiting: Text[] = [];
  private readonly underWay: Text[] = [];
  private readonly signal: AbortSignal | undefined;
  private readonly knownOrders: KnownOrders;
  private isRunning = false;

  private constructor(
    private readonly network: PolicyNetwork,
    private readonly likelihood: ExactLikelihood,
    private readonly batch: number,
    { checkpoint, notice, signal, knownOrders = new Map() }: PolicySessionOptions,
  ) {
    this.checkpoint = checkpoint;
    this.signal = signal;
    this.knownOrders = knownOrders;
    this.limit = new BatchLimit(checkpoint, 'sequences', notice);
  }

  /** @param batch sequences per model call   @throws ModelError as the session */
  static async start(
    options: PolicySessionOptions,
    likelihood: ExactLikelihood,
    batch: number,
  ): Promise<PolicySession> {
    const network = await PolicyNetwork.start(options, likelihood.order);
    return new PolicySession(network, likelihood, batch, options);
  }

  get provider() {
    return this.network.provider;
  }

  get threads() {
    return this.network.threads;
  }

  /** @throws DataError `mask-in-text`   @throws NumericalError `not-finite`   @throws the reason of the signal when it aborts */
  losses(calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]> {
    return Promise.all(calls.map((call) => this.loss(call, model)));
  }

  async close(): Promise<void> {
    await this.network.close();
  }

  private async loss(call: ModelCall, model: BatchModel): Promise<SequenceLoss> {
    checkNoMask([call], model);
    const { seed, blockSize: modelBlock } = model;
    const { overOrders } = this.likelihood;
    const known = overOrders && this.knownOrders.get(keyOf(call, model));
    if (known) return { ...lossPlace(call), ...known.nats[overOrders], calls: known.calls };
    // only masked families have a policy
    const mask = model.maskTokenId!;
    const drawn = { mask, seed, sequence: call.sequence, modelBlock };
    const walk = overOrders
      ? new OrdersWalk(call.x, this.likelihood, drawn)
      : new PolicyWalk(call.x, this.likelihood, drawn);
    return new Promise((resolve, reject) => {
      this.waiting.push({ call, model, walk, resolve, reject });
      if (!this.isRunning) void this.run();
    });
  }

  /** Makes calls until nothing is asked for. */
  private async run(): Promise<void> {
    this.isRunning = true;
    try {
      await null; // those asked for together start together
      while (this.waiting.length + this.underWay.length > 0) await this.step();
    } catch (error) {
      for (const { reject } of [...this.underWay.splice(0), ...this.waiting.splice(0)]) reject(error);
    } finally {
      this.isRunning = false;
    }
  }

  private async step(): Promise<void> {
    this.signal?.throwIfAborted();
    const { underWay, waiting } = this;
    underWay.push(...waiting.splice(0, this.batch - underWay.length));
    const length = underWay[0].call.x.length;
    const texts = underWay.filter(({ call }) => call.x.length === length).slice(0, this.limit.size);
    const walks = texts.map(({ walk }) => walk);
    try {
      const answers = await this.network.ask(walks, describe(texts));
      for (const [i, walk] of walks.entries()) walk.reveal(answers[i]);
    } catch (error) {
      this.limit.halve(error, texts.length);
      return;
    }
    for (const text of texts.filter(({ walk }) => walk.left === 0)) {
      const loss = this.lossOf(text);
      underWay.splice(underWay.indexOf(text), 1);
      text.resolve(loss);
    }
  }

  /** @throws NumericalError `not-finite` */
  private lossOf({ call, model, walk }: Text): SequenceLoss {
    const edge = model.wrapped ? 1 : 0;
    const loss =
      walk instanceof OrdersWalk
        ? this.lossOverOrders(call, model, walk, edge)
        : lossUnderPolicy(call, walk, edge);
    if (!Number.isFinite(loss.nats)) throw notFinite(model, call, loss.nats);
    return loss;
  }

  private lossOverOrders(call: ModelCall, model: BatchModel, walk: OrdersWalk, edge: number): SequenceLoss {
    const found = { calls: walk.calls, nats: walk.nats(edge) };
    this.knownOrders.set(keyOf(call, model), found);
    // a walk over orders is of a likelihood over orders
    return { ...lossPlace(call), ...found.nats[this.likelihood.overOrders!], calls: found.calls };
  }
}

/** @throws NumericalError `not-finite` */
function lossUnderPolicy(call: ModelCall, walk: PolicyWalk, edge: number): SequenceLoss {
  const { x } = call;
  let [nats, textNats] = [0, 0];
  for (const l of [...walk.order].sort((a, b) => a - b)) {
    const value = walk.logProbability[l];
    nats -= value;
    if (l >= edge && l < x.length - edge) textNats -= value;
  }
  const path = { order: walk.order, logProbability: [...walk.logProbability] };
  return { ...lossPlace(call), nats, textNats, calls: walk.calls, ...(call.path && { path }) };
}

const lossPlace = ({ sequence, draw }: ModelCall) => ({ sequence, draw });

const keyOf = ({ x }: ModelCall, { name }: BatchModel): string =>
  `${sha256OfBytes(new Uint8Array(x.buffer, x.byteOffset, x.byteLength))} ${name}`;

function describe(texts: readonly Text[]): string {
  const [first, last] = [texts[0], texts[texts.length - 1]].map(({ call }) => call.sequence);
  return first === last ? `sequence ${first}` : `sequences ${first} to ${last}`;
}
