/** The pages of a column, one after another: its texts, with null where there is none. */
import { crc32 } from 'node:zlib';
import { CompactReader, UnfinishedStruct } from './compact-protocol.js';
import { decompressPage, UNCOMPRESSED } from './decompress.js';
import type { ByteSource, Column, ColumnChunk } from './footer.js';
import { readRuns } from './runs.js';
import { type Decode, PLAIN, PLAIN_DICTIONARY, plainTexts, textsOfPage } from './texts-of-page.js';

/** Statistics in it may be long. */
const LARGEST_HEADER = 2 ** 20;
const USUAL_HEADER = 2 ** 12;
const LARGEST_PAGE = 2 ** 28;
/** Of one page: writers put some 20 thousand there, and a run of a billion takes six bytes. */
const MOST_VALUES = 2 ** 24;

const DATA_PAGE = 0;
const INDEX_PAGE = 1;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;
const RLE = 3;

interface PageHeader {
  type: number;
  unpacked: number;
  packed: number;
  checksum: number | null;
  values: number;
  encoding: number;
  /** Of the levels of a v1 page. */
  levelEncoding: number;
  /** Bytes of a v2 page's levels. */
  definitionBytes: number;
  repetitionBytes: number;
  compressed: boolean;
}

/** @throws Error whose message completes «it is not a sound Parquet file: …» */
export async function* textsOfChunk(
  file: ByteSource,
  chunk: ColumnChunk,
  { optional }: Pick<Column, 'optional'>,
  decode: Decode,
): AsyncGenerator<string | null> {
  let dictionary: string[] | null = null;
  let left = chunk.values;
  for (let at = chunk.start; left > 0; ) {
    const { header, end: bodyStart } = await readHeader(file, at, chunk.end);
    at = bodyStart + header.packed;
    if (header.packed < 0 || at > chunk.end) throw new Error('a page reaches beyond its column');
    if (header.unpacked < 0 || header.unpacked > LARGEST_PAGE || header.packed > LARGEST_PAGE) {
      throw new Error('a page is larger than can be read at once');
    }
    if (header.type === INDEX_PAGE) continue;
    const body = await file.read(bodyStart, at);
    if (header.checksum !== null && (header.checksum | 0) !== (crc32(body) | 0)) {
      throw new Error('a page is not what its checksum says');
    }
    if (header.type === DICTIONARY_PAGE) {
      if (dictionary) throw new Error('a column has two dictionaries');
      dictionary = await readDictionary(chunk, header, body, decode);
      continue;
    }
    if (!(header.values >= 0 && header.values <= Math.min(left, MOST_VALUES))) {
      throw new Error(`a page says it has ${header.values} values where ${left} are left`);
    }
    left -= header.values;
    yield* textsOfDataPage(chunk, header, body, optional, dictionary, decode);
  }
}

async function readDictionary(
  chunk: ColumnChunk,
  header: PageHeader,
  body: Buffer,
  decode: Decode,
): Promise<string[]> {
  const { values, encoding, unpacked } = header;
  if (encoding !== PLAIN && encoding !== PLAIN_DICTIONARY)
    throw new Error(`a dictionary has the encoding ${encoding}`);
  const page = await decompressPage(chunk.codec, body, unpacked);
  if (!(values >= 0 && values <= page.length / 4))
    throw new Error('a dictionary says it has more texts than bytes');
  return [...plainTexts(page, values, decode)];
}

async function* textsOfDataPage(
  chunk: ColumnChunk,
  header: PageHeader,
  body: Buffer,
  optional: boolean,
  dictionary: string[] | null,
  decode: Decode,
): AsyncGenerator<string | null> {
  const { levels, values } = await (header.type === DATA_PAGE
    ? splitPage(chunk, header, body, optional)
    : splitPageV2(chunk, header, body));
  const present = optional ? readRuns(levels, 1, header.values) : null;
  const count = present ? present.reduce((sum, level) => sum + level, 0) : header.values;
  const texts = textsOfPage(values, header.encoding, count, dictionary, decode);
  if (!present) yield* texts;
  else for (const level of present) yield level ? (texts.next().value as string) : null;
}

interface PageParts {
  /** Which values are there, as runs; empty where all are. */
  levels: Uint8Array;
  values: Buffer;
}

/** Version 1: levels, behind their length, and values, compressed together. */
async function splitPage(
  chunk: ColumnChunk,
  header: PageHeader,
  body: Buffer,
  optional: boolean,
): Promise<PageParts> {
  const page = await decompressPage(chunk.codec, body, header.unpacked);
  if (!optional) return { levels: new Uint8Array(0), values: page };
  if (header.levelEncoding !== RLE)
    throw new Error(`a page has levels of the encoding ${header.levelEncoding}`);
  const end = page.length >= 4 ? 4 + page.readUInt32LE(0) : Number.POSITIVE_INFINITY;
  if (end > page.length) throw new Error('the levels of a page reach beyond it');
  return { levels: page.subarray(4, end), values: page.subarray(end) };
}

/** Version 2: levels as they are, then the values, compressed or not. */
async function splitPageV2(chunk: ColumnChunk, header: PageHeader, body: Buffer): Promise<PageParts> {
  const { definitionBytes, repetitionBytes, unpacked, compressed } = header;
  const end = definitionBytes + repetitionBytes;
  if (definitionBytes < 0 || repetitionBytes < 0 || end > Math.min(body.length, unpacked)) {
    throw new Error('the levels of a page reach beyond it');
  }
  return {
    levels: body.subarray(repetitionBytes, end),
    values: await decompressPage(compressed ? chunk.codec : UNCOMPRESSED, body.subarray(end), unpacked - end),
  };
}

async function readHeader(
  file: ByteSource,
  start: number,
  limit: number,
): Promise<{ header: PageHeader; end: number }> {
  for (const most of [USUAL_HEADER, LARGEST_HEADER]) {
    const end = Math.min(start + most, limit);
    const reader = new CompactReader(await file.read(start, end));
    try {
      const header = parseHeader(reader);
      return { header, end: start + reader.at };
    } catch (error) {
      if (!(error instanceof UnfinishedStruct) || end === limit) throw error;
    }
  }
  throw new Error('a page has a header of more than a MiB');
}

function parseHeader(reader: CompactReader): PageHeader {
  const header: PageHeader = {
    type: -1,
    unpacked: -1,
    packed: -1,
    checksum: null,
    values: -1,
    encoding: -1,
    levelEncoding: RLE,
    definitionBytes: 0,
    repetitionBytes: 0,
    compressed: true,
  };
  const take = (key: Exclude<keyof PageHeader, 'compressed'>) => (type: number) => {
    header[key] = reader.number(type);
  };
  reader.struct({
    1: take('type'),
    2: take('unpacked'),
    3: take('packed'),
    4: take('checksum'),
    5: (type) => reader.inner(type, { 1: take('values'), 2: take('encoding'), 3: take('levelEncoding') }),
    7: (type) => reader.inner(type, { 1: take('values'), 2: take('encoding') }),
    8: (type) =>
      reader.inner(type, {
        1: take('values'),
        4: take('encoding'),
        5: take('definitionBytes'),
        6: take('repetitionBytes'),
        7: (truth) => {
          header.compressed = truth === 1;
        },
      }),
  });
  if (![DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2].includes(header.type)) {
    throw new Error(`a page is of the unknown type ${header.type}`);
  }
  return header;
}
