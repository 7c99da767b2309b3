import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { byteTokenizer, type SmallTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const CLS = { id: 256, content: '[CLS]' };
const SEP = { id: 257, content: '[SEP]' };
const BOUNDARY = { id: 258, content: '<|endoftext|>' };
const S = { id: 259, content: '<s>' };
let made = 0;

async function boundaries(files: SmallTokenizer, overrides = {}) {
  const tokenizer = await loadTokenizer(byteTokenizer(folder.path(`t${made++}`), files), overrides);
  return [tokenizer.bosTokenId, tokenizer.eosTokenId];
}

describe('BOS and EOS', () => {
  it('are what the card says, and null when it says there is none', async () => {
    const files = { added: [BOUNDARY], config: { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' } };
    expect(await boundaries(files, { bosTokenId: 7, eosTokenId: 8 })).toEqual([7, 8]);
    expect(await boundaries(files, { bosTokenId: null })).toEqual([null, 258]);
    expect(await boundaries(files, { bosTokenId: undefined })).toEqual([258, 258]);
  });

  it('then what the configuration names, as a text or as an object', async () => {
    const config = { bos_token: '<s>', eos_token: { content: '<|endoftext|>', lstrip: false } };
    expect(await boundaries({ added: [BOUNDARY, S, CLS, SEP], config })).toEqual([259, 258]);
  });

  it('then CLS and SEP, named or by their usual spelling', async () => {
    const config = { cls_token: '<s>', sep_token: '<|endoftext|>' };
    expect(await boundaries({ added: [BOUNDARY, S], config })).toEqual([259, 258]);
    expect(await boundaries({ added: [CLS, SEP] })).toEqual([256, 257]);
    expect(await boundaries({ added: [CLS, SEP], config: { bos_token: null, eos_token: null } })).toEqual([
      256, 257,
    ]);
  });

  it("are GPT-2's <|endoftext|> when the configuration does not speak of them", async () => {
    expect(await boundaries({ added: [BOUNDARY] })).toEqual([258, 258]);
    expect(await boundaries({ added: [BOUNDARY], config: { model_max_length: 1024 } })).toEqual([258, 258]);
  });

  it('are both the EOS where nothing names a BOS, but not the other way round', async () => {
    const none = { bos_token: null, eos_token: '<|endoftext|>' };
    expect(await boundaries({ added: [BOUNDARY], config: none })).toEqual([258, 258]);
    expect(await boundaries({ added: [BOUNDARY], config: none }, { eosTokenId: 7 })).toEqual([7, 7]);
    const path = byteTokenizer(folder.path('said'), { added: [BOUNDARY], config: none });
    expect(await loadTokenizer(path)).toMatchObject({ bosIsEos: true });
    expect(await loadTokenizer(path, { bosTokenId: 258 })).toMatchObject({ bosIsEos: false });
    const alone = { bos_token: '<|endoftext|>', eos_token: null };
    expect(await boundaries({ added: [BOUNDARY], config: alone })).toEqual([258, null]);
  });

  it('are null when there are none', async () => {
    expect(await boundaries({})).toEqual([null, null]);
    expect(await boundaries({ config: { bos_token: '<absent>' } })).toEqual([null, null]);
  });
});
