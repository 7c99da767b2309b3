/**
 * Autoregressive generation: each token is drawn given those before it, one position after another. A sample begins with its
 * given tokens, or with BOS if it has none, and has the requested length: EOS does not end it unless `stop` is set, as in
 * the reference code, whose samples all have one length.
 */
import { ModelError, UsageError } from '../errors.js';
import type { CausalModel } from './decoding.js';
import type { Sampler, SamplingRun } from './sampler.js';

/** Calls in flight. A call needs no earlier answer, because the tokens stay with the model. */
const AHEAD = 16;

export const autoregressive: Sampler = {
  name: 'ar',
  summary: 'Token by token from left to right, with cached keys and values if the checkpoint takes them.',
  families: ['ar'],
  options: {
    stop: { default: false, summary: 'A sample ends at EOS; the rest of its length is filled with EOS.' },
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
      drawn.catch(() => {}); // thrown below, when it is awaited
      return drawn;
    };
    const eos = run.options.stop ? causal.eosTokenId : null;
    const ended = new Uint8Array(batch);
    try {
      const inFlight: Promise<Int32Array>[] = [];
      const first = Math.min(...starts);
      for (let position = first; position < length; position++) {
        while (inFlight.length < (eos === null ? AHEAD : 1) && position + inFlight.length < length)
          inFlight.push(draw(position + inFlight.length));
        const drawn = await inFlight.shift()!; // the loop above puts one there
        for (let b = 0; b < batch; b++) {
          tokens[b * length + position] = ended[b] && eos !== null ? eos : drawn[b];
          if (drawn[b] === eos && position >= starts[b]) ended[b] = 1;
        }
        yield;
        if (eos !== null && ended.every(Boolean)) {
          for (let b = 0; b < batch; b++) tokens.fill(eos, b * length + position + 1, (b + 1) * length);
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

/** The given positions, after BOS was put at the first position of sequences whose first token is not given. */
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
        message: 'The checkpoint names no token that a text begins with, and no prompt is given.',
        hint: 'Set bosTokenId in its card, or give a --prompt.',
      });
    }
    tokens[first] = bosTokenId;
    given[first] = 1;
  }
  return given;
}

/**
 * How many given tokens each sequence begins with.
 * @throws UsageError `infill-from-left` when given tokens follow ones to be drawn, which could not depend on them
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
