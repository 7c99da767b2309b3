/**
 * Writes small Parquet files of one text column, sound or lying: every size and count that a file declares can be given
 * another value than the true one. Thrift's compact protocol and the page layout as in the Parquet format's description.
 */
import { brotliCompressSync, crc32, gzipSync } from 'node:zlib';

const FALSE = 2;
const I32 = 5;
const I64 = 6;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;
const CODECS = { none: 0, gzip: 2, brotli: 4 };
const PLAIN = 0;
const RLE = 3;
const DELTA_LENGTH = 6;
const DELTA_BYTE_ARRAY = 7;
const RLE_DICTIONARY = 8;

/** @param {import('./parquet-file.d.mts').ParquetFile} options @returns {Buffer} */
export function parquetFile({
  texts = ['one', 'two', 'two'],
  codec = 'none',
  version = 1,
  encoding = 'plain',
  required = false,
  lies = {},
} = {}) {
  const present = texts.filter((text) => text !== null);
  const compress = { none: (bytes) => bytes, gzip: gzipSync, brotli: brotliCompressSync }[codec];
  const levels = required
    ? null
    : (lies.levels ??
      bitPacked(
        texts.map((text) => (text === null ? 0 : 1)),
        1,
      ));
  const words = [...new Set(present)];
  const values = {
    plain: () => plain(present),
    dictionary: () => {
      const width = Math.max(1, 32 - Math.clz32(words.length - 1));
      return Buffer.concat([
        Uint8Array.of(width),
        lies.indices ??
          bitPacked(
            present.map((text) => words.indexOf(text)),
            width,
          ),
      ]);
    },
    'delta-length': () => deltaLength(present),
    'delta-byte-array': () => Buffer.concat([deltas(present.map(() => 0)), deltaLength(present)]),
  }[encoding]();
  const parts = [Buffer.from('PAR1')];
  const dictionaryAt = 4;
  if (encoding === 'dictionary') {
    const bytes = plain(words);
    const packed = compress(bytes);
    parts.push(
      struct(
        [1, I32, 2],
        [2, I32, bytes.length],
        [3, I32, packed.length],
        [7, STRUCT, struct([1, I32, lies.dictionaryValues ?? words.length], [2, I32, PLAIN])],
      ),
      packed,
    );
  }
  const dataAt = length(parts);
  const code = {
    plain: PLAIN,
    dictionary: RLE_DICTIONARY,
    'delta-length': DELTA_LENGTH,
    'delta-byte-array': DELTA_BYTE_ARRAY,
  }[encoding];
  const count = lies.pageValues ?? texts.length;
  // A field that no reader knows, as statistics are to this one.
  const remark = lies.remark === undefined ? [] : [[9, BINARY, 'x'.repeat(lies.remark)]];
  const checksum = (bytes) =>
    lies.checksum === undefined
      ? []
      : [[4, I32, lies.checksum === 'true' ? crc32(bytes) | 0 : lies.checksum]];
  if (version === 1) {
    const body = lies.page ?? Buffer.concat([...(levels ? [uint32(levels.length), levels] : []), values]);
    const packed = compress(body);
    parts.push(
      struct(
        [1, I32, 0],
        [2, I32, lies.uncompressed ?? body.length],
        [3, I32, lies.compressed ?? packed.length],
        ...checksum(packed),
        [
          5,
          STRUCT,
          struct([1, I32, count], [2, I32, code], [3, I32, lies.levelEncoding ?? RLE], [4, I32, RLE]),
        ],
        ...remark,
      ),
      packed,
    );
  } else {
    const before = levels ?? new Uint8Array(0);
    const packed = lies.stored ? (lies.page ?? values) : compress(lies.page ?? values);
    parts.push(
      struct(
        [1, I32, 3],
        [2, I32, lies.uncompressed ?? before.length + values.length],
        [3, I32, lies.compressed ?? before.length + packed.length],
        [
          8,
          STRUCT,
          struct(
            [1, I32, count],
            [2, I32, texts.length - present.length],
            [3, I32, count],
            [4, I32, code],
            [5, I32, lies.definitionBytes ?? before.length],
            [6, I32, 0],
            ...(lies.stored ? [[7, FALSE, []]] : []),
          ),
        ],
        ...remark,
      ),
      before,
      packed,
    );
  }
  const chunkBytes = length(parts) - 4;
  const column = struct(
    [1, I32, 6],
    [2, LIST, list(I32, [zigzag(code), zigzag(RLE)])],
    [3, LIST, list(BINARY, [binary('text')])],
    [4, I32, CODECS[codec]],
    [5, I64, lies.chunkValues ?? texts.length],
    [6, I64, chunkBytes],
    [7, I64, lies.chunkBytes ?? chunkBytes],
    [9, I64, lies.offset ?? dataAt],
    ...(encoding === 'dictionary' ? [[11, I64, dictionaryAt]] : []),
  );
  const footer = struct(
    [1, I32, 1],
    [
      2,
      LIST,
      list(STRUCT, [
        struct([4, BINARY, 'schema'], [5, I32, 1]),
        struct([1, I32, 6], [3, I32, required ? 0 : 1], [4, BINARY, 'text'], [6, I32, 0]),
      ]),
    ],
    [3, I64, lies.rows ?? texts.length],
    [
      4,
      LIST,
      list(STRUCT, [
        struct(
          [1, LIST, list(STRUCT, [struct([2, I64, 0], [3, STRUCT, column])])],
          [2, I64, chunkBytes],
          [3, I64, lies.rows ?? texts.length],
        ),
      ]),
    ],
  );
  return Buffer.concat([...parts, footer, uint32(footer.length), Buffer.from('PAR1')]);
}

/** One run of a repeated value, as the hybrid of runs and bit packing writes it. */
export function run(value, count, width) {
  const bytes = Math.ceil(width / 8);
  return Uint8Array.from([
    ...varint(BigInt(count) << 1n),
    ...Array.from({ length: bytes }, (_, i) => (value >> (8 * i)) & 255),
  ]);
}

function bitPacked(values, width) {
  const groups = Math.ceil(values.length / 8);
  const packed = new Uint8Array(groups * width);
  for (const [i, value] of values.entries()) {
    for (let bit = 0; bit < width; bit++)
      if ((value >> bit) & 1) packed[(i * width + bit) >> 3] |= 1 << ((i * width + bit) & 7);
  }
  return Uint8Array.from([...varint((BigInt(groups) << 1n) | 1n), ...packed]);
}

function plain(texts) {
  return Buffer.concat(texts.flatMap((text) => [uint32(Buffer.byteLength(text)), Buffer.from(text)]));
}

/** Delta encoding with every miniblock 32 bits wide: not small, but sound. */
function deltas(numbers) {
  const blocks = [
    ...varint(128n),
    ...varint(4n),
    ...varint(BigInt(numbers.length)),
    ...zigzag(numbers[0] ?? 0),
  ];
  for (let from = 1; from < numbers.length; from += 128) {
    const differences = numbers.slice(from, from + 128).map((number, i) => number - numbers[from + i - 1]);
    const least = Math.min(...differences);
    const used = Math.ceil(differences.length / 32);
    blocks.push(...zigzag(least), ...[0, 1, 2, 3].map((miniblock) => (miniblock < used ? 32 : 0)));
    for (let i = 0; i < used * 32; i++) blocks.push(...uint32((differences[i] ?? least) - least));
  }
  return Uint8Array.from(blocks);
}

function deltaLength(texts) {
  return Buffer.concat([
    deltas(texts.map((text) => Buffer.byteLength(text))),
    ...texts.map((text) => Buffer.from(text)),
  ]);
}

/** @param {...[id: number, type: number, value: any]} fields in order of id */
function struct(...fields) {
  const parts = [];
  let last = 0;
  for (const [id, type, value] of fields) {
    parts.push([((id - last) << 4) | type]);
    last = id;
    parts.push(type === I32 || type === I64 ? zigzag(value) : type === BINARY ? binary(value) : value);
  }
  return Buffer.concat([...parts.map((part) => Buffer.from(part)), Uint8Array.of(0)]);
}

function list(type, elements) {
  const head =
    elements.length < 15
      ? [(elements.length << 4) | type]
      : [0xf0 | type, ...varint(BigInt(elements.length))];
  return [...head, ...elements.flatMap((element) => [...element])];
}

const binary = (text) => [varint(BigInt(Buffer.byteLength(text))), [...Buffer.from(text)]].flat();

function zigzag(value) {
  const number = BigInt(value);
  return varint(number >= 0n ? number << 1n : (-number << 1n) - 1n);
}

function varint(number) {
  const bytes = [];
  let rest = number;
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

const length = (parts) => parts.reduce((sum, part) => sum + part.length, 0);
