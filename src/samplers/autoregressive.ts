/**
 * Autoregressive generation: every token drawn from the model given those before it, one position after another. A sample
 * begins with its given tokens, or with BOS where none is given, and has the length asked for: EOS does not end it unless
 * `stop` is set, as in the reference code, whose samples all have one length.
 */
import { ModelError, UsageError } from '../errors.js';
import type { CausalModel } from './decoding.js';
import type { Sampler, SamplingRun } from './sampler.js';

/** Calls asked for before the first of them is answered: they need nothing of its answer, the tokens being where they are. */
const AHEAD = 16;

export const autoregressive: Sampler = {
  name: 'ar',
  summary: 'Token by token from left to right, keys and values cached where the checkpoint takes them.',
  families: ['ar'],
  options: {
    stop: { default: false, summary: 'A sample ends at EOS; the rest of its length is EOS, undrawn.' },
  },
  async *sample(run) {
    const causal = capability(run);
    const { batch, length, tokens } = run;
    const given = withFirstToken(run, causal);
    const starts = givenPrefixes(given, batch, length);
    const decoding = causal.begin({ label: run.label ?? 'samples', batch, length, tokens, given });
    const numbers = run.uniforms('own-1', 0);
    const draw = (position: number): Promise<Int32Array> => {
      const drawn = decoding.draw(
        position,
        Float64Array.from({ length: batch }, (_, b) => numbers[b * length + position]),
      );
      drawn.catch(() => {}); // said when its turn comes
      return drawn;
    };
    const eos = run.options.stop ? causal.eosTokenId : null;
    const ended = new Uint8Array(batch);
    try {
      const waiting: Promise<Int32Array>[] = [];
      const first = Math.min(...starts);
      for (let position = first; position < length; position++) {
        while (waiting.length < (eos === null ? AHEAD : 1) && position + waiting.length < length)
          waiting.push(draw(position + waiting.length));
        const drawn = await waiting.shift()!;
        for (let b = 0; b < batch; b++) {
          tokens[b * length + position] = ended[b] ? eos! : drawn[b];
          if (drawn[b] === eos && position >= starts[b]) ended[b] = 1;
        }
        yield;
        if (ended.every(Boolean)) {
          for (let b = 0; b < batch; b++) tokens.fill(eos!, b * length + position + 1, (b + 1) * length);
          return;
        }
      }
    } finally {
      decoding.release();
    }
  },
};

function capability({ causal, family }: SamplingRun): CausalModel {
  if (causal) return causal;
  throw new UsageError({
    code: 'sampler-family',
    message: `The sampler ar writes from left to right, which a model of the family ${family} cannot.`,
    hint: 'Use it with a model of the family ar.',
  });
}

/** What is given, BOS at the first position of sequences where nothing is. */
function withFirstToken(
  { batch, length, tokens, fixed }: SamplingRun,
  { bosTokenId }: CausalModel,
): Uint8Array {
  const given = fixed.slice();
  for (let first = 0; first < batch * length; first += length) {
    if (given[first]) continue;
    if (bosTokenId === null) {
      throw new ModelError({
        code: 'no-bos',
        message: 'The checkpoint does not say which token a text begins with, and no prompt is given.',
        hint: 'Set bosTokenId in its card, or give a --prompt.',
      });
    }
    tokens[first] = bosTokenId;
    given[first] = 1;
  }
  return given;
}

/**
 * How many tokens each sequence begins with.
 * @throws UsageError `infill-from-left` when tokens are given behind ones to be drawn: these could not know of them
 */
function givenPrefixes(given: Uint8Array, batch: number, length: number): number[] {
  return Array.from({ length: batch }, (_, b) => {
    const row = given.subarray(b * length, (b + 1) * length);
    const end = row.indexOf(0);
    const prefix = end < 0 ? length : end;
    if (row.indexOf(1, prefix) >= 0) {
      throw new UsageError({
        code: 'infill-from-left',
        message: 'The sampler ar writes from left to right: it cannot fill in before given tokens.',
        hint: 'Use --prompt, or a diffusion model for --infill.',
      });
    }
    return prefix;
  });
}
