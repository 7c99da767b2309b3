import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { bytesOf, byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();

// Worked out from transformers' PreTrainedTokenizerBase.clean_up_tokenization: ten replacements, in order.
const CASES: [string, string][] = [
  ['Hello , world ! Why ? Because .', 'Hello, world! Why? Because.'],
  ["do n't I 'm it 's we 've they 're he 'd", "don't I'm it's we've they're he 'd"],
  ["a ' b ' c", "a'b'c"],
  ['wait . . .', 'wait...'],
  ["' . '", "'. '"],
  [' ; : - stay', ' ; : - stay'],
];

describe('clean-up when decoding', () => {
  it.each(CASES)('%s', async (text, cleaned) => {
    const tokenizer = await loadTokenizer(byteTokenizer(folder.path('bytes')));
    expect(tokenizer.decode(bytesOf(text), { cleanUp: true })).toBe(cleaned);
    expect(tokenizer.decode(bytesOf(text), { cleanUp: false })).toBe(text);
    expect(tokenizer.byteLength(bytesOf(text))).toBe(text.length);
  });
});
