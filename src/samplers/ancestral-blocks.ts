/**
 * Ancestral sampling of block diffusion (BD3-LM, arXiv 2503.09573): the blocks one after the other, each from noise to text by the
 * posterior of each step. The network does not read the time, so a step that reveals nothing needs no call: with many steps, a
 * block of L′ tokens takes L′ calls, and the order of its tokens is uniformly random. The first-hitting sampler of the
 * reference draws just that order: it is the sampler `unmask` with order=random and tokens-per-call=1.
 */
import { CLEAN, unmaskProbability } from '../diffusion/posterior.js';
import type { SamplingRun } from './sampler.js';
import { levelAt, scheduleOf } from './time-grid.js';

/** The steps are shared out among the blocks, at least one each. */
export async function* walkBlocks(run: SamplingRun, blockSize: number): AsyncGenerator<void, void, void> {
  const { batch, length, tokens, maskTokenId } = run;
  const schedule = scheduleOf(run);
  const steps = Math.ceil(run.steps / Math.ceil(length / blockSize));
  let call = 0;
  for (let start = 0; start < length; start += blockSize) {
    for (let step = 0; step < steps; step++, call++) {
      const [t, later] = [1 - step / steps, 1 - (step + 1) / steps];
      const s = step + 1 === steps ? CLEAN : levelAt(schedule, later);
      const unmask = unmaskProbability(levelAt(schedule, t), s, 1);
      const component = run.uniforms('component', call);
      const revealed = Array.from({ length: batch }, (_, b) => {
        const block = Array.from(
          { length: Math.min(blockSize, length - start) },
          (_, l) => b * length + start + l,
        );
        return block.filter((i) => tokens[i] === maskTokenId && component[i] < unmask);
      });
      const skip = Uint8Array.from(revealed, (places) => Number(places.length === 0));
      if (skip.includes(0)) {
        const { token } = await run.denoise({ t, step: call, skip });
        for (const i of revealed.flat()) tokens[i] = token[i];
      }
      yield;
    }
  }
}
