/**
 * ln p of continuations given their context and tail. Short ones exactly, over every order of revealing them (diffusion/subsets.ts);
 * autoregressive ones exactly, left to right. No figure depends on the batch or on which items are asked for together.
 */
import {
  likelihoodsOfBlocks,
  likelihoodsOverOrders,
  type OrderLikelihoods,
  subsetTable,
} from '../../diffusion/subsets.js';
import { batchOf } from '../../models/batch-limit.js';
import { hasBlocks, isMasked } from '../../models/family.js';
import type { Observer } from '../../observer.js';
import { sum } from '../../statistics/numbers.js';
import { callsInOrder } from '../calls-in-order.js';
import type { Answers } from '../perplexity/policy-walk.js';
import { type LikelihoodJournal, openLikelihoodJournal } from './likelihood-journal.js';
import { type LongerContext, type LongerMethod, type PolicyOutcome, walkItems } from './longer-items.js';
import { drawnBoundWalk } from './question-walks.js';
import { checkItems, type LikelihoodRequest, likelihoodKey, orderOf } from './request.js';
import {
  type BlockLikelihoods,
  type Chunk,
  chunksOf,
  type Part,
  type PartTable,
  partsOf,
  type SubsetCall,
  unknownAtOnce,
} from './subset-calls.js';
import { TokenSession } from './token-session.js';

/** Of one item, in nats: ln p, negative. */
export type ItemLikelihood =
  /** Every order of revealing the tokens. */
  | ({
      method: 'subsets';
      /** Of block diffusion each block, else the whole continuation. */
      blocks: readonly BlockLikelihoods[];
    } & OrderLikelihoods)
  /** Autoregressive: the chain rule, exact, in the only order that there is. */
  | { method: 'chain-rule'; evidence: number; bound: number; leftToRight: number }
  | LongerLikelihood;

/** Of an item of too many tokens for all subsets. */
type LongerLikelihood = ({ method: 'policy' } & PolicyOutcome) | { method: 'exact-count'; bound: DrawnBound };

export interface LikelihoodRun {
  /** In the order of the items. */
  likelihoods: readonly ItemLikelihood[];
  /** Calls of the network, those of earlier runs included: fewer than the items need alone where they share some. */
  modelCalls: number;
  /** Removes what was kept to continue the run, once the likelihoods are written. */
  finish(): void;
  /** Keeps it for a later run. */
  close(): void;
}

/**
 * @throws UsageError for an item of too many tokens, ModelError for a family whose tokens are not revealed one by one,
 *   NumericalError, FileError `in-use`; the reason of `observer.signal` when it aborts
 */
export async function runLikelihoods(
  request: LikelihoodRequest,
  observer: Observer = {},
): Promise<LikelihoodRun> {
  const { checkpoint } = request;
  checkItems(request);
  const session = await TokenSession.start({ ...request, notice: observer.warn }, orderOf(request));
  try {
    const key = await likelihoodKey(request, session.provider);
    const journal = await openLikelihoodJournal<LongerLikelihood>(key, {
      label: checkpoint.name,
      fresh: request.fresh,
    });
    try {
      const earlier = journal.finished + journal.outcomes.size;
      if (earlier > 0)
        observer.note?.(
          `Continuing; an earlier run made ${journal.finished} calls for all subsets, and finished ${journal.outcomes.size} longer items.`,
        );
      const run = new Run(request, session, journal, observer);
      await run.all();
      checkpoint.verifyUnchanged();
      return {
        likelihoods: run.likelihoods,
        modelCalls: run.modelCalls,
        finish: () => journal.finish(),
        close: () => journal.close(),
      };
    } catch (error) {
      journal.close();
      throw error;
    }
  } finally {
    await session.close();
  }
}

class Run {
  readonly likelihoods: ItemLikelihood[] = [];
  modelCalls = 0;
  private answered = 0;
  private readonly answers: number;
  /** What is asked for by subsets, and the places of the other items. */
  private readonly parts: Part[] = [];
  private readonly long: number[] = [];
  /** Blocks that are known, by item. */
  private readonly blocks = new Map<number, BlockLikelihoods[]>();
  private readonly mask: number | null;

  constructor(
    private readonly request: LikelihoodRequest,
    private readonly session: TokenSession,
    private readonly journal: LikelihoodJournal<LongerLikelihood>,
    private readonly observer: Observer,
  ) {
    const { checkpoint, items } = request;
    this.mask = isMasked(checkpoint.family) ? checkpoint.maskTokenId : null;
    const blockSize = hasBlocks(checkpoint) ? checkpoint.blockSize : null;
    for (const [index, item] of items.entries()) {
      if (this.mask !== null && unknownAtOnce(item, blockSize) > request.subsetsUpTo) this.long.push(index);
      else this.parts.push(...partsOf(index, item, blockSize));
    }
    this.answers = this.parts.reduce((sum, { item }) => sum + answersOf(item.count, this.mask), 0);
    this.answers += this.long.length;
  }

  async all(): Promise<void> {
    await this.shortOnes();
    await this.longOnes();
  }

  private async shortOnes(): Promise<void> {
    await callsInOrder(
      this.batches(),
      (batch) => this.call(batch),
      () => WINDOW,
      this.observer.signal,
    );
  }

  /** Batches that earlier runs did not finish; answers of finished ones are put in their places on the way. */
  private *batches(): Generator<Batch> {
    for (const chunk of chunksOf(this.parts, this.mask)) {
      const progress = { chunk, left: chunk.count };
      const size = this.batchOf(chunk.tables[0].item.tokens.length);
      let calls: SubsetCall[] = [];
      for (const call of chunk.calls()) {
        const number = this.modelCalls++;
        if (number < this.journal.finished) {
          this.fill(
            progress,
            call,
            Array.from(call.places, () => this.journal.next()),
          );
          continue;
        }
        calls.push(call);
        if (calls.length === size) {
          yield { progress, first: this.modelCalls - size, calls };
          calls = [];
        }
      }
      if (calls.length > 0) yield { progress, first: this.modelCalls - calls.length, calls };
    }
  }

  private async longOnes(): Promise<void> {
    const { request, session, journal, mask } = this;
    const { items, longer } = request;
    if (mask === null || longer === null) return;
    const { checkpoint } = request;
    const blockSize = hasBlocks(checkpoint) ? checkpoint.blockSize : null;
    const context = { items, session, mask, blockSize, signal: this.observer.signal };
    for (const [index, likelihood] of journal.outcomes) this.known(index, likelihood);
    const left = this.long.filter((index) => !journal.outcomes.has(index));
    const found = (index: number, likelihood: LongerLikelihood) => {
      journal.appendOutcome(index, likelihood);
      this.known(index, likelihood);
    };
    if (longer.kind === 'policy') {
      await walkItems(
        left,
        (length) => this.batchOf(length),
        longer,
        context,
        (index, outcome) => found(index, { method: 'policy', ...outcome }),
      );
      return;
    }
    for (const index of left) {
      const batch = this.batchOf(items[index].tokens.length);
      found(index, { method: 'exact-count', bound: await drawBound(index, batch, longer, context) });
    }
  }

  private known(index: number, likelihood: LongerLikelihood): void {
    this.likelihoods[index] = likelihood;
    this.modelCalls += likelihood.method === 'policy' ? likelihood.calls : likelihood.bound.draws;
    this.progress(1);
  }

  private progress(answers: number): void {
    this.answered += answers;
    const { checkpoint } = this.request;
    this.observer.progress?.(`likelihoods under ${checkpoint.name}`, this.answered, this.answers);
  }

  private batchOf(length: number): number {
    return batchOf(this.request.checkpoint, length, this.request.batch);
  }

  private async call({ progress, first, calls }: Batch): Promise<void> {
    const answered = await this.session.ask(calls.map((call) => this.padded(call)));
    const answers = answered.map(({ logProbability }) => logProbability);
    this.journal.append(first, answers);
    for (const [i, call] of calls.entries()) this.fill(progress, call, answers[i]);
  }

  /** A graph of fixed length reads zeros after an autoregressive text, without effect. */
  private padded(call: SubsetCall): SubsetCall {
    const { fixedLength } = this.request.checkpoint.signature;
    if (fixedLength === null || call.tokens.length === fixedLength) return call;
    const tokens = new Int32Array(fixedLength);
    tokens.set(call.tokens);
    return { ...call, tokens };
  }

  /** Puts the answers of a call in their places; after the last call of a chunk its items are known. */
  private fill(progress: ChunkProgress, { places }: SubsetCall, answers: ArrayLike<number>): void {
    for (const [i, { table, at }] of places.entries()) table[at] = answers[i];
    this.progress(places.length);
    if (--progress.left > 0) return;
    for (const part of progress.chunk.tables) this.finish(part);
  }

  private finish({ index, item, table }: PartTable): void {
    if (this.mask === null) {
      const evidence = sum(table);
      this.likelihoods[index] = { method: 'chain-rule', evidence, bound: evidence, leftToRight: evidence };
      return;
    }
    const { items, bySubset = false } = this.request;
    const whole = items[index];
    const blocks = this.blocks.get(index) ?? [];
    this.blocks.set(index, blocks);
    blocks.push({
      ...likelihoodsOverOrders(table, item.count),
      ...{ before: item.first - whole.first, count: item.count },
      ...(bySubset && { table: subsetTable(table, item.count) }),
    });
    if (blocks.reduce((count, block) => count + block.count, 0) < whole.count) return;
    blocks.sort((a, b) => a.before - b.before);
    this.blocks.delete(index);
    this.likelihoods[index] = { method: 'subsets', ...likelihoodsOfBlocks(blocks), blocks };
  }
}

interface ChunkProgress {
  chunk: Chunk;
  /** Calls without an answer. */
  left: number;
}

interface Batch {
  progress: ChunkProgress;
  /** Number of its first call. */
  first: number;
  calls: SubsetCall[];
}

/** Calls under way: the network never waits for the next one. */
const WINDOW = { full: 4, resume: 3 };

/** Answers that an item needs: each of n tokens is asked for given half of the subsets. */
const answersOf = (count: number, mask: number | null): number =>
  mask === null ? count : count * 2 ** (count - 1);

/** The bound as the mean of draws, and its standard error over draws, nats. */
interface DrawnBound {
  value: number;
  stderr: number;
  /** Two in each stratum. */
  draws: number;
}

/** Draws two masks in each stratum of their number. */
async function drawBound(
  index: number,
  batch: number,
  { draws, seed }: Extract<LongerMethod, { kind: 'exact-count' }>,
  { items, session, mask, signal }: LongerContext,
): Promise<DrawnBound> {
  const question = { items: [items[index]], address: index, label: `item ${index}` };
  const walk = drawnBoundWalk(question, { mask, draws, seed });
  let step = walk.next();
  while (!step.done) {
    const answers: Answers[] = [];
    while (answers.length < step.value.length) {
      signal?.throwIfAborted();
      answers.push(...(await session.ask(step.value.slice(answers.length, answers.length + batch))));
    }
    step = walk.next(answers);
  }
  const [{ logLikelihood, error, calls }] = step.value;
  return { value: logLikelihood, stderr: error, draws: calls };
}
