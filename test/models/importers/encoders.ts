/** The oracle of encoders (test/oracles/encoders.json), as folders to convert: weights by the rule that it states. */
import { readFileSync } from 'node:fs';
import { folderWith } from './published.js';

interface EncoderCase {
  config: Record<string, unknown>;
  tensors: [name: string, shape: number[]][];
  inputIds: number[][];
  logits: number[][][];
}

export const cases: Record<'bert' | 'bertUntied' | 'modernBert' | 'modernBertBiases', EncoderCase> =
  JSON.parse(readFileSync(new URL('../../oracles/encoders.json', import.meta.url), 'utf8')).cases;

export type CaseName = keyof typeof cases;

const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

function ruled(p: number, name: string, shape: readonly number[]): Float32Array {
  const offset = /norm.*weight$/i.test(name) ? 1 : 0;
  return Float32Array.from({ length: count(shape) }, (_, i) => {
    let h = (i + 1 + 1000003 * p) >>> 0;
    h = Math.imul(h, 2654435761) >>> 0;
    h = (h ^ (h >>> 15)) >>> 0;
    h = Math.imul(h, 2246822519) >>> 0;
    h = (h ^ (h >>> 13)) >>> 0;
    return offset + 0.6 * (h / 2 ** 32 - 0.5);
  });
}

/** The weights as safetensors. */
export function weightsOf(name: CaseName): Buffer {
  const header: Record<string, object> = {};
  const parts: Buffer[] = [];
  let at = 0;
  for (const [p, [tensor, shape]] of cases[name].tensors.entries()) {
    const { buffer } = ruled(p, tensor, shape);
    header[tensor] = { dtype: 'F32', shape, data_offsets: [at, at + buffer.byteLength] };
    at += buffer.byteLength;
    parts.push(Buffer.from(buffer));
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, ...parts]);
}

interface Changes {
  weights?: Buffer;
  /** Keys in place of those of the configuration; null takes the configuration away. */
  config?: object | null;
  /** More files. */
  files?: Record<string, object>;
}

export const encoderFolder = (
  name: CaseName,
  { weights = weightsOf(name), config = {}, files = {} }: Changes = {},
): string =>
  folderWith({
    'model.safetensors': weights,
    ...(config && { 'config.json': { ...cases[name].config, ...config } }),
    ...files,
  });

/** The token that is the mask where nothing else says one. */
export const MASK = { overrides: { maskTokenId: 18 } };

/** A WordPiece tokenizer with [CLS], [SEP] and [MASK], 19 tokens in all, as BERT has it. */
export const wordPiece = (mask = '[MASK]') => ({
  version: '1.0',
  added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', mask].map((content, id) => ({
    id,
    content,
    special: true,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(
      [
        '[PAD]',
        '[UNK]',
        '[CLS]',
        '[SEP]',
        mask,
        'the',
        'cat',
        'dog',
        'sat',
        'on',
        'mat',
        'a',
        '.',
        ',',
        '##s',
        '##er',
        'run',
        '##ning',
        'and',
      ].map((token, id) => [token, id]),
    ),
  },
});

/** Byte-level BPE with [CLS], [SEP] and a [MASK] that takes the spaces before it, as ModernBERT has it. */
export const byteLevel = () => {
  const letters = [...'abcdefghijklmnopqrstuvwxyzTĠÃ©Ċ'];
  const merges = ['t h', 'th e', 'Ġ the', 'c a', 'ca t'];
  const words = ['  ', '[UNK]', '[CLS]', '[SEP]', '[PAD]', '[MASK]'];
  const vocab = [...letters, ...merges.map((merge) => merge.replace(' ', ''))];
  const special = (content: string, i: number) => ({
    id: vocab.length + i,
    content,
    single_word: false,
    lstrip: content === '[MASK]',
    rstrip: false,
    normalized: i === 0,
    special: i > 0,
  });
  const added = words.map(special);
  const idOf = (token: string) => added.find(({ content }) => content === token)!.id;
  const placed = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [placed('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, placed('[SEP]')],
      pair: [],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [idOf(id)], tokens: [id] }]),
      ),
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
      merges,
    },
  };
};
