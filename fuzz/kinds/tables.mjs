/** Data files: csv, JSON lines and Parquet, whole and in .gz. What is accepted is read a second time, by other code. */
import { isUtf8 } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { csvBombs, jsonLinesBombs, parquetBombs, unfoldingBombs } from '../bombs.mjs';
import { expect } from '../broken.mjs';
import { damage, mutations, textMutations } from '../mutations.mjs';
import { parquetFile } from '../parquet-file.mjs';
import { csvSeeds, jsonLinesSeeds, parquetSeeds } from '../seeds.mjs';

const BOMBS = 0.02;

/**
 * @param {{ seeds: { name: string, bytes: Buffer, column?: string }[], bombs: object, kinds: object,
 *           check: (bytes: Buffer, texts: string[], name: string) => void }} form
 */
function tableKind({ seeds, bombs, kinds, check }) {
  return ({ program }) => ({
    prepare(random, folder) {
      if (random.chance(BOMBS)) {
        const how = random.of(Object.keys(bombs));
        const [name, make] = bombs[how];
        const path = join(folder, name);
        writeFileSync(path, make());
        return { how, read: () => readTexts(program, path, 'text') };
      }
      const seed = random.of(seeds);
      const { bytes, how } = damage(seed.bytes, random, kinds);
      const path = join(folder, seed.name);
      writeFileSync(path, bytes);
      const column = seed.column ?? 'text';
      const read = async () => check(bytes, await readTexts(program, path, column), seed.name);
      return { how: `${seed.name}: ${how}`, read };
    },
  });
}

/** As the commands read a data file; texts are kept only as far as they are few. */
async function readTexts(program, path, textColumn) {
  const { resolveDataset } = await import(`${program}/datasets/resolve-dataset.js`);
  const source = await resolveDataset({ spec: path, textColumn });
  const texts = [];
  for await (const text of source.texts()) {
    expect(typeof text === 'string', `a text is ${typeof text}`);
    if (texts.length < 1e5) texts.push(text);
  }
  return texts;
}

function unpacked(bytes, name) {
  if (!name.endsWith('.gz')) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    expect(false, `a damaged archive was read: ${error.message}`);
  }
}

/** UTF-8, or what the mark of another encoding says. */
function textOf(content) {
  const mark = content.toString('hex', 0, 2);
  if (mark === 'fffe' || mark === 'feff') {
    return new TextDecoder(mark === 'fffe' ? 'utf-16le' : 'utf-16be', { fatal: true }).decode(content);
  }
  expect(isUtf8(content), 'bytes that are not UTF-8 were read as text');
  return content.toString('utf8').replace(/^\ufeff/, '');
}

function checkCsv(bytes, texts, name) {
  const rows = rowsOf(textOf(unpacked(bytes, name)), name.endsWith('.tsv') ? '\t' : ',');
  const at = rows[0]?.indexOf('text') ?? -1;
  expect(at >= 0, 'texts were read without a column of that name');
  same(
    texts,
    rows.slice(1).map((row) => row[at]),
  );
}

/** RFC 4180, one character after another; a line ends with CR, LF or both. */
function rowsOf(text, separator) {
  const rows = [];
  let row = [];
  let field = '';
  let quoted = false;
  const endRow = () => {
    if (row.length > 0 || field !== '' || quoted) rows.push([...row, field]);
    row = [];
    field = '';
    quoted = false;
  };
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"' && field === '' && !quoted) {
      quoted = true;
      for (i++; text[i] !== '"' || text[i + 1] === '"'; i++) {
        expect(i < text.length, 'a quote that never ends was read');
        if (text[i] === '"') i++;
        field += text[i];
      }
    } else if (text[i] === separator) {
      row.push(field);
      field = '';
      quoted = false;
    } else if (text[i] === '\r' || text[i] === '\n') {
      if (text.startsWith('\r\n', i)) i++;
      endRow();
    } else {
      expect(!quoted, 'text after a closing quote was read');
      field += text[i];
    }
  }
  endRow();
  return rows;
}

function checkJsonLines(bytes, texts, name) {
  const text = textOf(unpacked(bytes, name));
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const rows =
    name.endsWith('.json') && /^\s*\[/.test(text) ? JSON.parse(text) : lines.map((line) => JSON.parse(line));
  same(
    texts,
    rows.map((row) => row.text),
  );
}

function checkParquet(bytes, texts, name) {
  const content = unpacked(bytes, name);
  expect(content.subarray(0, 4).toString('latin1') === 'PAR1', 'a file without its first mark was read');
  expect(content.subarray(-4).toString('latin1') === 'PAR1', 'a file without its last mark was read');
  for (const text of texts)
    expect(text.length <= content.length * 64, 'a text is longer than the file could hold');
}

function same(read, expected) {
  expect(
    read.length === expected.length,
    `${read.length} texts were read where there are ${expected.length}`,
  );
  const at = read.findIndex((text, i) => text !== expected[i]);
  expect(at < 0, `text ${at} was read as ${JSON.stringify(read[at])}, not ${JSON.stringify(expected[at])}`);
}

const bothKinds = { ...mutations, ...textMutations };

export const csv = tableKind({ seeds: csvSeeds(), bombs: csvBombs, kinds: bothKinds, check: checkCsv });
export const jsonLines = tableKind({
  seeds: jsonLinesSeeds(),
  bombs: jsonLinesBombs,
  kinds: bothKinds,
  check: checkJsonLines,
});

const words = Array.from({ length: 40 }, (_, i) => (i % 7 === 3 ? `wörd ${i}` : `word ${i % 5}`));
const written = ['plain', 'dictionary', 'delta-length', 'delta-byte-array'].flatMap((encoding) =>
  [1, 2].map((version) => ({
    name: `${encoding}-${version}.parquet`,
    bytes: parquetFile({
      texts: words,
      encoding,
      version,
      codec: version === 1 ? 'none' : 'gzip',
      required: version === 2,
    }),
  })),
);
const oracles = parquetSeeds().map((seed) => ({ ...seed, column: 'sentence' }));

export const parquet = tableKind({
  seeds: [...oracles, ...written],
  bombs: { ...parquetBombs, ...unfoldingBombs },
  kinds: mutations,
  check: checkParquet,
});
