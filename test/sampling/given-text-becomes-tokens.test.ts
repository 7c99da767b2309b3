import { describe, expect, it } from 'vitest';
import type { Tokenizer } from '../../src/datasets/tokenizer.js';
import { infillTokens, promptTokens } from '../../src/sampling/given-text.js';

/** A token a character; 1 begins a text and 2 ends it. */
const tokenizer = (bos: number | null = 1, eos: number | null = 2) =>
  ({
    encode: (text: string) => Array.from(text, (c) => c.charCodeAt(0)),
    bosTokenId: bos,
    eosTokenId: eos,
  }) as Tokenizer;

/** The given tokens as text, with _ where the model writes. */
const shown = ({ tokens, fixed }: { tokens: Int32Array; fixed: Uint8Array }) =>
  Array.from(tokens, (token, l) =>
    fixed[l] ? ({ 1: '<', 2: '>' }[token] ?? String.fromCharCode(token)) : '_',
  ).join('');

describe('a prompt', () => {
  it('stands at the beginning, after BOS', () => {
    expect(shown(promptTokens('ab ', tokenizer(), 7))).toBe('<ab ___');
    expect(shown(promptTokens('ab', tokenizer(null), 4))).toBe('ab__');
  });

  it('leaves at least one token to write', () => {
    expect(shown(promptTokens('abc', tokenizer(), 5))).toBe('<abc_');
    for (const text of ['abcd', 'abcde'])
      expect(() => promptTokens(text, tokenizer(), 5)).toThrow(
        expect.objectContaining({ code: 'prompt-too-long', exitCode: 2 }),
      );
  });
});

describe('an infill', () => {
  it.each([
    ['a<gap>b', '<a_______b>'],
    ['a <gap> b', '<a______ b>'],
    ['<gap>b', '<________b>'],
    ['a<gap>', '<a________>'],
    ['a<gap 3>b<gap>', '<a___b____>'],
    ['a<gap>b<gap>c', '<a___b___c>'],
    ['a<gap>b<gap>', '<a____b___>'],
    ['<gap 2>b', '<__b>______'],
  ])('%s fills 11 tokens as %s', (text, expected) => {
    expect(shown(infillTokens(text, tokenizer(), 11))).toBe(expected);
  });

  it.each([
    ['no gap', 'infill-without-gap'],
    ['<gap 12>', 'prompt-too-long'],
    ['ninechars<gap>', 'prompt-too-long'],
  ])('%s is refused for 11 tokens', (text, code) => {
    expect(() => infillTokens(text, tokenizer(), 11)).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });
});
