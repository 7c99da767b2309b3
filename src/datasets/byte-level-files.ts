/**
 * A byte-level BPE tokenizer as files, in the format of @huggingface/tokenizers: ids 0 to 255 are the bytes themselves, then comes
 * one id per merge, in order; `<|endoftext|>`, both BOS and EOS, is last.
 */
import { characterOfByte } from './byte-level.js';
import type { Merge } from './byte-pair-merges.js';
import { GPT2_BOUNDARY } from './tokenizer-files.js';

/** The two files of a tokenizer's folder, as values to write as JSON. @param merges none for a tokenizer of bytes */
export function byteLevelFiles(
  merges: readonly Merge[],
): Record<'tokenizer.json' | 'tokenizer_config.json', object> {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const tokens = Array.from({ length: 256 }, (_, byte) => characterOfByte(byte));
  const written = merges.map(([left, right]) => {
    tokens.push(tokens[left] + tokens[right]);
    return `${tokens[left]} ${tokens[right]}`;
  });
  const boundary = tokens.push(GPT2_BOUNDARY) - 1;
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [
        {
          id: boundary,
          content: GPT2_BOUNDARY,
          single_word: false,
          lstrip: false,
          rstrip: false,
          normalized: false,
          special: true,
        },
      ],
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: null,
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        byte_fallback: false,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: written,
      },
    },
    'tokenizer_config.json': {
      tokenizer_class: 'GPT2Tokenizer',
      add_prefix_space: false,
      bos_token: GPT2_BOUNDARY,
      eos_token: GPT2_BOUNDARY,
      clean_up_tokenization_spaces: false,
    },
  };
}
