import { expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const word = { type: 'WordLevel', unk_token: 'a', vocab: { a: 0 } };
const spaces = { type: 'WhitespaceSplit' };
const A_MEBIBYTE = 2 ** 20;

async function tokenizer(name: string, parts: object) {
  return loadTokenizer(
    folder.file(`${name}.json`, JSON.stringify({ version: '1.0', model: word, ...parts })),
  );
}

const tooCostly = (why: RegExp) =>
  expect.objectContaining({
    name: 'DataError',
    code: 'tokenizer-too-costly',
    exitCode: 4,
    message: expect.stringMatching(why),
  });
const STEPS = /takes more than 128 steps for each character\.$/;

it.each([
  [
    'a word that each text becomes half a million of',
    {
      normalizer: { type: 'Replace', pattern: { String: 'a' }, content: 'a '.repeat(2 ** 19 - 1) },
      pre_tokenizer: spaces,
    },
    new Array(1_000).fill('a'),
  ],
  [
    'letters that are spelt in bytes again and again',
    {
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: new Array(20).fill({ type: 'ByteLevel', use_regex: false }),
      },
    },
    new Array(1_000).fill('é'),
  ],
  [
    'a WordPiece token that nearly fits at each place',
    {
      model: {
        ...{
          type: 'WordPiece',
          unk_token: 'a',
          continuing_subword_prefix: '##',
          max_input_chars_per_word: 1e9,
        },
        vocab: { a: 0, [`##${'a'.repeat(1e5)}b`]: 1, '##a': 2 },
      },
    },
    ['a'.repeat(2 ** 15)],
  ],
  [
    'a Unigram token that nearly fits at each place',
    {
      model: {
        type: 'Unigram',
        unk_id: 0,
        vocab: [
          ['a', 0],
          [`${'a'.repeat(1e5)}b`, -1],
        ],
      },
    },
    ['a'.repeat(2 ** 15)],
  ],
  [
    'added tokens that nearly fit at each place',
    { added_tokens: [{ id: 1, content: `${'a'.repeat(1e5)}b`, special: true }] },
    ['a'.repeat(2 ** 15)],
  ],
  [
    'a long mark before each letter',
    {
      model: {
        type: 'BPE',
        vocab: { a: 0 },
        merges: [],
        unk_token: 'a',
        continuing_subword_prefix: '#'.repeat(1e5),
      },
    },
    ['a'.repeat(1e6)],
  ],
])('%s: refused after a bounded number of steps', async (name, parts, texts) => {
  const { encode } = await tokenizer(name, parts);
  const encodeAll = () => {
    for (const text of texts) encode(text);
  };
  expect(encodeAll).toThrow(tooCostly(STEPS));
});

it('white space that an added token takes is looked over once', async () => {
  const added = { id: 1, content: ' ', special: true, lstrip: true, rstrip: true };
  const { encode } = await tokenizer('spaces', { added_tokens: [added] });
  const run = ' '.repeat(A_MEBIBYTE);
  const began = process.cpuUsage();
  expect(encode(`${run}a${run}`)).toEqual([1, 0, 1]);
  expect(process.cpuUsage(began).user).toBeLessThan(10e6); // once for each space: an hour
});

it('many texts that each keep a regular expression busy are stopped, though each comes to its end', async () => {
  const split = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false };
  const { encode } = await tokenizer('busy', { pre_tokenizer: split });
  let texts = 0;
  const encodeAll = () => {
    for (; texts < 10_000; texts++) encode(`${'a'.repeat(21)}!`);
  };
  expect(encodeAll).toThrow(
    tooCostly(/its regular expressions (?:take far too long|did not come to an end)/),
  );
});

it.each([
  ['doubles', { type: 'BPEDecoder', suffix: '' }],
  ['grows by thirty times', { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(30) }],
])('a decoder that %s what it is given, many times, is stopped', async (name, part) => {
  const { decode } = await tokenizer(name, {
    decoder: { type: 'Sequence', decoders: new Array(60).fill(part) },
  });
  expect(() => decode([0, 0, 0], { cleanUp: false })).toThrow(tooCostly(STEPS));
});

it.each([{ type: 'Fuse' }, { type: 'ByteLevel' }, null])(
  'tokens of megabytes are not decoded to more than a text can be (%j)',
  async (decoder) => {
    const vocab = { a: 0, ['b'.repeat(2 * A_MEBIBYTE)]: 1 };
    const { decode, byteLength } = await tokenizer('long', { model: { ...word, vocab }, decoder });
    const refused = tooCostly(/its tokens are far too long for a text of so many\.$/);
    const ids = new Array(1_024).fill(1);
    expect(() => decode(ids, { cleanUp: false })).toThrow(refused);
    expect(() => byteLength(ids)).toThrow(refused);
    expect(byteLength([1])).toBe(2 * A_MEBIBYTE);
  },
);

it('a text to be found may not be as long as a book', async () => {
  const { encode } = await tokenizer('book', {
    normalizer: { type: 'Replace', pattern: { String: 'b'.repeat(2 ** 17) }, content: '' },
  });
  expect(() => encode('a')).toThrow(/seeks is longer than 65536 characters/);
});
