/** Scoring of autoregressive and masked models, which are asked for ln p of single tokens. */
import type { Checkpoint } from '../../models/checkpoint.js';
import { hasBlocks, hasMaskToken, isInBlocks, isMasked } from '../../models/family.js';
import { tabledPositions } from '../../models/positions.js';
import { prefixLayout, roomOf } from '../perplexity/policy-network.js';
import type { Answers } from '../perplexity/policy-walk.js';
import { chainRuleWalk, type Prefixes } from './chain-rule-walk.js';
import type { Reading } from './items.js';
import { maskedWalk, type Question, type Walk, type WalkSettings } from './question-walks.js';
import { idle, Scoring, type ScoringSettings } from './scored-questions.js';
import { type TokenCall, TokenSession } from './token-session.js';

/** Lengths of autoregressive calls are filled up to a multiple of this, without effect: more of them share a batch. */
const LENGTH_STEP = 8;

/** Keys and values of one context that are kept: there are as many as calls under way. */
const MOST_PREFIX_BYTES = 2 ** 26;

export class TokenScoring extends Scoring<TokenCall, Answers> {
  private readonly prefixes: Prefixes | null;

  private constructor(
    settings: ScoringSettings,
    reading: Reading,
    private readonly walks: WalkSettings,
    private readonly session: Pick<TokenSession, 'ask' | 'forget' | 'close' | 'provider' | 'threads'>,
    /** Positions that the graph has; null: any number. */
    private readonly tabled: number | null,
  ) {
    super(settings.checkpoint, reading, settings.batch ?? null);
    this.prefixes = settings.sharesPrefixes === false ? null : this.prefixesOf(settings.checkpoint);
  }

  private prefixesOf(checkpoint: Checkpoint): Prefixes | null {
    const layout = prefixLayout(checkpoint);
    if (layout === null) return null;
    const bytesPerToken = 4 * layout.parts.length * layout.heads * layout.headSize;
    let last = 0;
    return {
      next: () => ++last,
      // The session may have ended: then nothing is kept.
      forget: (id) => void this.session.forget([id]).catch(() => {}),
      most: Math.floor(MOST_PREFIX_BYTES / bytesPerToken),
    };
  }

  static async start(
    settings: ScoringSettings,
    reading: Reading,
    walks: WalkSettings,
  ): Promise<TokenScoring> {
    const session = await TokenSession.start(settings, walks.likelihood.order, {
      best: true,
      prefixes: settings.sharesPrefixes !== false,
    });
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
      forget: async () => {},
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
    if (!hasMaskToken(checkpoint)) return chainRuleWalk(question, this.prefixes);
    const blockSize = hasBlocks(checkpoint) ? checkpoint.blockSize : null;
    return maskedWalk(question, { mask: checkpoint.maskTokenId, blockSize }, this.walks);
  }

  protected lengthOf(call: TokenCall): number {
    return this.widthOf(call) + (call.past ? roomOf(call.past) : 0);
  }

  protected tokensOf({ tokens }: TokenCall): number {
    return tokens.length;
  }

  /** Rounding depends on the room for what was kept, so calls of other rooms have batches of their own. */
  protected override shapeOf(call: TokenCall): string {
    return `${this.widthOf(call)} ${call.past ? roomOf(call.past) : ''}`;
  }

  /** Tokens that the call reads, with those that it is filled up with. */
  private widthOf({ tokens, past }: TokenCall): number {
    const { family, signature } = this.checkpoint;
    if (isMasked(family)) return tokens.length;
    const filled = LENGTH_STEP * Math.ceil(tokens.length / LENGTH_STEP);
    const end = filled + (past?.length ?? 0);
    return signature.fixedLength ?? (this.tabled !== null && end > this.tabled ? tokens.length : filled);
  }

  protected ask(calls: readonly TokenCall[]): Promise<Answers[]> {
    return this.session.ask(calls.map((call) => this.filledUp(call)));
  }

  /** An autoregressive model reads zeros after its text, without effect. */
  private filledUp(call: TokenCall): TokenCall {
    const length = this.widthOf(call);
    if (length === call.tokens.length) return call;
    const tokens = new Int32Array(length);
    tokens.set(call.tokens);
    return { ...call, tokens };
  }

  protected joined(calls: readonly TokenCall[]) {
    const inBlocks = isInBlocks(this.checkpoint.family);
    const distinct: (TokenCall & { positions: number[]; targets: number[] })[] = [];
    const byTokens = new Map<string, number>();
    const places = calls.map(({ tokens, x, positions, targets, left, label, keep, past }) => {
      // Block diffusion reads the true tokens of earlier blocks too.
      const key = `${left} ${keep?.id} ${past?.id} ${bytesOf(tokens)}${inBlocks ? ` ${bytesOf(x)}` : ''}`;
      const call =
        byTokens.get(key) ??
        distinct.push({ tokens, x, positions: [], targets: [], left, label, keep, past }) - 1;
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
