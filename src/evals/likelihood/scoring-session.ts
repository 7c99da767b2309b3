/**
 * ln p of continuations from a checkpoint that stays open: what a server keeps between requests, and what an evaluation asks for all of
 * its items. `openScoring` starts the network, `scoreContinuations` may be called many times, also while an earlier call is
 * under way, and `close` stops the network.
 *
 *     const session = await openScoring({ checkpoint, provider: 'cpu', tokenizer, tail: 'none' });
 *     const [score] = await scoreContinuations(session, [{ context: 'The cat', continuation: ' sat' }]);
 *     score.logLikelihood; score.isGreedy; score.error; score.method; score.calls;
 *     await session.close();
 *
 * Requests of one `question` are its choices: they share model calls, and where something is drawn, masks, times and noise. No
 * figure depends on the batch, on the order of requests, or on what else is asked for.
 */
import { createHash } from 'node:crypto';
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { type DrawnIntegration, integration } from '../../diffusion/integration.js';
import { noiseSchedule } from '../../diffusion/schedule.js';
import { ModelError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { hasBlocks, hasMaskToken, isInBlocks, isMasked } from '../../models/family.js';
import { tabledPositions } from '../../models/positions.js';
import { drawnLevels } from '../perplexity/estimator.js';
import { exactLikelihood } from '../perplexity/exact-likelihood.js';
import type { ModelCall } from '../perplexity/loss-batch.js';
import { LossSession, type LossSessionOptions } from '../perplexity/loss-session.js';
import { type BatchModel, batchModelOf } from '../perplexity/loss-source.js';
import type { Answers } from '../perplexity/policy-walk.js';
import { type LikelihoodItem, type LikelihoodPrompt, type Reading, readItems } from './items.js';
import {
  type ContinuationScore,
  chainRuleWalk,
  maskedWalk,
  type Question,
  uniformWalk,
  type Walk,
  type WalkSettings,
} from './question-walks.js';
import { Scoring, type ScoringSession } from './scored-questions.js';
import { type TokenCall, TokenSession } from './token-session.js';

export interface ScoringSettings extends LossSessionOptions, Partial<WalkSettings> {
  /** Needed where a request holds text, or a tail needs the tokenizer's EOS. */
  tokenizer?: () => Promise<Tokenizer>;
  /** What follows requests that name no tail, by default nothing; see items.ts, as for the next two. */
  tail?: Reading['tail'];
  bos?: Reading['bos'];
  tooLong?: Reading['tooLong'];
  /** Sequences per model call; changes no figure. By default chosen by the size of the logits. */
  batch?: number | null;
}

/** A continuation to score: texts or token ids, as `duo-eval likelihood` takes them. */
export interface ScoreRequest extends LikelihoodPrompt {
  /** Requests of one number are the choices of one question, with common noise. By default those of one context are. */
  question?: number;
  /** What names it in errors. By default its index: `Item 3`. */
  label?: string;
}

const DEFAULT_DRAWS = 128;

/** @throws ModelError for a family without such likelihoods, or an ar model that looks ahead; as the network's start */
export async function openScoring(settings: ScoringSettings): Promise<ScoringSession> {
  const { reading, walks } = settled(settings);
  if (settings.checkpoint.family === 'duo') return UniformScoring.start(settings, reading, walks);
  return TokenScoring.start(settings, reading, walks);
}

/** A session that counts the calls that it would make, at most where `until` could end them sooner, and answers nothing of use. */
export function planScoring(settings: ScoringSettings): ScoringSession {
  const { reading, walks } = settled({ ...settings, until: null });
  if (settings.checkpoint.family === 'duo') return UniformScoring.plan(settings, reading, walks);
  return TokenScoring.plan(settings, reading, walks);
}

function settled(settings: ScoringSettings): { reading: Reading; walks: WalkSettings } {
  const { checkpoint, tokenizer, tail = 'none', bos, tooLong } = settings;
  const reading: Reading = {
    checkpoint,
    tokenizer: tokenizer ?? noTokenizer(checkpoint),
    tail,
    bos,
    tooLong,
  };
  const walks: WalkSettings = {
    method: settings.method ?? 'policy',
    likelihood: settings.likelihood ?? exactLikelihood({ policy: 'left-to-right' }),
    draws: settings.draws ?? DEFAULT_DRAWS,
    until: settings.until ?? null,
    seed: settings.seed ?? 1,
  };
  return { reading, walks };
}

/**
 * ln p of each continuation given its context and tail, in the order of the requests.
 * @throws DataError for a request that cannot be scored, which it names; UsageError, NumericalError; the reason of `signal`
 */
export async function scoreContinuations(
  session: ScoringSession,
  requests: readonly ScoreRequest[],
  { signal, onQuestion }: ScoreListening = {},
): Promise<ContinuationScore[]> {
  const { questions, places } = await questionsOf(session, requests);
  const requestsOf = questions.map(() => [] as number[]);
  for (const [i, { question }] of places.entries()) requestsOf[question].push(i);
  const found = await session.score(questions, {
    signal,
    onQuestion: (question, scores) => onQuestion?.(requestsOf[question], scores),
  });
  return places.map(({ question, choice }) => found[question][choice]);
}

interface ScoreListening {
  signal?: AbortSignal;
  /** Receives the scores of each question as it is finished: which requests were its choices, and their scores. */
  onQuestion?: (requests: readonly number[], scores: readonly ContinuationScore[]) => void;
}

/** Where the score of a request is found. */
interface PlaceOfRequest {
  question: number;
  choice: number;
}

async function questionsOf(
  { reading }: ScoringSession,
  requests: readonly ScoreRequest[],
): Promise<{ questions: Question[]; places: PlaceOfRequest[] }> {
  const labels = requests.map(({ label }, i) => label ?? `Item ${i}`);
  const items = await readItems(
    requests.map((prompt, i) => ({ prompt, where: labels[i] })),
    reading,
  );
  const byKey = new Map<string, number>();
  const questions: (Question & { items: LikelihoodItem[] })[] = [];
  const places = items.map((item, i): PlaceOfRequest => {
    const address = requests[i].question ?? addressOf(item);
    const key = `${requests[i].question === undefined} ${address}`;
    const question = byKey.get(key) ?? questions.push({ items: [], address, label: labels[i] }) - 1;
    byKey.set(key, question);
    const { items: choices } = questions[question];
    return { question, choice: choices.push(item) - 1 };
  });
  return { questions, places };
}

/** An address of random numbers that a context alone decides: 48 bits. */
function addressOf({ tokens, first }: LikelihoodItem): number {
  const hash = createHash('sha256').update(tokens.subarray(0, first)).digest();
  return hash.readUIntLE(0, 6);
}

const noTokenizer =
  ({ name }: Checkpoint): Reading['tokenizer'] =>
  () => {
    throw new ModelError({
      code: 'no-tokenizer',
      message: `Nothing says which tokenizer ${name} was trained with, and a request holds text.`,
      hint: 'Give --tokenizer (a folder or a tokenizer.json), or "tokenizer" in its card.',
    });
  };

/** Lengths of autoregressive calls are filled up to a multiple of this, without effect: more of them share a batch. */
const LENGTH_STEP = 8;

/** Autoregressive and masked models, which are asked for ln p of single tokens. */
class TokenScoring extends Scoring<TokenCall, Answers> {
  private constructor(
    settings: ScoringSettings,
    reading: Reading,
    private readonly walks: WalkSettings,
    private readonly session: Pick<TokenSession, 'ask' | 'close' | 'provider' | 'threads'>,
    /** Positions that the graph has; null: any number. */
    private readonly tabled: number | null,
  ) {
    super(settings.checkpoint, reading, settings.batch ?? null);
  }

  static async start(
    settings: ScoringSettings,
    reading: Reading,
    walks: WalkSettings,
  ): Promise<TokenScoring> {
    const session = await TokenSession.start(settings, walks.likelihood.order, { best: true });
    return new TokenScoring(settings, reading, walks, session, tabledPositions(settings.checkpoint.graph()));
  }

  static plan(settings: ScoringSettings, reading: Reading, walks: WalkSettings): TokenScoring {
    const session = {
      ...idle(settings),
      ask: async (calls: readonly TokenCall[]) =>
        calls.map(({ positions }): Answers => {
          const zeros = new Float64Array(positions.length);
          return { logProbability: zeros, score: zeros, best: zeros };
        }),
    };
    return new TokenScoring(settings, reading, walks, session, tabledPositions(settings.checkpoint.graph()));
  }

  get runtime() {
    return this.session;
  }

  close(): Promise<void> {
    return this.session.close();
  }

  protected walk(question: Question): Walk<TokenCall, Answers> {
    const { checkpoint } = this;
    if (!hasMaskToken(checkpoint)) return chainRuleWalk(question);
    const blockSize = hasBlocks(checkpoint) ? checkpoint.blockSize : null;
    return maskedWalk(question, { mask: checkpoint.maskTokenId, blockSize }, this.walks);
  }

  protected lengthOf({ tokens }: TokenCall): number {
    const { family, signature } = this.checkpoint;
    if (isMasked(family)) return tokens.length;
    const filled = LENGTH_STEP * Math.ceil(tokens.length / LENGTH_STEP);
    return signature.fixedLength ?? (this.tabled !== null && filled > this.tabled ? tokens.length : filled);
  }

  protected ask(calls: readonly TokenCall[]): Promise<Answers[]> {
    return this.session.ask(calls.map((call) => this.filledUp(call)));
  }

  /** An autoregressive model reads zeros after its text, without effect. */
  private filledUp(call: TokenCall): TokenCall {
    const length = this.lengthOf(call);
    if (length === call.tokens.length) return call;
    const tokens = new Int32Array(length);
    tokens.set(call.tokens);
    return { ...call, tokens };
  }

  protected joined(calls: readonly TokenCall[]) {
    const inBlocks = isInBlocks(this.checkpoint.family);
    const distinct: (TokenCall & { positions: number[]; targets: number[] })[] = [];
    const byTokens = new Map<string, number>();
    const places = calls.map(({ tokens, x, positions, targets, left, label }) => {
      // Block diffusion reads the true tokens of earlier blocks too.
      const key = `${left} ${bytesOf(tokens)}${inBlocks ? ` ${bytesOf(x)}` : ''}`;
      const call =
        byTokens.get(key) ?? distinct.push({ tokens, x, positions: [], targets: [], left, label }) - 1;
      byTokens.set(key, call);
      const from = distinct[call].positions.length;
      distinct[call].positions.push(...positions);
      distinct[call].targets.push(...targets);
      return { call, from, to: from + positions.length };
    });
    const part = (all: ArrayLike<number>, from: number, to: number) => Array.from(all).slice(from, to);
    return {
      distinct,
      answersOf: (answers: readonly Answers[]) =>
        places.map(({ call, from, to }): Answers => {
          const { logProbability, score, best } = answers[call];
          return {
            logProbability: part(logProbability, from, to),
            score: part(score, from, to),
            ...(best && { best: part(best, from, to) }),
          };
        }),
    };
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('latin1');

/** Uniform states, whose loss is drawn. */
class UniformScoring extends Scoring<ModelCall, number> {
  private readonly model: BatchModel;
  private readonly integration: DrawnIntegration;

  private constructor(
    settings: ScoringSettings,
    reading: Reading,
    private readonly walks: WalkSettings,
    private readonly session: Pick<LossSession, 'losses' | 'close' | 'provider' | 'threads'>,
  ) {
    super(settings.checkpoint, reading, settings.batch ?? null);
    this.integration = levelsOf(settings.checkpoint);
    this.model = batchModelOf(settings.checkpoint, { seed: walks.seed, wrapped: false });
  }

  static async start(
    settings: ScoringSettings,
    reading: Reading,
    walks: WalkSettings,
  ): Promise<UniformScoring> {
    return new UniformScoring(settings, reading, walks, await LossSession.start(settings));
  }

  static plan(settings: ScoringSettings, reading: Reading, walks: WalkSettings): UniformScoring {
    const session = {
      ...idle(settings),
      losses: async (calls: readonly ModelCall[]) =>
        calls.map(({ sequence, draw }) => ({ sequence, draw, nats: 0, textNats: 0, calls: 1 })),
    };
    return new UniformScoring(settings, reading, walks, session);
  }

  get runtime() {
    return this.session;
  }

  close(): Promise<void> {
    return this.session.close();
  }

  protected walk(question: Question): Walk<ModelCall, number> {
    return uniformWalk(question, this.integration, this.walks);
  }

  protected lengthOf({ x }: ModelCall): number {
    return x.length;
  }

  protected async ask(calls: readonly ModelCall[]): Promise<number[]> {
    const losses = await this.session.losses(calls, this.model);
    return losses.map(({ nats }) => nats);
  }

  protected joined(calls: readonly ModelCall[]) {
    return { distinct: [...calls], answersOf: (answers: readonly number[]) => [...answers] };
  }
}

/** The levels of the bound of continuous time, drawn towards clean text. */
function levelsOf({ family, signature, fields, schedule: ofCard }: Checkpoint): DrawnIntegration {
  // a family with noise has a schedule
  const schedule = noiseSchedule(ofCard!);
  const readsTime = signature.sigma !== null && fields.timeConditioning.value === true;
  return drawnLevels('control-variate', integration('strict', schedule), { schedule, family, readsTime });
}

/** Of a session that runs nothing. */
const idle = ({ provider, threads }: ScoringSettings) => ({
  provider,
  threads: threads ?? 0,
  close: async () => {},
});
