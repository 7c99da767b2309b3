/** Exact models of a small chain, running, and text to ask them about. */
import type { PackedStream } from '../../../src/datasets/packed-stream.js';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import type { ScheduleType } from '../../../src/diffusion/schedule.js';
import { exactCheckpoint } from '../../../src/evals/calibration/run.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import type { PerplexityOptions } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { drawFromChain, type MarkovChain } from '../../../src/models/sources/markov.js';
import type { SourceFamily } from '../../../src/models/sources/markov-denoiser.js';
import { fillUniforms } from '../../../src/random/uniforms.js';
import { unevenChain } from '../../models/sources/chains.js';

export const chain: MarkovChain = unevenChain(12, 3);

export function chainSession(
  family: SourceFamily,
  schedule: ScheduleType = 'log-linear',
): Promise<LossSession> {
  const checkpoint = exactCheckpoint({ name: 'chain', chain }, family, schedule);
  return LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
}

export function chainText(sequences: number, length = 24): Int32Array[] {
  const uniforms = new Float64Array(length);
  return Array.from({ length: sequences }, (_, sequence) => {
    fillUniforms(uniforms, { seed: 11, stream: 0x7000, sequence, step: 0 });
    return drawFromChain(chain, uniforms);
  });
}

export function chainStream(sequences: number, length = 24): PackedStream {
  return packedTokens('chain', chainText(sequences, length));
}

export const options = {
  protocol: 'strict',
  draws: 1,
  seed: 1,
  estimator: 'control-variate',
  until: null,
  batch: null,
} as const satisfies PerplexityOptions;
