/** Chains, sequences and sessions that the tests of this folder share. */
import type { InferenceSession } from 'onnxruntime-node';
import type { Graph } from '../../../src/graph/graph.js';
import { type MarkovChain, markovChain } from '../../../src/models/sources/markov.js';
import { generator } from './generator.js';

/** A chain of uneven rows: weights u^sharpness. */
export function unevenChain(vocabSize: number, seed: number, sharpness = 3): MarkovChain {
  const uniform = generator(seed);
  const weights = (count: number) => Array.from({ length: count }, () => uniform() ** sharpness + 1e-3);
  return markovChain(weights(vocabSize), weights(vocabSize * vocabSize));
}

/** The chain of what comes after a token. */
export function chainAfter({ vocabSize: K, transition }: MarkovChain, token: number): MarkovChain {
  return markovChain([...transition.slice(token * K, (token + 1) * K)], [...transition]);
}

/** Every sequence of `length` tokens out of `vocabSize`, one after the other. */
export function allSequences(vocabSize: number, length: number): Int32Array {
  const count = vocabSize ** length;
  const all = new Int32Array(count * length);
  for (let i = 0; i < count; i++) {
    for (let l = 0, rest = i; l < length; l++, rest = Math.floor(rest / vocabSize)) {
      all[i * length + l] = rest % vocabSize;
    }
  }
  return all;
}

export interface Denoiser {
  /** Logits, [batch, length, vocab], of tokens [batch, length] at `sigma` [batch]. */
  logits(tokens: Int32Array, batch: number, sigma?: Float32Array): Promise<Float32Array>;
}

export async function runnable(graph: Graph, threads = 1): Promise<Denoiser> {
  const ort = await import('onnxruntime-node');
  const session: InferenceSession = await ort.InferenceSession.create(graph.toBytes(), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  return {
    async logits(tokens, batch, sigma) {
      const length = tokens.length / batch;
      const unread = session.inputNames.filter((name) => name.endsWith('_ids') && name !== 'input_ids');
      const zeros = new ort.Tensor('int64', new BigInt64Array(batch * length), [batch, length]);
      const { logits } = await session.run({
        ...Object.fromEntries(unread.map((name) => [name, zeros])),
        input_ids: new ort.Tensor('int64', BigInt64Array.from(tokens, BigInt), [batch, length]),
        ...(sigma && { sigma: new ort.Tensor('float32', sigma, [batch]) }),
      });
      return logits.data as Float32Array;
    },
  };
}
