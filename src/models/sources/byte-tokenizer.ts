/**
 * A tokenizer whose tokens are the 256 bytes of UTF-8, each with its own value as id, and `<|endoftext|>` after them: byte-level
 * BPE without merges, in the format of @huggingface/tokenizers.
 */
import { boundaryToken } from './byte-bigram.js';

export const boundaryText = '<|endoftext|>';

/** The two files of a tokenizer's folder, as values to write as JSON. */
export function byteTokenizer(): Record<'tokenizer.json' | 'tokenizer_config.json', object> {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [
        {
          id: boundaryToken,
          content: boundaryText,
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
        vocab: { ...byteVocabulary(), [boundaryText]: boundaryToken },
        merges: [],
      },
    },
    'tokenizer_config.json': {
      tokenizer_class: 'GPT2Tokenizer',
      add_prefix_space: false,
      bos_token: boundaryText,
      eos_token: boundaryText,
      clean_up_tokenization_spaces: false,
    },
  };
}

/** Byte-level BPE writes a byte as the Latin-1 character of its value where that one is visible, and the others, in order,
 *  as the characters from U+0100 on. */
function byteVocabulary(): Record<string, number> {
  const vocabulary: Record<string, number> = {};
  let hidden = 0;
  for (let byte = 0; byte < 256; byte++) {
    const visible = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    vocabulary[String.fromCharCode(visible ? byte : 0x100 + hidden++)] = byte;
  }
  return vocabulary;
}
