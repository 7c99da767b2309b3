/**
 * About src/models/importers/tokenizer-copy.ts and src/datasets/tokenizer.ts, with the kinds of tokenizers that BERT and ModernBERT
 * have. Ids are those of tokenizers 0.23.2 with add_special_tokens=False: the template of the post-processor, which would
 * put [CLS] and [SEP] around each text, has no part in packed text; packing puts them around sequences.
 */
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../../support/folder.js';
import { byteLevel, encoderFolder, wordPiece } from './encoders.js';
import { converted } from './published.js';

const folder = temporaryFolder();

describe.each([
  {
    kind: 'WordPiece, in lower case',
    tokenizer: wordPiece(),
    boundaries: { bosTokenId: 2, eosTokenId: 3 },
    texts: [
      ['The cat sat on the mat.', [5, 6, 8, 9, 5, 10, 12]],
      ['DOGS running, and cats!', [7, 14, 16, 17, 13, 18, 6, 14, 1]],
      ['a [MASK] sat', [11, 4, 8]],
      ['[CLS] the', [2, 5]],
      ['thé CAT\u0301', [5, 6]],
      ['the  \n mat', [5, 10]],
    ] as [string, number[]][],
  },
  {
    kind: 'byte-level BPE',
    tokenizer: byteLevel(),
    boundaries: { bosTokenId: 38, eosTokenId: 39 },
    texts: [
      ['the cat', [32, 27, 35]],
      ['The  the', [26, 7, 4, 36, 32]],
      ['a [MASK] the', [0, 41, 33]],
      [' [MASK]the', [41, 32]],
      ['the   the', [32, 36, 33]],
      ['[CLS]the[SEP]', [38, 32, 39]],
      ['thé', [31, 28, 29]],
    ] as [string, number[]][],
  },
])('$kind', ({ tokenizer, boundaries, texts }) => {
  const path = () => folder.file('tokenizer.json', JSON.stringify(tokenizer));

  it.each(texts)('%j has the ids of the reference', async (text, ids) => {
    expect((await loadTokenizer(path())).encode(text)).toEqual(ids);
  });

  it('[CLS] and [SEP] begin and end a sequence', async () => {
    expect(await loadTokenizer(path())).toMatchObject(boundaries);
  });
});

it('rows of a model past its tokenizer are padding, which the card says', async () => {
  const { model, ...rest } = wordPiece();
  const { and: _, ...vocab } = model.vocab;
  const files = { 'tokenizer.json': { ...rest, model: { ...model, vocab } } };
  const { card } = await converted(encoderFolder('bert', { files }));
  expect(card).toMatchObject({ vocabSize: 19, textVocabSize: 18, maskTokenId: 4 });
});
