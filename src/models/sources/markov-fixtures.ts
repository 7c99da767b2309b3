/**
 * Builds fixtures/: from the training texts to the bytes of every file but the README. The same texts give the same bytes.
 */
import { createHash } from 'node:crypto';
import { byteLevelFiles } from '../../datasets/byte-level-files.js';
import { boundaryToken, byteBigramChain, countByteBigrams } from './byte-bigram.js';
import { markovDenoiser, sourceVocabSize } from './markov-denoiser.js';

/** L of the fixtures, BOS and EOS included. */
const fixtureLength = 128;

const families = ['ar', 'mdlm', 'duo'] as const;

const note = {
  ar: 'Exact: the logits are the ln of the transition probabilities.',
  mdlm: 'Exact: the posterior of each token given the unmasked ones, by forward-backward messages.',
  duo: 'Exact: the posterior of each token given the noisy others (leave-one-out), by forward-backward messages.',
};

/** @param texts the training part of `sotu`, UTF-8   @returns path within fixtures/ → bytes */
export function markovFixtures(texts: Iterable<Uint8Array>): Map<string, Uint8Array> {
  const chain = byteBigramChain(countByteBigrams(texts), fixtureLength);
  const files = new Map<string, Uint8Array>();
  for (const [name, content] of Object.entries(byteLevelFiles([])))
    files.set(`tokenizer/${name}`, json(content));
  for (const family of families) {
    const onnx = markovDenoiser(chain, family).toBytes();
    files.set(`markov-${family}.onnx`, onnx);
    files.set(
      `markov-${family}.card.json`,
      json({
        family,
        vocabSize: sourceVocabSize(chain, family),
        length: fixtureLength,
        tokenizer: './tokenizer',
        bosTokenId: boundaryToken,
        eosTokenId: boundaryToken,
        ...(family === 'mdlm' && { maskTokenId: chain.vocabSize }),
        ...(family !== 'ar' && { schedule: { type: 'log-linear', eps: 1e-3 } }),
        ...(family !== 'ar' && { timeConditioning: family === 'duo' }),
        trainedOn: 'sotu-train',
        note: `A Markov chain over bytes fitted to State of the Union addresses. ${note[family]}`,
        sha256: createHash('sha256').update(onnx).digest('hex'),
      }),
    );
  }
  return files;
}

function json(content: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`);
}
