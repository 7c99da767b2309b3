/**
 * The control variate of masked families: a loss of its own for each token of the vocabulary, 1[z is the mask]·h(x)/(1−α),
 * h learned from other sequences (token-difficulty.ts). h starts at the unigram model's −ln p.
 *
 * h is learned from the first calls only, about a million tokens: that is enough, and bounds the memory of a run.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { unigramFromCounts } from '../../diffusion/control-variate.js';
import { TokenDifficulty } from '../../diffusion/token-difficulty.js';
import type { NumberColumn } from '../../storage/number-column.js';
import { type Correction, type CorrectionContext, vocabularyCounts } from './correction.js';
import {
  callLevels,
  firstMasked,
  levelOfToken,
  type ModelCall,
  noisyTokens,
  type SequenceLoss,
} from './loss-batch.js';

const lessonTokens = 2 ** 20;
/** Times are independent between groups of times.ts, so folds are made of whole groups. */
const mostFolds = 4;
/** Sequences corrected between two turns of the event loop. */
const sequencesATurn = 512;

export class DifficultyCorrection implements Correction {
  private readonly difficulty: TokenDifficulty;
  private readonly folds: number;
  /** Losses of a sequence's masked tokens in the current pass. */
  private readonly lessons = new Map<number, Float32Array>();

  constructor(private readonly context: CorrectionContext) {
    const { stream, model, plan } = context;
    const p = unigramFromCounts(vocabularyCounts(stream, model), model.maskTokenId);
    this.folds = Math.min(mostFolds, plan.groups);
    this.difficulty = new TokenDifficulty(
      p.map((q) => -Math.log(q)),
      this.folds,
    );
  }

  wantsByToken(sequence: number, draw: number): boolean {
    const { sequences, stream } = this.context;
    return (draw * sequences + sequence) * stream.length < lessonTokens;
  }

  observe({ sequence }: ModelCall, { byToken }: SequenceLoss): void {
    if (byToken) this.lessons.set(sequence, byToken);
  }

  async correct(draw: number, nats: NumberColumn, textNats: NumberColumn): Promise<void> {
    const { sequences, model, signal } = this.context;
    await this.learn(draw);
    const h = Array.from({ length: this.folds }, (_, fold) => this.difficulty.withoutFold(fold));
    for (let i = 0; i < sequences; i++) {
      const call = this.callOf(i, draw);
      const { centred, textCentred } = this.centredControl(
        call,
        h[this.foldOf(i, draw)],
        model.wrapped ? 1 : 0,
      );
      nats.add(i, -centred);
      textNats.add(i, -textCentred);
      if (i % sequencesATurn === sequencesATurn - 1) {
        await nextTurn();
        signal?.throwIfAborted();
      }
    }
  }

  close(): void {
    this.lessons.clear();
  }

  /** Learns in the order of the sequences, since the last digits of sums depend on it. */
  private async learn(draw: number): Promise<void> {
    const { model } = this.context;
    for (const i of [...this.lessons.keys()].sort((a, b) => a - b)) {
      const call = this.callOf(i, draw);
      const { x } = call;
      const z = noisyTokens(new Int32Array(x.length), call, model);
      // kept by `observe` for every call learned from
      const losses = this.lessons.get(i)!;
      const fold = this.foldOf(i, draw);
      let r = 0;
      for (let l = 0; l < x.length; l++) {
        if (z[l] !== model.maskTokenId) continue;
        this.difficulty.learn(fold, x[l], losses[r++] * levelOfToken(call, model, l).oneMinusAlpha);
      }
    }
    this.lessons.clear();
  }

  /** The control less its mean, over all tokens and over the text, nats. */
  private centredControl(
    call: ModelCall,
    h: Float64Array,
    edge: number,
  ): { centred: number; textCentred: number } {
    const { model, integration } = this.context;
    const { x } = call;
    const z = noisyTokens(new Int32Array(x.length), call, model);
    const mean = integration.measure * (integration.alphaRange[1] - integration.alphaRange[0]);
    const whereMasked = (l: number) => {
      const { weight, oneMinusAlpha } = levelOfToken(call, model, l);
      return weight / oneMinusAlpha - mean;
    };
    const first = firstMasked(model);
    const over = (from: number, to: number) => {
      let sum = 0;
      for (let l = Math.max(from, first); l < to; l++)
        sum += h[x[l]] * (z[l] === model.maskTokenId ? whereMasked(l) : -mean);
      return sum;
    };
    const textCentred = over(edge, x.length - edge);
    return { centred: textCentred + over(0, edge) + over(x.length - edge, x.length), textCentred };
  }

  private callOf(sequence: number, draw: number): ModelCall {
    const { stream, plan, integration, model } = this.context;
    const call = { sequence, draw, x: stream.sequence(sequence) };
    return { ...call, ...callLevels(plan.at(sequence, draw).u, call, model, integration) };
  }

  private foldOf(sequence: number, draw: number): number {
    return this.context.plan.at(sequence, draw).group % this.folds;
  }
}
