/**
 * Sampling by an unmasking policy (../diffusion/unmasking.ts): each call reveals the masked positions that the policy ranks first by
 * the model's distributions, with tokens drawn from these same distributions. The rank does not depend on the drawn tokens, as
 * that of `confidence` does, so the likelihood of what it writes can be computed: `ppl --likelihood exact` follows the same
 * policy.
 *
 * Max-probability: the low-confidence remasking of LLaDA (arXiv 2502.09992), by the largest probability; with a threshold, Fast-dLLM's
 * (arXiv 2505.22618). Entropy with a bound: EB-Sampler (arXiv 2505.24857).
 */
import {
  isScored,
  pickPositions,
  policyProblem,
  positionsInTurn,
  TIE_RULES,
  type TieRule,
  timeOfShare,
  UNMASKING_ORDERS,
  type UnmaskingOrder,
  type UnmaskingPolicy,
} from '../diffusion/unmasking.js';
import { UsageError } from '../errors.js';
import type { Denoised, OptionValue, Sampler, SamplingRun } from './sampler.js';
import { scheduleOf } from './time-grid.js';

type Options = Readonly<Record<string, OptionValue>>;

export const unmask: Sampler = {
  name: 'unmask',
  summary:
    'Reveals the masks that an order of the positions puts first, by the model’s distributions; at most steps calls, unless blocks, a threshold or a bound ask for more.',
  families: ['mdlm', 'sedd', 'bd3lm', 'd3pm'],
  options: {
    order: { default: 'max-probability', choices: UNMASKING_ORDERS, summary: 'Which masks are first.' },
    'tokens-per-call': {
      default: 0,
      min: 0,
      max: 1_000_000,
      summary:
        'Masks that a call reveals, whole; 0: as many as steps calls need, or 1 with a threshold or a bound.',
    },
    block: {
      default: 0,
      min: 0,
      max: 1_000_000,
      summary:
        'Positions per block, whole; blocks are written one after the other; 0: the text is one block.',
    },
    threshold: {
      default: 0,
      min: 0,
      max: 1000,
      summary: 'Further masks whose score is above it; max-probability, margin, log-margin; 0: none.',
    },
    'entropy-bound': {
      default: 0,
      min: 0,
      max: 1000,
      summary:
        'Further masks while their entropies but the largest add up to at most this; entropy; 0: none.',
    },
    ties: {
      default: 'lowest',
      choices: TIE_RULES,
      summary: 'Which of equal masks is first: the lowest, or one drawn with the seed.',
    },
  },
  aliases: {
    LowConfidence: { order: 'max-probability' },
    EntropyBound: { order: 'entropy', 'entropy-bound': 0.1 },
  },
  score(options) {
    const order = options.order as UnmaskingOrder;
    return isScored(order) ? order : null;
  },
  check({ options, length, blockSize }) {
    checkWhole(options, 'tokens-per-call');
    checkWhole(options, 'block');
    const policy = policyOf({ options, steps: 1, blockSize }, 1);
    // A call of more tokens than there are reveals them all.
    const problem = policyProblem({ ...policy, tokensPerCall: 1 }, { length, ofModel: blockSize });
    if (!problem) return;
    const { message, setting, takes } = problem;
    throw refusal(message, `Give --sampler-option ${OPTIONS[setting]}=${takes}.`);
  },
  async *sample(run) {
    const policies = Array.from({ length: run.batch }, (_, b) =>
      policyOf(run, maskedPositions(run, b).length),
    );
    const numbers = run.uniforms('own-1', 0).slice();
    for (let step = 0; ; step++) {
      const masked = policies.map((_, b) => maskedPositions(run, b));
      if (masked.every(({ length }) => length === 0)) return;
      for (const { t, skip } of callsOf(run, masked)) {
        const answer = await run.denoise({ t, step, skip, score: unmask.score?.(run.options) ?? undefined });
        for (const [b, policy] of policies.entries()) {
          if (!skip[b]) reveal(run, answer, { b, masked: masked[b], policy, numbers });
        }
      }
      yield;
    }
  },
};

/** The option that each setting of a policy is. */
const OPTIONS = { order: 'order', tokensPerCall: 'tokens-per-call', blockSize: 'block' } as const;

function checkWhole(options: Options, name: string): void {
  if (Number.isInteger(options[name])) return;
  throw refusal(
    `The option ${name} of unmask takes a whole number, not ${options[name]}.`,
    'Leave out the fraction.',
  );
}

const refusal = (message: string, hint: string): UsageError =>
  new UsageError({ code: 'unmasking-policy', message, hint });

/** @param masked positions of the sequence that are masked at the beginning */
function policyOf(
  { options, steps, blockSize }: Pick<SamplingRun, 'options' | 'steps' | 'blockSize'>,
  masked: number,
): UnmaskingPolicy {
  const [threshold, entropyBound] = [options.threshold as number, options['entropy-bound'] as number];
  const adaptive = threshold > 0 || entropyBound > 0;
  return {
    order: options.order as UnmaskingOrder,
    tokensPerCall: (options['tokens-per-call'] as number) || (adaptive ? 1 : Math.ceil(masked / steps)),
    blockSize: (options.block as number) || (blockSize ?? null),
    ties: options.ties as TieRule,
    threshold: threshold || null,
    entropyBound: entropyBound || null,
  };
}

/** The masked positions of a sequence, from 0. */
function maskedPositions({ tokens, length, maskTokenId }: SamplingRun, b: number): number[] {
  const positions: number[] = [];
  for (let l = 0; l < length; l++) if (tokens[b * length + l] === maskTokenId) positions.push(l);
  return positions;
}

/** One call, or, where the network reads the time, one for each share that is still masked: of sequences that have it. */
function callsOf(
  run: SamplingRun,
  masked: readonly (readonly number[])[],
): { t: number; skip: Uint8Array }[] {
  const counts = masked.map(({ length }) => length);
  const schedule = scheduleOf(run);
  const callFor = (count: number, isIn: (count: number) => boolean) => ({
    t: timeOfShare(schedule, count / run.length),
    skip: Uint8Array.from(counts, (own) => Number(own === 0 || !isIn(own))),
  });
  if (!run.timeConditioned) return [callFor(Math.max(...counts), () => true)];
  const shares = [...new Set(counts)].filter((count) => count > 0);
  return shares.map((count) => callFor(count, (own) => own === count));
}

interface Turn {
  b: number;
  masked: readonly number[];
  policy: UnmaskingPolicy;
  /** [batch × length]; see {@link Ranking.uniforms}. */
  numbers: Float64Array;
}

/** Writes the drawn tokens of the positions that are the sequence's next. */
function reveal(
  { tokens, length }: SamplingRun,
  { token, score }: Denoised,
  { b, masked, policy, numbers }: Turn,
): void {
  if (isScored(policy.order) && !score) throw new RangeError(`the model gave no score of ${policy.order}`);
  const inTurn = positionsInTurn(masked, policy.blockSize);
  const places = inTurn.map((position) => b * length + position);
  const ranking = {
    scores: places.map((i) => score?.[i] ?? 0),
    uniforms: places.map((i) => numbers[i]),
  };
  for (const i of pickPositions(inTurn, ranking, policy)) tokens[places[i]] = token[places[i]];
}
