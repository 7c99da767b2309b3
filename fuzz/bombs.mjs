/** Small files that ask for much: memory, time or depth. By kind; each is a name and the bytes. */
import { gzipSync } from 'node:zlib';
import { parquetFile, run } from './parquet-file.mjs';

const MIB = 2 ** 20;

/** Values of a page: a text of `length` letters, then `count` that are it again, of which only that is said. */
function sharedPrefixes(length, count) {
  const varint = (number) => {
    const bytes = [];
    let rest = number;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    return [...bytes, rest];
  };
  // One block a 128 differences, none of them wider than 0 bits but the first.
  const deltas = (first, then) => {
    const bytes = [...varint(128), ...varint(1), ...varint(count + 1), ...varint(2 * first)];
    // The first difference leads from `first` to `then`; 32 bits hold it, and the rest are 0.
    const least = Math.min(0, then - first);
    bytes.push(...varint(-2 * least - (least < 0 ? 1 : 0)), 32);
    const widths = Buffer.alloc(4 * 128);
    for (let i = 0; i < 128; i++) widths.writeUInt32LE((i === 0 ? then - first : 0) - least, 4 * i);
    const blocks = Math.ceil(count / 128) - 1;
    return Buffer.concat([Buffer.from(bytes), widths, Buffer.alloc(2 * blocks)]);
  };
  return Buffer.concat([deltas(0, length), deltas(length, 0), Buffer.alloc(length, 'a')]);
}

/** A gzip of `head`, then about `mebibytes` of a filler repeated: 16 KB packed for each 16 MiB. */
function gzipBomb(head, filler, mebibytes) {
  const member = gzipSync(Buffer.alloc(16 * MIB, filler));
  return Buffer.concat([gzipSync(head), ...new Array(Math.ceil(mebibytes / 16)).fill(member)]);
}

const once = (make) => {
  let made;
  return () => {
    made ??= make();
    return made;
  };
};

export const csvBombs = {
  'a gigabyte in one field': ['bomb.csv.gz', once(() => gzipBomb('text\n"', 'a', 1024))],
  'a gigabyte of header': ['bomb.csv.gz', once(() => gzipBomb('te', 'x', 1024))],
  'a gigabyte of commas': ['bomb.csv.gz', once(() => gzipBomb('text\n', ',', 1024))],
  'a row of a million columns': [
    'wide.csv',
    once(() => Buffer.from(`text${',a'.repeat(1e6)}\n${'b,'.repeat(1e6)}\n`)),
  ],
};

export const jsonLinesBombs = {
  'a gigabyte in one line': ['bomb.jsonl.gz', once(() => gzipBomb('{"text":"', 'a', 1024))],
  'endless brackets': ['bomb.jsonl.gz', once(() => gzipBomb('{"text":', '[', 64))],
  'endless numbers': ['bomb.jsonl.gz', once(() => gzipBomb('{"text":"a","b":[', '0,', 512))],
  'endless objects': ['bomb.jsonl.gz', once(() => gzipBomb('{"text":"a","b":[', '{},', 48))],
  'deep brackets': [
    'deep.jsonl',
    once(() => Buffer.from(`{"text":"a","b":${'['.repeat(5e5)}${']'.repeat(5e5)}}\n`)),
  ],
  'millions of blank lines': ['blank.jsonl.gz', once(() => gzipBomb('{"text":"a"}\n', '\n', 64))],
  'a gigabyte of spaces': ['bomb.jsonl.gz', once(() => gzipBomb('{"text":"a"}\n', ' ', 1024))],
};

const texts = (count) => new Array(count).fill('again');
const parquet = (options) => ['bomb.parquet', once(() => parquetFile(options))];

export const parquetBombs = {
  'a run of 2^30 indices': parquet({ encoding: 'dictionary', lies: { indices: run(0, 2 ** 30 - 1, 1) } }),
  'a run of 2^30 rows, all declared': parquet({
    encoding: 'dictionary',
    required: true,
    lies: { indices: run(0, 2 ** 30, 1), rows: 2 ** 30, chunkValues: 2 ** 30, pageValues: 2 ** 30 },
  }),
  'a run of 2^27 rows, all declared': parquet({
    encoding: 'dictionary',
    required: true,
    lies: { indices: run(0, 2 ** 27, 1), rows: 2 ** 27, chunkValues: 2 ** 27, pageValues: 2 ** 27 },
  }),
  'a run of 2^30 levels': parquet({ lies: { levels: run(1, 2 ** 30 - 1, 1) } }),
  'a run of 2^31 absent values': parquet({
    texts: [null],
    lies: {
      levels: run(0, 2 ** 30, 1),
      rows: 2 ** 31 - 1,
      chunkValues: 2 ** 31 - 1,
      pageValues: 2 ** 31 - 1,
    },
  }),
  'runs of nothing': parquet({ encoding: 'dictionary', lies: { indices: new Uint8Array(1e6) } }),
  'an endless dictionary': parquet({ encoding: 'dictionary', lies: { dictionaryValues: 2 ** 31 - 1 } }),
  'a page of 2 GB': parquet({ codec: 'gzip', lies: { uncompressed: 2 ** 31 - 1 } }),
  'a page of 400 MB that holds a few bytes': parquet({ codec: 'gzip', lies: { uncompressed: 400 * MIB } }),
  'a page that unpacks to more than it says': parquet({
    codec: 'gzip',
    lies: { page: Buffer.alloc(64 * MIB), uncompressed: 100 },
  }),
  'a brotli page that unpacks to more than it says': parquet({
    codec: 'brotli',
    lies: { page: Buffer.alloc(64 * MIB), uncompressed: 100 },
  }),
  'a page that unpacks to 256 MB of zeros': parquet({
    codec: 'gzip',
    lies: { page: Buffer.alloc(256 * MIB), uncompressed: 256 * MIB },
  }),
  'a page of negative size': parquet({ lies: { compressed: -40 } }),
  'no values, for ever': parquet({ lies: { pageValues: 0, compressed: -8 } }),
  'more rows than values': parquet({ texts: texts(3), lies: { rows: 5 } }),
  'fewer rows than values': parquet({ texts: texts(3), lies: { rows: 2 } }),
  'a negative number of rows': parquet({ lies: { rows: -1 } }),
  'a column before the file': parquet({ lies: { offset: -5 } }),
  'a column of negative size': parquet({ lies: { chunkBytes: -1 } }),
  'a chunk beyond the end': parquet({ lies: { chunkBytes: 2 ** 40 } }),
  'a footer of continued numbers': [
    'bomb.parquet',
    once(() => {
      const footer = Buffer.alloc(4 * MIB, 0x80);
      footer.set([0x36], 0); // field 3, a 64-bit number that never ends
      const size = Buffer.alloc(4);
      size.writeUInt32LE(footer.length);
      return Buffer.concat([Buffer.from('PAR1'), footer, size, Buffer.from('PAR1')]);
    }),
  ],
  'a footer of lists in lists': [
    'bomb.parquet',
    once(() => {
      const footer = Buffer.alloc(MIB, 0x19); // a list of one list of one list …
      const size = Buffer.alloc(4);
      size.writeUInt32LE(footer.length);
      return Buffer.concat([Buffer.from('PAR1'), footer, size, Buffer.from('PAR1')]);
    }),
  ],
};

const unfolding = (options) => ['unfolds.parquet', once(() => parquetFile(options))];
/** A text of a MiB that is named very often: some KB, as it is packed. */
const again = (rows) => ({ rows, chunkValues: rows, pageValues: rows });

/** Parquet files of some hundred bytes to a MiB that would take minutes: sound in form, and far too much of the same. */
export const unfoldingBombs = {
  'a text of a MiB, 20,000 times': unfolding({
    texts: ['a'.repeat(MIB)],
    encoding: 'dictionary',
    required: true,
    codec: 'gzip',
    lies: { ...again(20_000), indices: run(0, 20_000, 1) },
  }),
  '16 million empty texts, by a dictionary': unfolding({
    texts: [''],
    encoding: 'dictionary',
    required: true,
    lies: { ...again(16_000_000), indices: run(0, 16_000_000, 1) },
  }),
  '16 million absent texts': unfolding({
    texts: [null],
    lies: { ...again(16_000_000), levels: run(0, 16_000_000, 1) },
  }),
  'a text of 20 KB that 100,000 others begin with': unfolding({
    texts: ['a'.repeat(20_000)],
    encoding: 'delta-byte-array',
    required: true,
    codec: 'gzip',
    lies: { ...again(100_001), page: sharedPrefixes(20_000, 100_000) },
  }),
};

/** JSON documents for cards, tokenizers and registrations. */
export const jsonBombs = {
  'deep brackets': once(() => Buffer.from(`${'['.repeat(5e5)}${']'.repeat(5e5)}`)),
  'deep objects': once(() => Buffer.from(`{"schedule":${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}}`)),
  'a long text': once(() => Buffer.from(`{"note":"${'a'.repeat(8 * MIB)}"}`)),
  'many keys': once(() =>
    Buffer.from(`{${Array.from({ length: 3e5 }, (_, i) => `"k${i}":${i}`).join(',')}}`),
  ),
  empty: once(() => Buffer.alloc(0)),
  'another format': once(() =>
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'),
  ),
  page: once(() => Buffer.from('<!DOCTYPE html><html><body>Not found</body></html>')),
};
