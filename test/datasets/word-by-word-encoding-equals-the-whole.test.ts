import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { byteTokenizer, type SmallTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const merges: [string, string][] = [
  ['Ġ', 't'],
  ['h', 'e'],
  ['Ġt', 'he'],
  ['Ġ', 'Ġ'],
  ['t', 'h'],
  ['Ċ', 'Ċ'],
  ["'", 's'],
];
const TEXTS = [
  '',
  "the cat's  theme, the  thé\n\nthe then 7 the the ",
  'the\n\n\nthe \n the   \n',
  "it's '' 's'ss !'s 12's",
  '  \t  the',
  'naïve 中文 the😀the',
  'the<|end|>the<|end|><|ender|> <|en',
  `${'long'.repeat(50)} ${'long'.repeat(50)}`,
];
let made = 0;

/** Ids of the texts by our tokenizer, and by the library alone, text by text. */
async function bothWays(files: SmallTokenizer, texts: readonly string[]) {
  const path = byteTokenizer(folder.path(`t${made++}`), files);
  const ours = await loadTokenizer(path);
  const library = new Tokenizer(JSON.parse(readFileSync(`${path}/tokenizer.json`, 'utf8')), {});
  return {
    ours: texts.map((text) => ours.encode(text)),
    pieces: texts.map((text) => [...ours.encodePieces(text)]),
    library: texts.map((text) => library.encode(text, { add_special_tokens: false }).ids),
  };
}

describe('encoding word by word', () => {
  const added = [
    { id: 400, content: '<|end|>' },
    { id: 401, content: '<|ender|>' },
    { id: 402, content: 'cat the' },
  ];

  it.each<[string, SmallTokenizer]>([
    ['merges alone', { merges }],
    ['added tokens, one the beginning of another', { merges, added }],
    [
      'added tokens that take spaces with them',
      { merges, added: [{ ...added[0], lstrip: true, rstrip: true }] },
    ],
  ])('gives the ids of whole texts, with %s', async (_what, files) => {
    // Twice: the second time, words come from memory.
    const { ours, library } = await bothWays(files, [...TEXTS, ...TEXTS]);
    expect(ours).toEqual(library);
  });

  it('gives a long text out in pieces that hold the ids of the whole', async () => {
    const { ours, pieces, library } = await bothWays({ merges, added }, [TEXTS.join(' ').repeat(400)]);
    expect(pieces[0].length).toBeGreaterThan(1);
    expect(pieces[0].flat()).toEqual(library[0]);
    expect(ours[0]).toEqual(library[0]);
  });
});
