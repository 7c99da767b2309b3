import { mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { DataError } from '../../src/errors.js';
import { temporaryFolder } from '../storage/temporary-folder.js';
import { byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const sound = JSON.parse(readFileSync(`${byteTokenizer(folder.path('sound'))}/tokenizer.json`, 'utf8'));
const model = (changes: object) => JSON.stringify({ ...sound, model: { ...sound.model, ...changes } });

const BROKEN: [string, string][] = [
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
  ['merges that are no list', model({ merges: 7 })],
  ['merges that are missing', model({ merges: undefined })],
  ['an unknown pre-tokenizer', JSON.stringify({ ...sound, pre_tokenizer: { type: 'Psychic' } })],
  ['an unknown decoder', JSON.stringify({ ...sound, decoder: { type: 'Psychic' } })],
  [
    'a regular expression that is none',
    JSON.stringify({ ...sound, pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } }),
  ],
  ['added tokens that are no list', JSON.stringify({ ...sound, added_tokens: { a: 1 } })],
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
