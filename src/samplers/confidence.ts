/**
 * Most confident first (MaskGIT, arXiv 2202.04200): each step draws a token at every mask and keeps the most probable ones, as
 * many as the pace demands. A sequence without masks needs no further calls.
 */
import type { Denoised, Sampler, SamplingRun } from './sampler.js';

export const confidence: Sampler = {
  name: 'confidence',
  summary: 'Unmasks the most probable tokens first, the same number in each step; at most steps calls.',
  families: ['mdlm', 'sedd', 'd3pm'],
  options: {
    pace: {
      default: 'linear',
      choices: ['linear', 'cosine'],
      summary: 'How the number of masks falls over the steps; cosine begins slowly.',
    },
    randomness: {
      default: 0,
      min: 0,
      max: 1000,
      summary: 'Scale of Gumbel noise on the log-confidence; falls to 0 at the last step.',
    },
  },
  async *sample(run) {
    const { steps, batch } = run;
    const begin = Array.from({ length: batch }, (_, b) => maskedPositions(run, b).length);
    for (let step = 0; step < steps; step++) {
      const left = begin.map((count) => Math.floor(count * shareLeft((step + 1) / steps, run)));
      const masked = begin.map((_, b) => maskedPositions(run, b));
      const skip = Uint8Array.from(masked, (positions, b) => Number(positions.length <= left[b]));
      if (skip.includes(0)) {
        const answer = await run.denoise({ t: 1 - step / steps, step, skip });
        const score = scores(run, answer, step);
        for (let b = 0; b < batch; b++) {
          const positions = masked[b].sort((i, j) => score(j) - score(i) || i - j);
          for (const i of positions.slice(0, Math.max(0, positions.length - left[b])))
            run.tokens[i] = answer.token[i];
        }
      }
      yield;
    }
  },
};

/** Share of the masks left after the share `done` of the steps; exactly 0 at the end. */
function shareLeft(done: number, { options }: SamplingRun): number {
  if (done === 1) return 0;
  return options.pace === 'cosine' ? Math.cos((Math.PI / 2) * done) : 1 - done;
}

/** The masked positions of a sequence, as indices into the batch. */
function maskedPositions({ tokens, length, maskTokenId }: SamplingRun, b: number): number[] {
  const positions: number[] = [];
  for (let i = b * length; i < (b + 1) * length; i++) if (tokens[i] === maskTokenId) positions.push(i);
  return positions;
}

/** ln x_θ of the drawn token, plus noise that fades. */
function scores(run: SamplingRun, { probability }: Denoised, step: number): (i: number) => number {
  const size = (run.options.randomness as number) * (1 - (step + 1) / run.steps);
  if (size === 0) return (i) => Math.log(probability[i]);
  const uniforms = run.uniforms('own-1', step);
  // 1 − u lies in (0, 1], so that the noise is never −∞.
  const noise = Float64Array.from(uniforms, (u) => -Math.log(-Math.log1p(-u) || Number.MIN_VALUE));
  return (i) => Math.log(probability[i]) + size * noise[i];
}
