/**
 * The model that a server serves: its texts as tokens, what it can be asked, and how long a text may be. Questions become model calls
 * here, and their answers the numbers that an answer holds.
 */
import { loadTokenizer, type Tokenizer } from '../datasets/tokenizer.js';
import { type ChatTemplate, readChatTemplate } from '../datasets/tokenizer-files.js';
import { DataError, UsageError } from '../errors.js';
import type { BosRule, TailKind } from '../evals/likelihood/items.js';
import type { ScoreRequest } from '../evals/likelihood/scoring-session.js';
import type { TokenCall } from '../evals/likelihood/token-session.js';
import { batchOf } from '../models/batch-limit.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { hasBlocks, hasMaskToken, isDiffusion, isMasked } from '../models/family.js';
import { tabledPositions } from '../models/positions.js';
import { tokenizerOf } from '../sampling/prepare-sampling.js';
import { CAUSAL, chainRuleJobs, NEXT } from './chain-rule.js';
import { DrawPool } from './draw-pool.js';
import type { Network } from './network.js';
import type { LikelihoodAnswer, ScoreAnswer } from './network-protocol.js';
import { Turns } from './turns.js';

/** Most of the most probable tokens that an answer may have, as in OpenAI's completions. */
const MOST_TOP = 5;

/** Questions that are scored together: the network's process puts their calls into batches. */
const QUESTIONS_AT_ONCE = 64;

export interface ServedModelOptions {
  checkpoint: Checkpoint;
  network: Network;
  /** A path, in place of the checkpoint's. */
  tokenizer?: string;
  /** Texts per model call; by default what suits the length. */
  batch?: number;
  /** Whether BOS stands before every prompt that does not begin with it, or only before an empty one. */
  bos: BosRule;
  /** What stands behind a text that is scored; masked models see it. */
  tail: TailKind;
}

/** What is known of a token in a text. */
export interface TokenScore {
  /** ln p given what is before it; null where it is not known: the first token, and what was cut off. */
  logProbability: number | null;
  /** The most probable tokens there, best first. */
  top: { token: number; logProbability: number }[];
}

/** A prompt as the network reads it. */
export interface ReadPrompt {
  /** As it was sent. */
  ids: number[];
  /** What the network reads: BOS, where it is added, and the last tokens of the prompt. */
  read: number[];
  /** Whether the first of `read` is a BOS that was not sent. */
  withBos: boolean;
  /** Tokens of the prompt that are too long ago to be read. */
  cut: number;
}

export class ServedModel {
  /** Model calls for log-probabilities, by length. */
  private readonly calls: Turns<TokenCall, ScoreAnswer>;
  /** Continuations of one context each. */
  private readonly questions: Turns<ScoreRequest[], LikelihoodAnswer[]>;
  /** Model calls that were made for log-probabilities, and tokens of them; continuations that were scored. */
  readonly counts = { calls: 0, tokens: 0, continuations: 0 };
  readonly draws: DrawPool;
  /** As it is for this model: a causal one sees nothing behind a text, a graph of fixed length is filled up with masks. */
  readonly tail: TailKind;
  private pieces = new Map<number, string>();

  private constructor(
    private readonly options: ServedModelOptions,
    private loaded: Tokenizer,
    /** Most tokens of a text; null where nothing says. */
    readonly length: number | null,
    readonly sha256: string,
    /** How the tokenizer's files write a chat down; null: they do not say. */
    readonly chatTemplate: ChatTemplate | null,
  ) {
    const { checkpoint, network, batch } = options;
    const { fixedLength } = checkpoint.signature;
    const batchFor = (tokens: number) => batchOf(checkpoint, tokens, batch);
    const isMaskedModel = hasMaskToken(checkpoint);
    this.tail = !isMaskedModel ? 'none' : fixedLength !== null ? 'masked' : options.tail;
    const usable = checkpoint.vocabSize - Number(checkpoint.maskTokenId !== null);
    const top = Math.min(MOST_TOP, usable);
    this.calls = new Turns(async (calls) => {
      const answers = await network.ask('score', { calls: [...calls], top });
      this.counts.calls += calls.length;
      this.counts.tokens += calls.reduce((sum, { tokens }) => sum + tokens.length, 0);
      return answers;
    }, batchFor);
    this.questions = new Turns(
      async (questions) => {
        const ask = (requests: ScoreRequest[]) => network.ask('likelihood', { requests });
        const lists = withoutRepeats(questions).map((list) => list.flat());
        const answers = await Promise.all(lists.map(ask));
        const byRequest = new Map(
          lists.flatMap((list, i) => list.map((request, j) => [request, answers[i][j]] as const)),
        );
        this.counts.continuations += byRequest.size;
        // each was asked
        return questions.map((choices) => choices.map((request) => byRequest.get(request)!));
      },
      () => QUESTIONS_AT_ONCE,
    );
    this.draws = new DrawPool(network, batchFor, !isDiffusion(checkpoint.family));
  }

  /** @throws ModelError, DataError for a checkpoint without a usable tokenizer */
  static async open(options: ServedModelOptions): Promise<ServedModel> {
    const { checkpoint } = options;
    const { signature, fields } = checkpoint;
    const tokenizer = await tokenizerOf(checkpoint, options.tokenizer);
    const known = [signature.fixedLength, tabledPositions(checkpoint.graph()), fields.length.value];
    const most = Math.min(...known.map((length) => length ?? Number.POSITIVE_INFINITY));
    const length = Number.isFinite(most) ? most : null;
    if (options.tail === 'masked' && length === null && isMasked(checkpoint.family)) {
      throw new UsageError({
        code: 'no-length',
        message: `Nothing says how long sequences of ${checkpoint.name} are, so masks cannot reach their end.`,
        hint: 'Give --max-length, "length" in its card, or --tail none.',
      });
    }
    if (options.tail === 'eos' && tokenizer.eosTokenId === null) {
      throw new UsageError({
        code: 'no-eos',
        message: `Nothing says which token ends a sequence of ${checkpoint.name}, so it cannot stand behind a text.`,
        hint: 'Give --eos-token-id, "eosTokenId" in its card, or --tail none.',
      });
    }
    const path = options.tokenizer ?? fields.tokenizer.value;
    const chatTemplate = path === null ? null : await readChatTemplate(path);
    return new ServedModel(options, tokenizer, length, await checkpoint.sha256(), chatTemplate);
  }

  get checkpoint(): Checkpoint {
    return this.options.checkpoint;
  }

  get name(): string {
    return this.checkpoint.name;
  }

  get tokenizer(): Tokenizer {
    return this.loaded;
  }

  /** Most tokens of a drawn text: block diffusion writes on, its window slides. */
  get drawnLength(): number | null {
    return hasBlocks(this.checkpoint) ? null : this.length;
  }

  /** @throws DataError for text that has no tokens, or takes too long */
  async encode(text: string): Promise<number[]> {
    try {
      return this.tokenizer.encode(text);
    } catch (error) {
      // The time that a tokenizer may take is counted over all texts; other requests do not pay for this one.
      if (error instanceof DataError && error.code === 'tokenizer-too-costly') await this.reload();
      throw error;
    }
  }

  decode(ids: ArrayLike<number>): string {
    return this.tokenizer.decode(ids, { cleanUp: false });
  }

  /** The text of one token. */
  piece(id: number): string {
    const known = this.pieces.get(id);
    if (known !== undefined) return known;
    const piece = this.decode([id]);
    this.pieces.set(id, piece);
    return piece;
  }

  /** @throws UsageError for an id that the model does not know, or its mask, unless that may stand there */
  checkIds(ids: readonly number[], where: string, mayBeMask = false): void {
    const { checkpoint, name } = this;
    const mask = hasMaskToken(checkpoint) && !mayBeMask ? checkpoint.maskTokenId : null;
    const bad = ids.find((id) => id < 0 || id >= checkpoint.vocabSize || id === mask);
    if (bad === undefined) return;
    const what =
      bad === mask
        ? `is the mask of ${name}`
        : `is none of ${name}, whose ids are 0 to ${checkpoint.vocabSize - 1}`;
    throw new UsageError({
      code: 'token-not-in-model',
      message: `${where}: the token ${bad} ${what}.`,
      hint: 'Check that the client uses the tokenizer that the model was trained with: /tokenize answers with it.',
    });
  }

  /**
   * What the network reads of a prompt: what is too long is cut off at its beginning, as lm-evaluation-harness does, a BOS first.
   * @param more tokens that follow it   @throws UsageError where these alone are too many
   */
  read(ids: number[], more: number, length = this.length): ReadPrompt {
    const { bosTokenId } = this.tokenizer;
    const room = length === null ? Number.POSITIVE_INFINITY : length - more;
    if (room < 1) {
      throw new UsageError({
        code: 'too-many-tokens',
        message: `A text of ${this.name} has ${length} tokens, and ${more} leave no room for a prompt.`,
        hint: 'Ask for fewer, or start the server with a larger --max-length.',
      });
    }
    const isWanted = this.options.bos === 'always' || ids.length === 0;
    const withBos = isWanted && bosTokenId !== null && ids[0] !== bosTokenId && ids.length < room;
    const cut = Math.max(0, ids.length - room);
    // `withBos` says that there is one
    return { ids, read: [...(withBos ? [bosTokenId!] : []), ...ids.slice(cut)], withBos, cut };
  }

  /** What the network reads of a text that is scored. @throws as read */
  readWhole(ids: number[]): ReadPrompt {
    return this.read(ids, Number(this.tail === 'eos'));
  }

  /**
   * ln p of each token of a prompt by the chain rule from left to right, and what is most probable after it. Masked models: the later
   * tokens are masked, so the sum from any token on is ln p of the rest given what is before it; nothing follows the prompt.
   * @returns of each token as it was sent, and after the last (null where `next` is false)
   * @throws UsageError for a family without a chain rule
   */
  async score(
    prompt: ReadPrompt,
    { from = 0, next, signal }: { from?: number; next: boolean; signal: AbortSignal },
  ): Promise<{ tokens: TokenScore[]; next: TokenScore | null; calls: number }> {
    this.checkChainRule();
    const { read, ids, cut, withBos } = prompt;
    const offset = cut - Number(withBos);
    const scores: (TokenScore | undefined)[] = [];
    const first = Math.max(1, from - offset);
    const { checkpoint, tail, length } = this;
    const eosTokenId = this.tokenizer.eosTokenId;
    const jobs = chainRuleJobs({ checkpoint, tail, length, eosTokenId }, Int32Array.from(read), first, next);
    let made = 0;
    await Promise.all(
      jobs.map(({ length, calls }) =>
        this.calls.take({
          kind: length,
          units: calls[Symbol.iterator](),
          signal,
          answered: ({ positions, label }, { logProbability, top }) => {
            made++;
            const shift = label === CAUSAL ? 1 : 0;
            for (const [i, position] of positions.entries()) {
              scores[label === NEXT ? read.length : position + shift] = {
                logProbability: logProbability[i],
                top: top.map((rank) => ({ token: rank.token[i], logProbability: rank.logProbability[i] })),
              };
            }
          },
        }),
      ),
    );
    const unknown: TokenScore = { logProbability: null, top: [] };
    const after = scores[read.length];
    return {
      // The first token as it was sent is told of by nobody, even after a BOS that was not sent.
      tokens: ids.map((_, i) => (i === 0 ? unknown : (scores[i - offset] ?? unknown))),
      next: next && after ? { ...after, logProbability: after.top[0].logProbability } : null,
      calls: made,
    };
  }

  /**
   * ln p of continuations given their contexts, by the best way that the family has: exact where it can be, else with its error.
   * @throws DataError for one that cannot be scored
   */
  async likelihoods(
    items: readonly Pick<ScoreRequest, 'context' | 'continuation' | 'question'>[],
    signal: AbortSignal,
  ): Promise<LikelihoodAnswer[]> {
    const byQuestion = new Map<string, (ScoreRequest & { place: number })[]>();
    for (const [place, item] of items.entries()) {
      const key = item.question === undefined ? JSON.stringify(item.context ?? '') : `${item.question}`;
      const choice = { ...item, place, label: `Item ${place}` };
      byQuestion.set(key, [...(byQuestion.get(key) ?? []), choice]);
    }
    const answers = new Array<LikelihoodAnswer>(items.length);
    await this.questions.take({
      kind: 0,
      units: byQuestion.values(),
      signal,
      answered: (choices, scores) => {
        for (const [i, choice] of choices.entries())
          answers[(choice as ScoreRequest & { place: number }).place] = scores[i];
      },
    });
    return answers;
  }

  /** @throws UsageError `no-chain-rule` */
  checkChainRule(): void {
    const { family } = this.checkpoint;
    if (!isDiffusion(family) || isMasked(family)) return;
    throw new UsageError({
      code: 'no-chain-rule',
      message: `${this.name} is of the family ${family}, whose tokens are not revealed one by one: it has no log-probability of a token given those before it, so "logprobs" and "echo" with them cannot be answered.`,
      hint: 'Use /v1/loglikelihood, where context and continuation are told apart: it estimates ln p of the whole continuation, with its error.',
    });
  }

  private async reload(): Promise<void> {
    const { checkpoint, tokenizer } = this.options;
    const path = tokenizer ?? checkpoint.fields.tokenizer.value;
    if (path === null) return;
    const { bosTokenId, eosTokenId } = this.loaded;
    this.loaded = await loadTokenizer(path, { bosTokenId, eosTokenId });
  }
}

/**
 * Questions in lists, of which none has two of one number: those of different requests are not choices of one question. Without
 * numbers, what is drawn follows from the context, so they may stand together.
 */
function withoutRepeats(questions: readonly ScoreRequest[][]): ScoreRequest[][][] {
  const lists: { questions: ScoreRequest[][]; numbers: Set<number> }[] = [];
  for (const choices of questions) {
    const number = choices[0].question;
    const list = lists.find(({ numbers }) => number === undefined || !numbers.has(number));
    const own = list ?? { questions: [], numbers: new Set<number>() };
    if (!list) lists.push(own);
    own.questions.push(choices);
    if (number !== undefined) own.numbers.add(number);
  }
  return lists.map((list) => list.questions);
}
