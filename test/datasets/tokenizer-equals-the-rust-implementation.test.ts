import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { oracle } from './oracle.js';
import { REASON, shared, sharedIsMissing } from './shared-data.js';

interface Case {
  text: string;
  ids: number[];
  decoded: string;
  /** Without the first id, and without the last. */
  cut: [string, string];
}
const { tokenizers } = oracle('tokenizers') as {
  tokenizers: { tokenizer: string; path: string; vocabSize: number; cases: Case[] }[];
};

describe.skipIf(sharedIsMissing)(`real tokenizers${REASON}`, () => {
  it.each(tokenizers)('$tokenizer encodes and decodes as the Rust implementation', async (expected) => {
    const tokenizer = await loadTokenizer(shared(expected.path));
    expect(tokenizer.vocabSize).toBe(expected.vocabSize);
    for (const { text, ids, decoded, cut } of expected.cases) {
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
      const sequences: [number[], string][] = [
        [ids, decoded],
        [ids.slice(1), cut[0]],
        [ids.slice(0, -1), cut[1]],
      ];
      for (const [sequence, spelt] of sequences) {
        expect(tokenizer.decode(sequence, { cleanUp: false }), JSON.stringify(text)).toBe(spelt);
        expect(tokenizer.byteLength(sequence)).toBe(Buffer.byteLength(spelt));
      }
    }
  });

  it('of BERT and of GPT-2 say where BOS and EOS are', async () => {
    expect(await loadTokenizer(shared('data/tokenizers/bert-base-uncased'))).toMatchObject({
      bosTokenId: 101,
      eosTokenId: 102,
    });
    expect(await loadTokenizer(shared('data/tokenizers/gpt2/tokenizer.json'))).toMatchObject({
      bosTokenId: 50256,
      eosTokenId: 50256,
      sha256: '8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6',
    });
  });
});
