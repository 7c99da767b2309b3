import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../datasets/small-tokenizer.js';
import { fixture } from '../support/run.js';
import { succeed, workspace } from '../support/workspace.js';

const space = workspace();
const boundary = { id: 256, content: '<|endoftext|>' };
byteTokenizer(space.at('no-bos'), {
  added: [boundary],
  config: { bos_token: null, eos_token: '<|endoftext|>' },
});
space.write('text.txt', 'a text of some words and of some more '.repeat(20));

const ppl = (...args: string[]) =>
  succeed(space, [
    ...['ppl', '--model', fixture('ar.onnx'), '--dataset', 'text.txt', '--length', '32'],
    ...['--limit', '2', '--json', ...args],
  ]);
const protocolOf = (stdout: string) => JSON.parse(stdout).results[0].protocol;

describe('a tokenizer without a BOS', () => {
  it('has its EOS at both ends of a sequence, which is said and recorded', async () => {
    const { stdout, stderr } = await ppl('--tokenizer', 'no-bos');
    expect(stderr).toContain('has no BOS: its EOS, id 256, stands at both ends');
    expect(protocolOf(stdout)).toMatchObject({ bosTokenId: 256, eosTokenId: 256 });
  });

  it('takes those of flags, and says nothing then', async () => {
    const { stdout, stderr } = await ppl(
      '--tokenizer',
      'no-bos',
      '--bos-token-id',
      '1',
      '--eos-token-id',
      '2',
    );
    expect(stderr).not.toContain('BOS');
    expect(protocolOf(stdout)).toMatchObject({ bosTokenId: 1, eosTokenId: 2 });
  });

  it('is spoken of in training as well, and a BOS that a flag names is in the card', async () => {
    const small = [
      '--length',
      '16',
      '--hidden-size',
      '32',
      '--condition-size',
      '8',
      '--blocks',
      '1',
      '--heads',
      '1',
    ];
    const train = (...args: string[]) =>
      succeed(space, [
        ...['train', '--family', 'ar', '--dataset', 'text.txt', '--tokenizer', 'no-bos'],
        ...['--steps', '1', '--batch', '1', ...small, ...args],
      ]);
    expect((await train('--out', 'said')).stderr).toContain('has no BOS: its EOS, id 256');
    expect(JSON.parse(space.read('said/ar.card.json'))).not.toHaveProperty('bosTokenId');
    expect((await train('--out', 'named', '--bos-token-id', '7')).stderr).not.toContain('BOS');
    expect(JSON.parse(space.read('named/ar.card.json'))).toMatchObject({ bosTokenId: 7 });
  });
});
