/**
 * Whole files that cases begin with, by kind: the fixtures, and small files made here with the program's own writers.
 * Made once a child; nothing random.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = new URL('../', import.meta.url);
const file = (name) => readFileSync(new URL(name, root));
export const tokenizerFolder = fileURLToPath(new URL('fixtures/tokenizer', root));

/** Sentences of every kind of character, for tables and lines. */
const sentences = [
  'The quick brown fox jumps over the lazy dog.',
  'fünf “quoted” words, with a comma',
  'a "quote" inside, and a\nnew line',
  '',
  '数と ✓ and 𝕏',
  'x'.repeat(300),
  'one more sentence to be read',
];

/**
 * Checkpoints as they lie on a disk: model, card without digest, and which bytes are structure rather than weights.
 * @param {string} program folder of the compiled program @param {string} scratch an empty folder to write models into
 */
export async function modelSeeds(program, scratch) {
  const fixtures = ['ar', 'mdlm', 'duo'].map((family) => {
    const { sha256, ...card } = JSON.parse(file(`fixtures/markov-${family}.card.json`));
    return {
      name: `markov-${family}`,
      bytes: file(`fixtures/markov-${family}.onnx`),
      card: { ...card, tokenizer: tokenizerFolder },
    };
  });
  const { randomCheckpoint } = await import(`${program}/models/random-checkpoint.js`);
  const { Graph } = await import(`${program}/graph/graph.js`);
  const operators = await import(`${program}/graph/operators.js`);
  const made = [];
  const size = { hiddenSize: 8, conditionSize: 4, blocks: 1, heads: 2 };
  for (const family of ['duo', 'mdlm', 'sedd', 'ar']) {
    const out = `${scratch}/random-${family}.onnx`;
    await randomCheckpoint({
      out,
      seed: 1,
      architecture: family === 'ar' ? 'causal' : 'dit',
      size: 'tiny',
      changes: size,
      vocabSize: 258,
      length: 16,
      family: family === 'ar' ? undefined : family,
      tokenizer: tokenizerFolder,
    });
    const card = JSON.parse(readFileSync(out.replace('.onnx', '.card.json'), 'utf8'));
    made.push({ name: `random-${family}`, bytes: readFileSync(out), card });
  }
  made.push({
    name: 'table',
    bytes: Buffer.from(tableModel(Graph, operators)),
    card: { family: 'ar', tokenizer: tokenizerFolder, length: 16, bosTokenId: 256, eosTokenId: 256 },
  });
  return Promise.all(
    [...fixtures, ...made].map(async (seed) => ({ ...seed, places: await structure(program, seed.bytes) })),
  );
}

/** A bigram table of 257 tokens with small constants inside: shapes, axes, a fixed batch. */
function tableModel(Graph, { Gather, Add, Mul, Reshape, Softmax, Log }) {
  const graph = Graph.create('table');
  const ids = graph.input('input_ids', 'int64', [2, 16]);
  const width = 257;
  const values = Float32Array.from({ length: width * 4 }, (_, i) => Math.sin(i));
  const rows = graph.initializer('rows', 'float32', [4, width], values);
  const choice = BigInt64Array.from({ length: width }, (_, i) => BigInt(i % 4));
  const group = Gather(graph.initializer('group', 'int64', [width], choice), ids);
  let scores = Gather(rows, group);
  scores = Reshape(scores, graph.initializer('shape', 'int64', [3], [2, 16, width]));
  scores = Add(Mul(scores, 0.5), graph.initializer('bias', 'float32', [width], new Float32Array(width)));
  graph.output(Log(Softmax(scores, { axis: -1 })), 'logits', [2, 16, width]);
  return graph.toBytes();
}

/** Ranges of a model's bytes outside of large weights: where its structure lies. */
async function structure(program, bytes) {
  const { fromBinary, ModelProtoSchema } = await import(`${program}/graph/onnx.js`);
  const weights = fromBinary(ModelProtoSchema, bytes)
    .graph.initializer.filter(({ rawData }) => rawData.length >= 256)
    .map(({ rawData }) => [bytes.indexOf(rawData), rawData.length])
    .sort(([a], [b]) => a - b);
  const ranges = [];
  let from = 0;
  for (const [start, length] of weights) {
    if (start > from) ranges.push([from, start]);
    from = start + length;
  }
  if (from < bytes.length) ranges.push([from, bytes.length]);
  // By size: else the short headers between weights would take nearly all.
  return ranges.flatMap((range) =>
    new Array(Math.min(8, 1 + Math.floor((range[1] - range[0]) / 200))).fill(range),
  );
}

/** @returns {{ name: string, bytes: Buffer, files?: Record<string, Buffer> }[]} */
export function tokenizerSeeds() {
  const characters = (() => {
    const printable = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    let next = 256;
    return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
  })();
  const merges = [
    ['t', 'h'],
    ['th', 'e'],
    ['Ġ', 'the'],
    ['i', 'n'],
    ['Ġ', 'a'],
  ];
  const ids = (tokens) => Object.fromEntries(tokens.map((token, id) => [token, id]));
  const json = (value) => Buffer.from(JSON.stringify(value));
  const special = (id, content) => ({
    id,
    content,
    special: true,
    normalized: false,
    lstrip: false,
    rstrip: false,
    single_word: false,
  });
  const words = [
    '[UNK]',
    '[CLS]',
    '[SEP]',
    'the',
    'fox',
    '##es',
    'f',
    '##o',
    '##x',
    ...'abcdefghijklmnopqrstuvwxyz., ',
  ];
  return [
    {
      name: 'fixture',
      bytes: file('fixtures/tokenizer/tokenizer.json'),
      files: { 'tokenizer_config.json': file('fixtures/tokenizer/tokenizer_config.json') },
    },
    {
      name: 'byte-level BPE',
      bytes: json({
        version: '1.0',
        added_tokens: [special(256 + merges.length, '<|endoftext|>')],
        normalizer: null,
        pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
        post_processor: null,
        decoder: { type: 'ByteLevel' },
        model: {
          type: 'BPE',
          vocab: ids([...characters, ...merges.map((pair) => pair.join(''))]),
          merges: merges.map((pair) => pair.join(' ')),
        },
      }),
    },
    {
      name: 'BPE over words',
      bytes: json({
        version: '1.0',
        added_tokens: [special(0, '<unk>')],
        normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lowercase' }] },
        pre_tokenizer: { type: 'Whitespace' },
        post_processor: null,
        decoder: { type: 'BPEDecoder', suffix: '</w>' },
        model: {
          type: 'BPE',
          unk_token: '<unk>',
          vocab: ids(['<unk>', ...'abcdefghijklmnopqrstuvwxyz.,', 'th', 'the']),
          merges: [
            ['t', 'h'],
            ['th', 'e'],
          ],
        },
      }),
    },
    {
      name: 'WordPiece',
      bytes: json({
        version: '1.0',
        added_tokens: [special(0, '[UNK]'), special(1, '[CLS]'), special(2, '[SEP]')],
        normalizer: {
          type: 'BertNormalizer',
          clean_text: true,
          handle_chinese_chars: true,
          strip_accents: null,
          lowercase: true,
        },
        pre_tokenizer: { type: 'BertPreTokenizer' },
        post_processor: null,
        decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
        model: {
          type: 'WordPiece',
          unk_token: '[UNK]',
          continuing_subword_prefix: '##',
          max_input_chars_per_word: 100,
          vocab: ids(words),
        },
      }),
      files: { 'tokenizer_config.json': json({ cls_token: '[CLS]', sep_token: '[SEP]' }) },
    },
    {
      name: 'Unigram',
      bytes: json({
        version: '1.0',
        added_tokens: [special(0, '<unk>'), special(1, '</s>')],
        normalizer: { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
        pre_tokenizer: {
          type: 'Metaspace',
          replacement: '▁',
          add_prefix_space: true,
          prepend_scheme: 'always',
        },
        post_processor: null,
        decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
        model: {
          type: 'Unigram',
          unk_id: 0,
          vocab: [
            ['<unk>', 0],
            ['</s>', 0],
            ['▁', -2],
            ['▁the', -3],
            ...[...'abcdefghijklmnopqrstuvwxyz.,'].map((c, i) => [c, -4 - i / 10]),
          ],
        },
      }),
      files: { 'special_tokens_map.json': json({ eos_token: { content: '</s>' } }) },
    },
  ];
}

/** @returns {{ name: string, bytes: Buffer }[]} with the ending as part of the name */
export function csvSeeds() {
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const rows = [['id', 'text', 'other'], ...sentences.map((text, i) => [i, quoted(text), `x${i}`])];
  const table = (end, separator = ',') => rows.map((row) => row.join(separator) + end).join('');
  const plain = ['text', ...sentences.map(quoted)].join('\n');
  return [
    { name: 'table.csv', bytes: Buffer.from(table('\n')) },
    { name: 'windows.csv', bytes: Buffer.from(`\ufeff${table('\r\n')}`) },
    { name: 'plain.csv', bytes: Buffer.from(plain) },
    { name: 'table.csv.gz', bytes: gzipSync(table('\n')) },
    { name: 'table.tsv', bytes: Buffer.from(table('\n', '\t')) },
    { name: 'wide.csv', bytes: Buffer.from(`\ufeff${table('\r\n')}`, 'utf16le') },
  ];
}

export function jsonLinesSeeds() {
  const lines = sentences.map((text, i) => JSON.stringify({ id: i, text, more: { list: [1, 2.5, null] } }));
  return [
    { name: 'lines.jsonl', bytes: Buffer.from(`${lines.join('\n')}\n`) },
    { name: 'unended.jsonl', bytes: Buffer.from(`\ufeff${lines.join('\r\n')}\n\n{"text":"last"}`) },
    {
      name: 'array.json',
      bytes: Buffer.from(
        JSON.stringify(
          lines.map((line) => JSON.parse(line)),
          null,
          1,
        ),
      ),
    },
    { name: 'wide.json', bytes: Buffer.from(`\ufeff[${lines.join(',')}]`, 'utf16le').swap16() },
    { name: 'lines.jsonl.gz', bytes: gzipSync(`${lines.join('\n')}\n`) },
  ];
}

export function parquetSeeds() {
  const { files } = JSON.parse(file('test/oracles/parquet-files.json').toString('utf8'));
  const seeds = Object.entries(files).map(([codec, base64]) => ({
    name: `${codec}.parquet`,
    bytes: Buffer.from(base64, 'base64'),
  }));
  return [...seeds, { name: 'none.parquet.gz', bytes: gzipSync(seeds[0].bytes) }];
}
