/** The record of `ppl`: one model on one data set. */
import { z } from 'zod';
import { OVER_ORDERS, PSI_CHOICES } from '../../diffusion/subsets.js';
import { STARTS, TIE_RULES, UNMASKING_ORDERS } from '../../diffusion/unmasking.js';
import { count, figureIn, interval, known, part } from '../../records/figures.js';
import { plausiblePair, RANGES } from '../../records/plausible.js';
import {
  costRecord,
  datasetRecord,
  environmentRecord,
  modelRecord,
  sequencesRecord,
} from '../../records/record.js';

const protocolRecord = part({
  name: z.string().describe('duo or strict.'),
  version: z.int().describe('Raised when the same name would give another figure.'),
  length: count.describe('Positions per sequence, BOS and EOS included.'),
  tokenizerSha256: z.string().nullable(),
  bosTokenId: count
    .nullish()
    .describe('What sequences begin with; null where they were not wrapped, absent in older versions.'),
  eosTokenId: count.nullish().describe('What sequences end with; null and absent as bosTokenId.'),
  timeRange: interval
    .nullable()
    .describe('Times over which the loss is averaged; null where there is no time (ar).'),
  draws: count.nullable().describe('Draws of (t, z) per sequence; null where nothing is drawn.'),
  estimator: z.string().describe('exact, plain, control-variate …'),
  seed: known.describe('Null where nothing is drawn.'),
  integration: z.string().nullish().describe('What the integral leaves out, in words.'),
  randomizations: count
    .nullish()
    .describe('Independent randomisations of the times behind mcStderr; null where nothing is drawn.'),
  mcDegreesOfFreedom: count
    .nullish()
    .describe('Of mcStderr; null where nothing is drawn. Absent in version 1.'),
  until: known
    .optional()
    .describe("--until: stopped when t · mcStderr of nll was at most this, t Student's; null: not given."),
  likelihood: z
    .literal('exact')
    .optional()
    .describe(
      'The exact likelihood of the sampler that follows the policy below at temperature 1. Absent for bounds and for ar.',
    ),
  policy: z
    .enum(UNMASKING_ORDERS)
    .optional()
    .describe('What masked positions are ranked by. Absent, as all below, without likelihood.'),
  tokensPerCall: count.optional().describe('Positions that a call reveals in each sequence.'),
  blockSize: count
    .nullish()
    .describe('Positions per block, finished from left to right; null: the sequence is one block.'),
  ties: z
    .enum(TIE_RULES)
    .optional()
    .describe('Which of the positions whose scores are within 1e-5 of the best goes first.'),
  threshold: known
    .optional()
    .describe(
      'Every position with a score above this is revealed, but at least tokensPerCall; null: none beyond those.',
    ),
  entropyBound: known
    .optional()
    .describe(
      'Nats; for entropy: the first positions are revealed while their entropies but the largest add up to at most this. Absent: none.',
    ),
  overOrders: z
    .enum(OVER_ORDERS)
    .optional()
    .describe(
      'Over all orders of a block exactly, in place of one: the bound, the likelihood of a uniformly random order, or an upper bound of it. Absent: one order.',
    ),
  psi: z
    .enum(PSI_CHOICES)
    .optional()
    .describe('Of an upper bound: the likelihood that its ψ is, block by block.'),
  from: z
    .enum(STARTS)
    .optional()
    .describe('bos: BOS is given and not scored. all-masked: it is masked and scored, as EOS is in both.'),
  sigma: z
    .string()
    .optional()
    .describe('Which noise level the network read, in words. Absent where it reads none.'),
});
export type ProtocolRecord = z.infer<typeof protocolRecord>;

export const perplexityRecord = part({
  eval: z.literal('ppl'),
  model: modelRecord,
  dataset: datasetRecord,
  protocol: protocolRecord,
  metrics: part({
    ppl: figureIn(RANGES.perplexity).describe('exp(nll).'),
    nll: figureIn(RANGES.loss).describe('Σ loss / Σ scored tokens: nats per scored token.'),
    bitsPerByte: figureIn(RANGES.loss).describe('Total nats / ln 2 / UTF-8 bytes of the decoded text.'),
  }).superRefine(plausiblePair('ppl', 'nll')),
  cost: costRecord,
  environment: environmentRecord,
  sequences: sequencesRecord
    .optional()
    .describe('One entry per sequence, in the order of the packed stream. Absent without --by-sequence.'),
});
export type PerplexityResult = z.infer<typeof perplexityRecord>;
export type PerplexityMetrics = PerplexityResult['metrics'];
