import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { shared } from './shared-data.js';

const at = (name: string) => shared(`cases/tokenizers/${name}`);
const missing = !existsSync(at(''));
const REASON = missing ? ' (skipped: no ../shared/cases beside the project)' : '';

describe.skipIf(missing)(`tokenizers of public bug reports${REASON}`, () => {
  it.each([
    ['min-punct', 'a."b!!a', [0, 2, 3, 1, 5, 5, 0]],
    ['min-wordlevel', 'the dog sat .', [1, 0, 3, 4]],
    ['min-ws85', 'a\u0085b', [0, 1]],
  ])('%s gives %s the ids %j', async (name, text, ids) => {
    expect((await loadTokenizer(at(name))).encode(text)).toEqual(ids);
  });

  it('nobos2 has its EOS for a BOS', async () => {
    expect(await loadTokenizer(at('nobos2'))).toMatchObject({
      bosTokenId: 256,
      eosTokenId: 256,
      bosIsEos: true,
    });
  });

  it('redos1 ends, with a sentence', async () => {
    const tokenizer = await loadTokenizer(at('redos1'));
    expect(() => tokenizer.encode(`${'a'.repeat(40)}!`)).toThrow(/did not come to an end within 3\.\d+ s\.$/);
  });
});
