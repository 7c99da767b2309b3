/**
 * A judge: an autoregressive checkpoint that scores how well it predicts generated texts. Texts are re-tokenized with
 * the judge's own tokenizer, cut to their sample's length and scored in windows (calls.ts), each alone and without padding.
 * Windows of equal length share a model call, which changes no figure.
 */
import { loadTokenizer, type Tokenizer } from '../../datasets/tokenizer.js';
import { DataError, ModelError } from '../../errors.js';
import { batchOf } from '../../models/batch-limit.js';
import {
  type Checkpoint,
  checkReadsSequences,
  describeCheckpoint,
  openCheckpoint,
} from '../../models/checkpoint.js';
import { checkMemory } from '../../models/memory-budget.js';
import { checkPositions } from '../../models/positions.js';
import type { Placement } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import { sum } from '../../statistics/numbers.js';
import { callsInOrder } from '../calls-in-order.js';
import type { ModelCall } from '../perplexity/loss-batch.js';
import { type LossJournal, openLossJournal } from '../perplexity/loss-journal.js';
import { LossSession } from '../perplexity/loss-session.js';
import { batchModelOf } from '../perplexity/loss-source.js';
import { countedTargets, digestOf, judgeCalls, judgeWindows, longest } from './calls.js';
import type { JudgedSamples } from './generative-perplexity.js';
import type { JudgeRecord } from './record.js';

/** Context of the GPT-2 judges in the reference code, in tokens. */
const USUAL_CONTEXT = 1024;

/** Increased whenever the same text would give other losses. */
const JUDGING_VERSION = 1;

const NOTHING_RAN = { provider: null, threads: null };

/** Model calls queued behind the one that runs. */
const CALLS_AHEAD = 2;

export interface JudgeOptions {
  path: string;
  name?: string;
  /** Overrides the tokenizer of the checkpoint. */
  tokenizer?: string;
  /** Tokens per window; at most the checkpoint's length. */
  context?: number;
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  /** Windows per model call. */
  batch?: number;
  /** Ignores what an earlier, interrupted run finished. */
  fresh: boolean;
}

/** What an autoregressive checkpoint is asked for: losses, or the hidden states that MAUVE compares. */
type JudgeRole = 'judge' | 'mauve';
const ROLES: Record<JudgeRole, string> = { judge: 'the judge', mauve: 'the model of features' };

export interface Judgement extends JudgedSamples {
  /** Windows scored. */
  modelCalls: number;
  wallSeconds: number;
  /** Windows scored by an earlier run. */
  resumed: number;
}

/** What a judge found for a text, wherever it ran. */
export interface KnownText {
  /** Of the text ({@link digestOf} it alone). */
  digest: string;
  nats: number;
  /** Counted tokens. */
  tokens: number;
  windows: number;
  ms: number;
  provider: string | null;
  threads: number | null;
}

/** How many of all windows are judged. */
type Told = (done: number, total: number) => void;

export class Judge {
  private session: LossSession | null = null;
  /** By the digest of the text. */
  private readonly known = new Map<string, KnownText>();
  private readonly journals = new Map<string, LossJournal>();
  private readonly judgements = new Map<string, Judgement>();

  private constructor(
    readonly checkpoint: Checkpoint,
    readonly tokenizer: Tokenizer,
    /** Tokens per window. */
    readonly context: number,
    private readonly options: JudgeOptions,
    private readonly observer: Observer,
  ) {}

  /**
   * Opens the checkpoint and its tokenizer; the network is loaded with the first text to judge.
   * @throws ModelError `judge-not-autoregressive`, `no-tokenizer`, and as openCheckpoint; DataError, FileError
   */
  static async open(options: JudgeOptions, observer: Observer, role: JudgeRole = 'judge'): Promise<Judge> {
    const { path, name } = options;
    const family = describeCheckpoint(path).fields.family.value;
    if (family !== null && family !== 'ar') throw notAutoregressive(name ?? path, family, role);
    const assumed = family === null ? { family: 'ar' as const } : {};
    const checkpoint = await openCheckpoint(path, { ...assumed, tokenizer: options.tokenizer }, name);
    for (const notice of checkpoint.notices) observer.note?.(notice);
    const { tokenizer, bosTokenId, eosTokenId } = checkpoint.fields;
    if (tokenizer.value === null) {
      throw new ModelError({
        code: 'no-tokenizer',
        message: `Nothing says which tokenizer ${ROLES[role]} ${checkpoint.name} was trained with.`,
        hint:
          role === 'judge'
            ? 'Give --judge-tokenizer (a folder or a tokenizer.json), or "tokenizer" in its card.'
            : 'Give "tokenizer" in its card: a folder or a tokenizer.json.',
      });
    }
    const loaded = await loadTokenizer(tokenizer.value, {
      bosTokenId: bosTokenId.value ?? undefined,
      eosTokenId: eosTokenId.value ?? undefined,
    });
    const context = contextOf(checkpoint, options, observer);
    checkPositions(checkpoint, context);
    checkMemory(checkpoint, { length: context });
    return new Judge(checkpoint, loaded, context, options, observer);
  }

  /** The first `length` token ids of a text, in the judge's tokenizer. */
  idsOf(text: string, length: number): Int32Array {
    const ids: number[] = [];
    for (const piece of this.tokenizer.encodePieces(text)) {
      for (const id of piece) ids.push(id);
      if (ids.length >= length) break;
    }
    const kept = Int32Array.from(ids.slice(0, length));
    const outside = kept.find((id) => id >= this.checkpoint.vocabSize);
    if (outside === undefined) return kept;
    throw new DataError({
      code: 'token-outside-vocabulary',
      message: `The judge's tokenizer gives the token ${outside}; ${this.checkpoint.name} knows ${this.checkpoint.vocabSize} tokens.`,
      hint: 'The tokenizer is not the one the judge was trained with: give --judge-tokenizer.',
    });
  }

  /**
   * Nats and counted tokens per text.
   * @param name of the set, for progress   @param texts token ids per text, from {@link idsOf}
   * @param progress by default that of who opened the judge
   * @throws ModelError, NumericalError, InterruptedError
   */
  async judge(
    name: string,
    texts: readonly Int32Array[],
    progress: Observer['progress'] = this.observer.progress,
  ): Promise<Judgement> {
    const digest = digestOf(texts);
    const known = this.judgements.get(digest);
    if (known) return known;
    const judgement = await this.score(texts, digest, (done, total) =>
      progress?.(`judging ${name}`, done, total),
    );
    this.checkpoint.verifyUnchanged();
    this.judgements.set(digest, judgement);
    // Complete; other processes that judge the same texts need not wait.
    for (const journal of this.journals.values()) journal.close();
    return judgement;
  }

  /** Takes over what was found elsewhere for a text: the network is not asked about it again. */
  learn(text: KnownText): void {
    this.known.set(text.digest, text);
  }

  /** As {@link judge}, for others to learn. */
  async judged(name: string, texts: readonly Int32Array[]): Promise<KnownText[]> {
    const { nats, tokens, wallSeconds } = await this.judge(name, texts);
    const { provider, threads } = this.runtime;
    return texts.map((ids, text) => ({
      ...{ digest: digestOf([ids]), nats: nats[text], tokens: tokens[text], provider, threads },
      windows: judgeWindows(ids, this.context).length,
      ms: (1000 * wallSeconds) / texts.length,
    }));
  }

  /** Texts that are known as they are, and the others by the network. */
  private async score(texts: readonly Int32Array[], digest: string, told: Told): Promise<Judgement> {
    if (this.known.size === 0) return this.scoreByNetwork(texts, digest, told);
    const found = texts.map((ids) => this.known.get(digestOf([ids])));
    const others = texts.filter((_, text) => found[text] === undefined);
    const scored = others.length > 0 ? await this.scoreByNetwork(others, digestOf(others), told) : null;
    const nats = new Float64Array(texts.length);
    const tokens = new Float64Array(texts.length);
    let [next, modelCalls, ms] = [0, scored?.modelCalls ?? 0, 1000 * (scored?.wallSeconds ?? 0)];
    for (const [text, known] of found.entries()) {
      if (known) {
        modelCalls += known.windows;
        ms += known.ms;
      }
      nats[text] = known ? known.nats : scored!.nats[next]; // what is not known was scored, in the same order
      tokens[text] = known ? known.tokens : scored!.tokens[next++]; // likewise
    }
    return { nats, tokens, modelCalls, wallSeconds: ms / 1000, resumed: scored?.resumed ?? 0 };
  }

  private async scoreByNetwork(texts: readonly Int32Array[], digest: string, told: Told): Promise<Judgement> {
    const { checkpoint, observer, options } = this;
    const windows = texts.flatMap((ids, text) =>
      judgeWindows(ids, this.context).map((window) => ({ text, window })),
    );
    const source = await this.source(digest, windows.length);
    const model = batchModelOf(this.checkpoint, { seed: 0, wrapped: false });
    const counted = (window: Int32Array) => countedTargets(window, this.tokenizer.eosTokenId);
    const nats = new Float64Array(windows.length);
    const batch = batchOf(checkpoint, Math.min(this.context, longest(texts)), options.batch);
    const started = performance.now();
    let done = 0;
    const call = async (calls: ModelCall[]) => {
      for (const { sequence, byToken } of await source.losses(calls, model)) {
        const counts = counted(windows[sequence].window);
        // judgeCalls asks for the loss of each token
        nats[sequence] = sum(byToken!.map((loss, l) => (counts[l] ? loss : 0)));
      }
      done += calls.length;
      told(done, windows.length);
    };
    const window = { full: CALLS_AHEAD + 1, resume: CALLS_AHEAD };
    await callsInOrder(judgeCalls(windows, batch), call, () => window, observer.signal);
    const natsOfText = new Float64Array(texts.length);
    const tokensOfText = new Float64Array(texts.length);
    for (const [i, { text, window }] of windows.entries()) {
      natsOfText[text] += nats[i];
      tokensOfText[text] += counted(window).filter(Boolean).length;
    }
    return {
      nats: natsOfText,
      tokens: tokensOfText,
      modelCalls: windows.length,
      wallSeconds: source.earlierSeconds + (performance.now() - started) / 1000,
      resumed: source.resumed,
    };
  }

  /** The journal of these texts, which calls the network for losses it does not hold. */
  private async source(digest: string, windows: number): Promise<LossJournal> {
    const { checkpoint, options, observer } = this;
    const { provider, threads, timeoutMs } = options;
    this.session ??= await LossSession.start({
      checkpoint,
      provider,
      threads,
      timeoutMs,
      notice: observer.warn,
    });
    const key = {
      judging: JUDGING_VERSION,
      model: await checkpoint.sha256(),
      family: checkpoint.family,
      vocabSize: checkpoint.vocabSize,
      maskTokenId: checkpoint.maskTokenId,
      ...(checkpoint.textVocabSize !== null && { textVocabSize: checkpoint.textVocabSize }),
      context: this.context,
      stream: digest,
      sequences: windows,
      provider: this.session.provider,
    };
    const journal = await openLossJournal(this.session, key, { sequences: windows, fresh: options.fresh });
    this.journals.set(digest, journal);
    return journal;
  }

  async record(): Promise<JudgeRecord> {
    const { name, family, path } = this.checkpoint;
    return {
      name,
      family,
      sha256: await this.checkpoint.sha256(),
      path,
      tokenizerSha256: this.tokenizer.sha256,
      context: this.context,
    };
  }

  /** The provider that ran, here or elsewhere, and its threads. */
  get runtime(): { provider: string | null; threads: number | null } {
    const { provider, threads } = this.session ?? this.known.values().next().value ?? NOTHING_RAN;
    return { provider, threads };
  }

  /** Frees the network. */
  async close(): Promise<void> {
    await this.session?.close();
  }

  /** Keeps the finished losses for a later run. */
  keep(): void {
    for (const journal of this.journals.values()) journal.close();
  }

  /** Removes the journals, once the results are written. */
  finish(): void {
    for (const journal of this.journals.values()) journal.finish();
  }
}

/** @throws ModelError when the window is longer than the context of the checkpoint */
function contextOf(checkpoint: Checkpoint, { context }: JudgeOptions, observer: Observer): number {
  checkReadsSequences(checkpoint);
  const { name, fields, signature } = checkpoint;
  const own = signature.fixedLength ?? fields.length.value;
  if (own === null && context === undefined) {
    observer.note?.(
      `Nothing says how long a context ${name} has: windows are ${USUAL_CONTEXT} tokens, as in the reference code; --context changes that.`,
    );
  }
  if (own !== null && context !== undefined && context > own) {
    throw new ModelError({
      code: 'judge-context',
      message: `${name} reads ${own} tokens at a time; windows of ${context} were asked for.`,
      hint: `Give --context ${own} or less, or another judge.`,
    });
  }
  return context ?? own ?? USUAL_CONTEXT;
}

function notAutoregressive(name: string, family: string, role: JudgeRole): ModelError {
  return new ModelError({
    code: 'judge-not-autoregressive',
    message: `${name} is of the family ${family}; ${role === 'judge' ? 'a judge' : 'a model of features'} must be autoregressive (ar).`,
    hint: `Give --${role} an autoregressive checkpoint, for example GPT-2 exported to ONNX.`,
  });
}
