import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const model = { type: 'BPE', unk_token: '<unk>', vocab: { '<unk>': 0, a: 1, b: 2 }, merges: [] };
const split = (pattern: object) => ({
  pre_tokenizer: { type: 'Split', pattern, behavior: 'Isolated', invert: false },
});
const regex = (source: string) => split({ Regex: source });
const added = (...contents: string[]) =>
  contents.map((content, i) => ({ id: 3 + i, content, special: false, normalized: true }));
const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true };

const REFUSED: [string, object, RegExp][] = [
  ['merges left out at random', { model: { ...model, dropout: 0.1 } }, /drops merges at random/],
  ['Unicode scripts', { pre_tokenizer: { type: 'UnicodeScripts' } }, /"UnicodeScripts" is not known here/],
  ['an unknown normalizer', { normalizer: { type: 'Psychic' } }, /normalizer "Psychic" is not known here/],
  [
    'an unknown post-processor',
    { post_processor: { type: 'Psychic' } },
    /post-processor "Psychic" is not known/,
  ],
  ['an unknown behavior', { pre_tokenizer: { type: 'Punctuation', behavior: 'Eaten' } }, /"behavior" of its/],
  ['a pattern of two kinds', split({ String: 'a', Regex: 'b' }), /"pattern" of its pre-tokenizer "Split"/],
  ['a possessive quantifier', regex('a++b'), /has a possessive quantifier, which is not known/],
  ['an atomic group', regex('(?>a+)b'), /has "\(\?>", which is not known/],
  ['other letters without regard to case', regex('(?i:straße)'), /has "\(\?i", which is not known/],
  ['what is kept out of the match', regex('a\\Kb'), /has \\K, which is not known/],
  ['any line break', regex('\\R'), /has \\R, which is not known/],
  ['an expression that is none', regex('('), /regular expression of its pre-tokenizer cannot be used/],
  ['an endless expression', regex('a'.repeat(70_000)), /longer than 65536 characters/],
  [
    'a first word after another has split',
    { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace] } },
    /marks the first word after another has split/,
  ],
  [
    'two added tokens that are one',
    { normalizer: { type: 'Lowercase' }, added_tokens: added('Tok', 'TOK') },
    /two of its added tokens are the same when they are normalized/,
  ],
  [
    'an added token of which nothing is left',
    { normalizer: { type: 'Strip', strip_left: true, strip_right: true }, added_tokens: added('  ') },
    /nothing is left of one of its added tokens/,
  ],
  [
    'a template that takes the text twice',
    { post_processor: { type: 'TemplateProcessing', single: [{ Sequence: {} }, { Sequence: {} }] } },
    /has not exactly one place for the text/,
  ],
  [
    'more parts than there can be',
    { normalizer: { type: 'Sequence', normalizers: new Array(300).fill({ type: 'NFC' }) } },
    /more than 256 parts/,
  ],
];

describe('a tokenizer with', () => {
  it.each(REFUSED)('%s is refused, and the sentence says why', async (_what, changes, why) => {
    const path = folder.file('tokenizer.json', JSON.stringify({ version: '1.0', model, ...changes }));
    const tokenizer = await loadTokenizer(path);
    expect(() => tokenizer.encode('a b')).toThrow(
      expect.objectContaining({
        name: 'DataError',
        code: 'broken-tokenizer',
        message: expect.stringMatching(why),
      }),
    );
  });
});
