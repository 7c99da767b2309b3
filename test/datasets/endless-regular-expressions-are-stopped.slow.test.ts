import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { duoEval } from '../support/run.js';

const folder = temporaryFolder();
const CATASTROPHE = { Regex: '(a+)+$' };
const replace = { type: 'Replace', pattern: CATASTROPHE, content: '' };
const model = {
  type: 'BPE',
  unk_token: null,
  vocab: { a: 0, '!': 1, [`${'a'.repeat(40)}!`]: 2 },
  merges: [],
};
const text = `${'a'.repeat(40)}!`;
const file = (name: string, changes: object) =>
  folder.file(name, JSON.stringify({ version: '1.0', model, ...changes }));
const stopped = expect.objectContaining({
  name: 'DataError',
  code: 'tokenizer-too-costly',
  exitCode: 4,
  message: expect.stringMatching(/its regular expressions did not come to an end within 3\.\d+ s\.$/),
});

describe('a regular expression that takes for ever', () => {
  it('in a pre-tokenizer ends a command with its status and a sentence', async () => {
    const split = { type: 'Split', pattern: CATASTROPHE, behavior: 'Isolated', invert: false };
    const path = file('split.json', { pre_tokenizer: split });
    const data = folder.file('text.txt', text);
    const args = ['datasets', 'pack', data, '--tokenizer', path, '--length', '4'];
    const { code, stdout, stderr } = await duoEval(args, { folder: folder.root });
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/^Error: .*split\.json cannot be used for this text: its regular .* s\.\n {2}\S/);
  });

  it('in a decoder is stopped as well', async () => {
    const tokenizer = await loadTokenizer(file('decoder.json', { decoder: replace }));
    expect(() => tokenizer.decode([2], { cleanUp: false })).toThrow(stopped);
  });

  it('in a normalizer is stopped as well, also where it meets an added token first', async () => {
    const added = { id: 3, content: `!${text}`, special: false, normalized: true };
    const tokenizer = await loadTokenizer(file('added.json', { normalizer: replace, added_tokens: [added] }));
    expect(() => tokenizer.encode('!')).toThrow(stopped);
  });

  it('of another kind never meets the limit, over thousands of texts', async () => {
    const split = { type: 'Split', pattern: { Regex: 'a+|!' }, behavior: 'Isolated', invert: false };
    const tokenizer = await loadTokenizer(file('quick.json', { pre_tokenizer: split }));
    for (let i = 0; i < 2_000; i++) expect(tokenizer.encode('aa!')).toHaveLength(3);
  });
});
