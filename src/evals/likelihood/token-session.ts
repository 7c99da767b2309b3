/**
 * A running checkpoint that is asked for ln p of some tokens of a sequence, each at the position that predicts it: sequences with
 * masks in, one number per asked token out. A masked model answers at a mask, an autoregressive one at the position before.
 */
import type { FurtherAnswers } from '../../diffusion/heads/policy-score.js';
import type { UnmaskingOrder } from '../../diffusion/unmasking.js';
import { ModelError, NumericalError } from '../../errors.js';
import { BatchLimit } from '../../models/batch-limit.js';
import { checkCausal, probeSequences } from '../../models/causality.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { FAMILIES, type Family, isDiffusion, isMasked } from '../../models/family.js';
import type { Provider } from '../../models/provider.js';
import type { LossSessionOptions } from '../perplexity/loss-session.js';
import { PolicyNetwork, type Question } from '../perplexity/policy-network.js';
import type { Answers } from '../perplexity/policy-walk.js';

/** One sequence through the network once. */
export interface TokenCall extends Question {
  /** What it is, for errors: `item 3`. */
  label: string;
}

export class TokenSession {
  private readonly limit: BatchLimit;

  private constructor(
    private readonly network: PolicyNetwork,
    private readonly options: LossSessionOptions,
  ) {
    this.limit = new BatchLimit(options.checkpoint, 'sequences', options.notice);
  }

  /**
   * @param order the scores that answers come with   @param asks what they say of the most probable tokens, and whether calls may keep keys and values
   * @throws ModelError for a family whose tokens do not become known one by one, or an ar model that looks ahead
   */
  static async start(
    options: LossSessionOptions,
    order: UnmaskingOrder,
    asks: FurtherAnswers & { prefixes?: boolean } = {},
  ): Promise<TokenSession> {
    const { checkpoint } = options;
    checkFamily(checkpoint);
    const session = new TokenSession(await PolicyNetwork.start(options, order, asks), options);
    try {
      if (!isDiffusion(checkpoint.family)) await session.checkCausal();
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  get provider(): Provider {
    return this.network.provider;
  }

  get threads(): number {
    return this.network.threads;
  }

  /**
   * Halves a batch that does not fit into memory; later batches are no larger.
   * @param calls of equal length   @returns what each call says of its tokens
   * @throws NumericalError `not-finite`
   */
  async ask(calls: readonly TokenCall[]): Promise<Answers[]> {
    const answers: Answers[] = [];
    while (answers.length < calls.length) {
      const part = calls.slice(answers.length, answers.length + this.limit.size);
      try {
        answers.push(...(await this.network.ask(part, part[0].label)));
      } catch (error) {
        this.limit.halve(error, part.length);
      }
    }
    const bad = answers.findIndex(({ logProbability }) => !Array.from(logProbability).every(Number.isFinite));
    if (bad >= 0) throw this.notFinite(calls[bad]);
    return answers;
  }

  /** Frees what calls kept. */
  forget(ids: readonly number[]): Promise<void> {
    return this.network.forget(ids);
  }

  close(): Promise<void> {
    return this.network.close();
  }

  private async checkCausal(): Promise<void> {
    const { checkpoint } = this.options;
    const sequences = probeSequences(checkpoint);
    if (!sequences) return;
    const { plain, changed } = sequences;
    const targets = [...plain.subarray(1)];
    const calls = [plain, changed].map((tokens) => ({
      ...{ tokens, x: tokens, targets, positions: targets.map((_, l) => l), left: 0 },
      label: 'the probe for causality',
    }));
    const [before, after] =
      checkpoint.signature.fixedBatch === 1
        ? [...(await this.ask(calls.slice(0, 1))), ...(await this.ask(calls.slice(1)))]
        : await this.ask(calls);
    checkCausal(checkpoint, this.provider, before.logProbability, after.logProbability);
  }

  private notFinite({ label }: TokenCall): NumericalError {
    return new NumericalError({
      code: 'not-finite',
      message: `${this.options.checkpoint.name} gives a token of ${label} no finite ln p.`,
      hint: 'The checkpoint gives NaN or infinite logits there; a float16 export can overflow: try it in float32.',
    });
  }
}

/** Whether a family's tokens become known one by one. */
const hasOrders = (family: Family): boolean => !isDiffusion(family) || isMasked(family);

/** @throws ModelError `no-order-of-tokens` */
function checkFamily({ name, family }: Checkpoint): void {
  if (hasOrders(family)) return;
  throw new ModelError({
    code: 'no-order-of-tokens',
    message: `${name} is of the family ${family}: its tokens are not revealed one by one, so there is no likelihood over orders.`,
    hint: `Families with such likelihoods: ${FAMILIES.filter(hasOrders).join(', ')}. For others see duo-eval ppl.`,
  });
}
