/** A model with the head of the exact likelihood, running: texts with masks and positions in, two numbers per position out. */
import { headOptionsOf } from '../../diffusion/heads/head.js';
import { appendPolicyHead, type FurtherAnswers, POLICY_HEAD } from '../../diffusion/heads/policy-score.js';
import { type NoiseSchedule, noiseSchedule, toldTimestep } from '../../diffusion/schedule.js';
import { timeOfShare, type UnmaskingOrder } from '../../diffusion/unmasking.js';
import { ModelError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { isInBlocks } from '../../models/family.js';
import { networkFeeds } from '../../models/feeds.js';
import { startHeadSession } from '../../models/head-session.js';
import { type CacheLayout, cacheLayout, exposeAdded } from '../../models/key-value-cache.js';
import { RunningModel } from '../../models/running-model.js';
import type { ModelSession, SessionState } from '../../models/session.js';
import { maskedInput, rowFeeds } from './loss-batch.js';
import { type LossSessionOptions, padBatch } from './loss-session.js';
import type { Answers } from './policy-walk.js';
import { type Prefix, type PrefixState, prefixState } from './prefix-state.js';
import { TIME_WITHOUT_EFFECT } from './probe.js';

/** A text at one stage. */
export interface Question {
  tokens: Int32Array;
  /** The true tokens; read by block diffusion alone. */
  x: Int32Array;
  /** Positions that are asked about, and the token that each is asked about. */
  positions: readonly number[];
  targets: readonly number[];
  /** Masked positions in all. */
  left: number;
  /** Autoregressive: keys and values of the first tokens are kept for later calls, or these tokens stand behind kept ones. */
  keep?: Prefix;
  past?: Prefix;
}

/** Positions that a call has for kept keys and values: multiples of this, so that calls share batches. */
const ROOM_STEP = 8;
export const roomOf = ({ length }: Prefix): number => ROOM_STEP * Math.ceil(length / ROOM_STEP);

/** Length of a probe where the graph has no fixed length. */
const PROBE_LENGTH = 8;

export class PolicyNetwork extends RunningModel {
  private constructor(
    session: ModelSession,
    private readonly checkpoint: Checkpoint,
    /** Null where the network reads no noise level. */
    private readonly schedule: NoiseSchedule | null,
    private readonly timeoutMs: number | undefined,
    /** How many of the most probable tokens an answer has. */
    private readonly top: number,
    /** Keys and values that calls keep; null where the graph gives none out. */
    private readonly prefixes: SessionState<PrefixState> | null,
  ) {
    super(session);
  }

  /**
   * @param asks what answers say of the most probable tokens, and whether calls may keep keys and values
   * @throws ModelError as the session
   */
  static async start(
    { checkpoint, provider, threads, timeoutMs, notice }: LossSessionOptions,
    order: UnmaskingOrder,
    asks: FurtherAnswers & { prefixes?: boolean } = {},
  ): Promise<PolicyNetwork> {
    const { signature, fields } = checkpoint;
    const graph = checkpoint.graph();
    const head = { ...headOptionsOf(checkpoint), inBlocks: provider === 'cpu' };
    const layout = asks.prefixes ? prefixLayout(checkpoint) : null;
    appendPolicyHead(graph, order, head, asks);
    if (layout) exposeAdded(graph, layout);
    const session = await startHeadSession(graph, { checkpoint, provider, threads });
    const readsLevel = signature.sigma && fields.timeConditioning.value && checkpoint.schedule;
    const schedule = readsLevel ? noiseSchedule(readsLevel) : null;
    const prefixes = layout && session.keep(prefixState, { layout, signature });
    const network = new PolicyNetwork(session, checkpoint, schedule, timeoutMs, asks.top ?? 0, prefixes);
    try {
      if (schedule && !(await network.heedsTime())) notice?.(`${checkpoint.name}: ${TIME_WITHOUT_EFFECT}`);
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  /** Whether an answer depends on the noise level that the network reads: asked of a masked text as if at two stages. */
  private async heedsTime(): Promise<boolean> {
    const { signature, fields, vocabSize, maskTokenId } = this.checkpoint;
    const length = signature.fixedLength ?? Math.min(PROBE_LENGTH, fields.length.value ?? PROBE_LENGTH);
    // only masked families have a policy
    const mask = maskTokenId!;
    const tokens = new Int32Array(length).fill(mask);
    const ofStage = async (left: number) => {
      const text = { tokens, x: tokens, positions: [0], targets: [(mask + 1) % vocabSize], left };
      const [{ logProbability }] = await this.ask([text], 'probe');
      return logProbability[0];
    };
    return (await ofStage(1)) !== (await ofStage(length));
  }

  /** Frees what calls kept. */
  async forget(ids: readonly number[]): Promise<void> {
    await this.prefixes?.call('forget', ids, { label: 'the end of a question' });
  }

  /** One call. @param questions about texts of one length   @throws ModelError as the session */
  async ask(questions: readonly Question[], label: string): Promise<Answers[]> {
    const { signature, fields } = this.checkpoint;
    const told = toldTimestep(this.schedule, fields.timestepInput.value);
    const batch = questions.length;
    const length = questions[0].tokens.length;
    // Block diffusion reads the true tokens too: a block sees those of earlier blocks.
    const doubled = isInBlocks(this.checkpoint.family);
    const { inputIds, width } = maskedInput(questions, length, doubled);
    const rows = questions.flatMap(({ positions, targets }, b) =>
      positions.flatMap((position, i) => [b, position, targets[i]]),
    );
    const sigma = signature.sigma
      ? Float32Array.from(questions, ({ left }) =>
          this.schedule ? told(this.schedule.sigma(timeOfShare(this.schedule, left / length))) : 0,
        )
      : null;
    const feeds = {
      ...networkFeeds(signature, { inputIds, batch, length: width, noisyWidth: length, sigma }),
      ...rowFeeds(rows),
    };
    const options = { label, timeoutMs: this.timeoutMs, transfer: true };
    const padded = padBatch(feeds, batch, signature.fixedBatch);
    const outputs = this.prefixes
      ? await this.prefixes.call('run', { feeds: padded, ...prefixesOf(questions) }, options)
      : await this.session.run(padded, options);
    const logProbability = outputs[POLICY_HEAD.logProbability].data as Float64Array;
    const score = (outputs[POLICY_HEAD.score]?.data ?? new Float32Array(0)) as Float32Array;
    const best = outputs[POLICY_HEAD.best]?.data as Float64Array | undefined;
    const top = Array.from({ length: this.top }, (_, rank) => ({
      token: outputs[POLICY_HEAD.topToken(rank)].data as BigInt64Array,
      logProbability: outputs[POLICY_HEAD.topLogProbability(rank)].data as Float64Array,
    }));
    let next = 0;
    return questions.map(({ positions: { length: count } }) => {
      const from = next;
      next += count;
      return {
        ...{ logProbability: logProbability.subarray(from, next), score: score.subarray(from, next) },
        ...(best && { best: best.subarray(from, next) }),
        ...(top.length > 0 && {
          top: top.map((rank) => ({
            token: rank.token.subarray(from, next),
            logProbability: rank.logProbability.subarray(from, next),
          })),
        }),
      };
    });
  }
}

function prefixesOf(questions: readonly Question[]) {
  const past = questions.flatMap((question) => question.past ?? []);
  return {
    keep: questions.map(({ keep }) => keep ?? null),
    past: past.length > 0 ? past : null,
    room: past.reduce((most, prefix) => Math.max(most, roomOf(prefix)), 0),
  };
}

/** How keys and values are kept; null for a graph that does not give them out, or takes none behind others. */
export function prefixLayout(checkpoint: Checkpoint): CacheLayout | null {
  const { signature, name, family } = checkpoint;
  const { attentionMask, positionIds, useCacheBranch, fixedLength, fixedBatch } = signature;
  const takesPast = attentionMask !== null && positionIds !== null && !useCacheBranch;
  if (family !== 'ar' || !takesPast || fixedLength !== null || fixedBatch !== null) return null;
  try {
    const layout = cacheLayout(name, signature);
    exposeAdded(checkpoint.graph(), layout);
    return layout;
  } catch (error) {
    if (error instanceof ModelError && error.code === 'no-cache') return null;
    throw error;
  }
}
