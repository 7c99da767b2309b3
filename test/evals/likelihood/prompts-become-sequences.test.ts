/** About src/evals/likelihood/items.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, type Tokenizer } from '../../../src/datasets/tokenizer.js';
import { DataError, ModelError } from '../../../src/errors.js';
import { type LikelihoodPrompt, readItems, type TextOrIds } from '../../../src/evals/likelihood/items.js';
import { type Checkpoint, openCheckpoint } from '../../../src/models/checkpoint.js';
import { bytesOf, byteTokenizer } from '../../datasets/small-tokenizer.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture } from '../../support/run.js';

/** Bytes, EOS = BOS = 256, the mask 257, sequences of 128 tokens. */
let masked: Checkpoint;
let causal: Checkpoint;
/** Bytes, and «Ġt» and «Ġth» as tokens of their own. */
let merging: Tokenizer;
beforeAll(async () => {
  masked = await openCheckpoint(fixture('markov-mdlm.onnx'));
  causal = await openCheckpoint(fixture('markov-ar.onnx'));
  const merges: [string, string][] = [
    ['Ġ', 't'],
    ['Ġt', 'h'],
  ];
  merging = await loadTokenizer(byteTokenizer(temporaryFolder().root, { merges }), { eosTokenId: 300 });
});

async function read(
  prompt: LikelihoodPrompt,
  checkpoint = masked,
  tail: TextOrIds = 'none',
  own?: Tokenizer,
) {
  // the fixture has a tokenizer
  const tokenizer = async () => own ?? loadTokenizer(checkpoint.fields.tokenizer.value!, { eosTokenId: 256 });
  const [item] = await readItems([{ prompt, where: 'p.jsonl, line 1' }], { checkpoint, tokenizer, tail });
  return { ...item, tokens: [...item.tokens] };
}

describe('the context', () => {
  it('as text has BOS before it; as ids it is taken as it is', async () => {
    expect(await read({ context: 'ab', continuation: 'cd' })).toEqual({
      tokens: [256, ...bytesOf('abcd')],
      ...{ first: 3, count: 2, tail: 'none' },
    });
    expect(await read({ context: [97, 98], continuation: [99] })).toMatchObject({
      tokens: [97, 98, 99],
      first: 2,
    });
    expect(await read({ context: 'ab', continuation: [99] })).toMatchObject({ tokens: [256, 97, 98, 99] });
    expect(await read({ context: [97], continuation: 'b' })).toMatchObject({ tokens: [97, 98], first: 1 });
  });

  it('is BOS alone before a text that has none, and nothing before ids', async () => {
    expect(await read({ continuation: 'ab' })).toMatchObject({ tokens: [256, 97, 98], first: 1 });
    expect(await read({ continuation: [97, 98] })).toMatchObject({ tokens: [97, 98], first: 0, count: 2 });
  });
});

describe('the cut between context and continuation', () => {
  const parts = async (context: string, continuation: string) => {
    const checkpoint = { ...masked, vocabSize: 400, maskTokenId: 399 } as Checkpoint;
    const item = await read({ context, continuation }, checkpoint, 'none', merging);
    return [item.tokens.slice(1, item.first), item.tokens.slice(item.first)];
  };

  it('gives spaces at the context’s end to the continuation, whose word begins with them', async () => {
    expect(await parts('a ', 'the')).toEqual([bytesOf('a'), [257, ...bytesOf('e')]]);
    expect(await parts('a', ' the')).toEqual([bytesOf('a'), [257, ...bytesOf('e')]]);
  });

  it('encodes the two apart where a token would reach over it', async () => {
    expect(await parts('a t', 'he')).toEqual([[97, 256], bytesOf('he')]);
  });
});

describe('the tail', () => {
  it('is nothing, one EOS, masks to the model’s length, a text or ids', async () => {
    const prompt = { context: 'a', continuation: 'b' };
    const ab = [256, 97, 98];
    expect(await read({ ...prompt, tail: 'none' }, masked, 'eos')).toMatchObject({
      tokens: ab,
      tail: 'none',
    });
    expect(await read(prompt, masked, 'eos')).toMatchObject({ tokens: [...ab, 256], tail: 'eos' });
    expect(await read({ ...prompt, tail: 'cd' })).toMatchObject({ tokens: [...ab, 99, 100], tail: 'given' });
    expect(await read({ ...prompt, tail: [7] })).toMatchObject({ tokens: [...ab, 7], tail: 'given' });
    const toTheEnd = await read({ ...prompt, tail: 'masked' });
    expect(toTheEnd.tokens).toEqual([...ab, ...Array(125).fill(257)]);
  });

  it('is nothing to an autoregressive model, which cannot see it', async () => {
    expect(await read({ context: 'a', continuation: 'b', tail: 'eos' }, causal)).toMatchObject({
      tokens: [256, 97, 98],
      tail: 'none',
    });
  });
});

describe('refused, with the line:', () => {
  const refusal = async (prompt: LikelihoodPrompt, checkpoint = masked) =>
    read(prompt, checkpoint).then(
      () => null,
      (error: unknown) => error,
    );

  it.each([
    ['an empty continuation', { context: 'a', continuation: '' }, /no tokens/],
    ['an id outside the vocabulary', { continuation: [258] }, /258; those of markov-mdlm are 0 to 257/],
    ['the mask', { continuation: [257] }, /257, which is the mask/],
    [
      'more tokens than the tail can follow',
      { context: Array(128).fill(1), continuation: [2], tail: 'masked' },
      /129/,
    ],
  ])('%s', async (_, prompt, told) => {
    const error = await refusal(prompt);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(told);
    expect((error as Error).message).toMatch(/^p\.jsonl, line 1: /);
  });

  it('an autoregressive text with nothing before it', async () => {
    expect((await refusal({ continuation: [97] }, causal)) as Error).toMatchObject({
      message: expect.stringMatching(/needs a token before the first/),
    });
  });

  it('what a graph of fixed length does not take', async () => {
    const signature = { ...masked.signature, fixedLength: 16 };
    const fixed = { ...masked, signature } as Checkpoint;
    expect(await refusal({ continuation: 'ab' }, fixed)).toBeInstanceOf(DataError);
    expect(await refusal({ continuation: 'ab', tail: 'masked' }, fixed)).toBeNull();
  });

  it('EOS where nothing names one', async () => {
    const nameless = await loadTokenizer(byteTokenizer(temporaryFolder().root));
    const fields = { ...masked.fields, eosTokenId: { ...masked.fields.eosTokenId, value: null } };
    const checkpoint = { ...masked, fields } as Checkpoint;
    await expect(
      read({ continuation: [1], tail: 'eos' }, checkpoint, 'none', nameless),
    ).rejects.toBeInstanceOf(ModelError);
  });
});
