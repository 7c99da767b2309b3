import { describe, expect, it } from 'vitest';
import { specialTokens } from '../../../src/models/importers/special-tokens.js';

const own = { size: 1000, bosTokenId: 1, eosTokenId: 2, maskTokenId: null };

/** dataloader.py and trainer_base.py of the reference: BOS and EOS of the tokenizer, else CLS and SEP; an added mask is the last token. */
describe('special tokens', () => {
  it.each([
    ['duo', 50_258, null, { bosTokenId: 50_256, eosTokenId: 50_256 }],
    ['mdlm', 50_258, null, { bosTokenId: 50_256, eosTokenId: 50_256, maskTokenId: 50_257 }],
    ['sedd', 50_258, null, { bosTokenId: 50_256, eosTokenId: 50_256, maskTokenId: 50_257 }],
    ['ar', 50_258, null, { bosTokenId: 50_256, eosTokenId: 50_256, maskTokenId: 50_257 }],
    ['ar', 50_257, null, { bosTokenId: 50_256, eosTokenId: 50_256 }],
    ['mdlm', 30_522, null, { bosTokenId: 101, eosTokenId: 102, maskTokenId: 103 }],
    ['duo', 30_522, null, { bosTokenId: 101, eosTokenId: 102 }],
    ['ar', 30_522, null, { bosTokenId: 101, eosTokenId: 102, maskTokenId: 103 }],
    ['mdlm', 1001, own, { bosTokenId: 1, eosTokenId: 2, maskTokenId: 1000 }],
    ['mdlm', 1000, { ...own, maskTokenId: 7 }, { bosTokenId: 1, eosTokenId: 2, maskTokenId: 7 }],
    ['ar', 1000, own, { bosTokenId: 1, eosTokenId: 2 }],
    ['duo', 513, null, {}],
  ] as const)('of %s with %d tokens and the tokenizer %j', (family, vocabSize, tokenizer, card) => {
    expect(specialTokens(family, vocabSize, tokenizer)).toEqual({ card, notices: [] });
  });

  it('of a masked model of an unknown vocabulary are assumed, which is said', () => {
    const { card, notices } = specialTokens('mdlm', 513, null);
    expect(card).toEqual({ maskTokenId: 512 });
    expect(notices).toEqual([expect.stringMatching(/taken to be the last, 512/)]);
  });
});
