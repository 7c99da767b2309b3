/** Reads the pages of a column in order: its texts, with null where there is none. */
import { crc32 } from 'node:zlib';
import { BUDGET, type Unfolding } from '../budget.js';
import { CompactReader, UnfinishedStruct } from './compact-protocol.js';
import { decompressPage, UNCOMPRESSED } from './decompress.js';
import type { ByteSource, Column, ColumnChunk } from './footer.js';
import { readRuns } from './runs.js';
import {
  type Decode,
  type Dictionary,
  PLAIN,
  PLAIN_DICTIONARY,
  plainDictionary,
  textsOfPage,
} from './texts-of-page.js';

const USUAL_HEADER = 2 ** 12;

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
  /** Encoding of the levels of a v1 page. */
  levelEncoding: number;
  /** Bytes of a v2 page's levels. */
  definitionBytes: number;
  repetitionBytes: number;
  compressed: boolean;
}

export interface TextsOfChunk {
  file: ByteSource;
  chunk: ColumnChunk;
  column: Pick<Column, 'optionalLevels'>;
  decode: Decode;
  /** The file's limit: receives a page's bytes and texts before they are allocated. */
  unfolding: Unfolding;
}

/** @throws Error whose message completes «it is not a sound Parquet file: …»; what `decode` and `unfolding` throw */
export async function* textsOfChunk(reading: TextsOfChunk): AsyncGenerator<Iterable<string | null>> {
  const { file, chunk } = reading;
  let dictionary: Dictionary | null = null;
  let left = chunk.values;
  for (let at = chunk.start; left > 0; ) {
    const { header, end: bodyStart } = await readHeader(file, at, chunk.end);
    at = bodyStart + header.packed;
    if (header.packed < 0 || at > chunk.end) throw new Error('a page reaches beyond its column');
    if (header.unpacked < 0 || header.unpacked > BUDGET.page || header.packed > BUDGET.page) {
      throw new Error('a page is larger than can be read at once');
    }
    if (header.type === INDEX_PAGE) continue;
    const body = await file.read(bodyStart, at);
    if (header.checksum !== null && (header.checksum | 0) !== (crc32(body) | 0)) {
      throw new Error('a page is not what its checksum says');
    }
    reading.unfolding.add(header.unpacked);
    if (header.type === DICTIONARY_PAGE) {
      if (dictionary) throw new Error('a column has two dictionaries');
      dictionary = await readDictionary(reading, header, body);
      continue;
    }
    if (!(header.values >= 0 && header.values <= Math.min(left, BUDGET.pageValues))) {
      throw new Error(`a page says it has ${header.values} values where ${left} are left`);
    }
    left -= header.values;
    reading.unfolding.add(header.values * BUDGET.leastText);
    yield await textsOfDataPage(reading, header, body, dictionary);
  }
}

async function readDictionary(
  { chunk, decode, unfolding }: TextsOfChunk,
  { values, encoding, unpacked }: PageHeader,
  body: Buffer,
): Promise<Dictionary> {
  if (encoding !== PLAIN && encoding !== PLAIN_DICTIONARY)
    throw new Error(`a dictionary has the encoding ${encoding}`);
  const page = await decompressPage(chunk.codec, body, unpacked);
  if (!(values >= 0 && values <= page.length / 4))
    throw new Error('a dictionary says it has more texts than bytes');
  return plainDictionary(page, values, decode, unfolding);
}

async function textsOfDataPage(
  { chunk, column: { optionalLevels }, decode, unfolding }: TextsOfChunk,
  header: PageHeader,
  body: Buffer,
  dictionary: Dictionary | null,
): Promise<Iterable<string | null>> {
  const { levels, values } = await (header.type === DATA_PAGE
    ? splitPage(chunk, header, body, optionalLevels > 0)
    : splitPageV2(chunk, header, body));
  const found = optionalLevels > 0 ? readRuns(levels, 32 - Math.clz32(optionalLevels), header.values) : null;
  let count = header.values;
  // A value is present when it and all its parents are.
  if (found) count = found.reduce((sum, level) => sum + (level === optionalLevels ? 1 : 0), 0);
  const texts = textsOfPage(values, { encoding: header.encoding, count, dictionary, decode, unfolding });
  return found ? withAbsent(found, optionalLevels, texts) : texts;
}

function* withAbsent(
  found: Uint32Array,
  optionalLevels: number,
  texts: Generator<string>,
): Generator<string | null> {
  for (const level of found) yield level === optionalLevels ? (texts.next().value as string) : null;
}

interface PageParts {
  /** Which values are present, as runs; empty when all are. */
  levels: Uint8Array;
  values: Buffer;
}

/** Version 1: levels, preceded by their length, and values, compressed together. */
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

/** Version 2: uncompressed levels, then the values, compressed or not. */
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
  for (const most of [USUAL_HEADER, BUDGET.pageHeader]) {
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
