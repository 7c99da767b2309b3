/** A small model as a repository of the hub holds it: weights, configuration and a tokenizer of eleven tokens. */
import { readFileSync } from 'node:fs';
import { fileOf, hubConfig } from '../models/importers/published.js';

/** Ten letters and the end of a text, for a vocabulary of 11. */
const tokenizer = {
  version: '1.0',
  added_tokens: [{ id: 10, content: '<|endoftext|>', special: true }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries([...'abcdefghiĠ', '<|endoftext|>'].map((letter, id) => [letter, id])),
    merges: [],
  },
};
export const json = (value: object) => Buffer.from(JSON.stringify(value));
export const model = [
  { path: 'README.md', content: Buffer.from('# A model') },
  { path: 'config.json', content: json(hubConfig) },
  { path: 'model.safetensors', content: readFileSync(fileOf('dit.safetensors')), isLarge: true },
  { path: 'tokenizer.json', content: json(tokenizer) },
];
