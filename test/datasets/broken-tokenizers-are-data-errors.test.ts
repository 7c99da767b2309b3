import { mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { DataError } from '../../src/errors.js';
import { temporaryFolder } from '../support/folder.js';
import { byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const sound = JSON.parse(readFileSync(`${byteTokenizer(folder.path('sound'))}/tokenizer.json`, 'utf8'));
const model = (changes: object) => JSON.stringify({ ...sound, model: { ...sound.model, ...changes } });

const BROKEN: [string, string | Buffer][] = [
  ['bytes that are not UTF-8', Buffer.from(model({ unk_token: '\xff' }), 'latin1')],
  [
    'brackets without end',
    model({ vocab: 0 }).replace('"vocab":0', `"vocab":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
  ],
  ['not JSON', 'version https://git-lfs.github.com/spec/v1'],
  ['an array', '[]'],
  ['null', 'null'],
  ['without a model', '{}'],
  ['a model that is null', '{"model":null}'],
  ['an unknown model', model({ type: 'Psychic' })],
  ['no vocabulary', model({ vocab: undefined })],
  ['an empty vocabulary', model({ vocab: {} })],
  ['a vocabulary that is a text', model({ vocab: 'abc' })],
  ['a negative id', model({ vocab: { a: -1 } })],
  ['an id that is a text', model({ vocab: { a: '1' } })],
  ['an id beyond memory', model({ vocab: { a: 4_000_000_000 } })],
  ['two tokens of one id', model({ vocab: { ...sound.model.vocab, twice: 7 } })],
  ['a merge of what is no token', model({ merges: ['a b'] })],
  ['a merge of three', model({ merges: ['a b c'] })],
  ['a merge that is a number', model({ merges: [7] })],
  ['a scored vocabulary without scores', model({ type: 'Unigram', vocab: [['a', 0], ['b']] })],
  ['an unknown token beyond the vocabulary', model({ type: 'Unigram', unk_id: 9, vocab: [['a', 0]] })],
  ['an unknown token that is a text', model({ type: 'Unigram', unk_id: '', vocab: [['a', 0]] })],
  ['a scored vocabulary of numbers', model({ type: 'Unigram', vocab: [1, 2] })],
  ['merges that are no list', model({ merges: 7 })],
  ['merges that are missing', model({ merges: undefined })],
  ['an unknown pre-tokenizer', JSON.stringify({ ...sound, pre_tokenizer: { type: 'Psychic' } })],
  ['an unknown decoder', JSON.stringify({ ...sound, decoder: { type: 'Psychic' } })],
  [
    'a regular expression that is none',
    JSON.stringify({ ...sound, pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } }),
  ],
  ['added tokens that are no list', JSON.stringify({ ...sound, added_tokens: { a: 1 } })],
  [
    'an added token of another id than it has',
    JSON.stringify({ ...sound, added_tokens: [{ id: 300, content: 'a' }] }),
  ],
  [
    'an added token in the place of another',
    JSON.stringify({ ...sound, added_tokens: [{ id: 97, content: 'ab' }] }),
  ],
  [
    'two added tokens of one id',
    JSON.stringify({
      ...sound,
      added_tokens: [
        { id: 300, content: 'xy' },
        { id: 300, content: 'yx' },
      ],
    }),
  ],
  ['an added token without content', JSON.stringify({ ...sound, added_tokens: [{ id: 3 }] })],
];

describe('a broken tokenizer.json', () => {
  it.each(BROKEN)('%s is a sentence that names the file', async (_what, content) => {
    const path = folder.file('tokenizer.json', content);
    const failure = await loadTokenizer(path)
      .then((tokenizer) => tokenizer.encode('a b'))
      .catch((error) => error);
    expect(failure).toBeInstanceOf(DataError);
    expect(failure.message).toContain(path);
    expect(failure.message).toMatch(/[^.]\.$/);
    expect(failure.hint).toBeTruthy();
  });

  it('says which token and which merge', async () => {
    const twice = folder.file('twice.json', model({ vocab: { a: 0, b: 1, ['c'.repeat(99)]: 1 } }));
    await expect(loadTokenizer(twice)).rejects.toThrow(/"c{39}…" and another token have the id 1/);
    const merge = folder.file('merge.json', model({ vocab: { a: 0, b: 1 }, merges: [['a', 'b']] }));
    await expect(loadTokenizer(merge)).rejects.toThrow(/a merge has "ab", which is no token/);
    const named = model({
      vocab: { a: 0, '##b': 1, ab: 2 },
      merges: ['a ##b'],
      continuing_subword_prefix: '##',
    });
    await expect(loadTokenizer(folder.file('prefix.json', named))).resolves.toMatchObject({ vocabSize: 3 });
  });

  it('has its special tokens by their names in a scored vocabulary, and no ids that are none', async () => {
    const scored = model({
      type: 'Unigram',
      unk_id: 0,
      vocab: [
        ['<unk>', 0],
        ['[SEP]', -1],
        ['a', -2],
      ],
    });
    folder.file('scored.json', scored);
    const loaded = await loadTokenizer(folder.path('scored.json'));
    expect(loaded).toMatchObject({ bosTokenId: 1, bosIsEos: true, eosTokenId: 1, vocabSize: 3 });
    const overridden = loadTokenizer(folder.path('scored.json'), { eosTokenId: 1.5 });
    await expect(overridden).rejects.toMatchObject({ code: 'invalid-special-token' });
  });

  it.each([null, undefined])(
    'without an unknown token (%s) refuses text that it has no tokens for',
    async (none) => {
      const path = folder.file(
        'without.json',
        model({
          type: 'Unigram',
          unk_id: none,
          vocab: [
            ['a', -1],
            ['b', -2],
          ],
        }),
      );
      const tokenizer = await loadTokenizer(path);
      expect(() => tokenizer.encode('§')).toThrow(
        expect.objectContaining({ name: 'DataError', code: 'text-without-tokens' }),
      );
    },
  );

  it('that is not there is a sentence too, for a file and for a folder', async () => {
    mkdirSync(folder.path('empty'));
    for (const path of [folder.path('none.json'), folder.path('empty')]) {
      const failure = await loadTokenizer(path).catch((error) => error);
      expect(failure).toMatchObject({ code: 'no-such-tokenizer', exitCode: 4 });
    }
  });

  it('beside a broken configuration is refused', async () => {
    const tokenizer = byteTokenizer(folder.path('config'));
    folder.file('config/tokenizer_config.json', '{');
    await expect(loadTokenizer(tokenizer)).rejects.toThrow(/tokenizer_config\.json is not JSON/);
  });
});
