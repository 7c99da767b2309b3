/** About src/commands/datasets/pack.ts */
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { duoEval } from '../support/run.js';

const folder = temporaryFolder();
const tokenizer = folder.file(
  'tokenizer.json',
  JSON.stringify({
    version: '1.0',
    pre_tokenizer: { type: 'WhitespaceSplit' },
    model: { type: 'BPE', unk_token: null, vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] },
  }),
);

function pack(text: string) {
  const data = folder.file('text.jsonl', `${JSON.stringify({ text })}\n`);
  const args = ['datasets', 'pack', data, '--tokenizer', tokenizer, '--length', '2', '--json'];
  return duoEval(args, { folder: folder.root });
}

describe('letters that a tokenizer has no token for, and no unknown token', () => {
  it('are counted and told, also when the stream comes from the cache', async () => {
    // A word that comes again counts again; a letter outside of the basic plane is one.
    for (let i = 0; i < 2; i++) {
      const { code, stdout, stderr } = await pack('abx abx 𠀀b ab');
      expect(code).toBe(0);
      expect(stderr).toContain('no token for 3 characters of text');
      expect(stderr).toContain('neither BOS nor EOS, so sequences are 2 tokens, unwrapped');
      expect(JSON.parse(stdout)).toMatchObject({ droppedCharacters: 3, dataset: { tokens: 4 } });
    }
  });

  it('are not spoken of where there are none', async () => {
    const { stdout, stderr } = await pack('ab ab ba');
    expect(stderr).not.toContain('no token for');
    expect(JSON.parse(stdout)).toMatchObject({ droppedCharacters: 0 });
  });
});
