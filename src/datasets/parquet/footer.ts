/** The footer of a Parquet file: its columns, and where the pages of one column are. */
import { BUDGET } from '../budget.js';
import { CompactReader } from './compact-protocol.js';

/** Reads bytes [start, end) of the file. */
export interface ByteSource {
  byteLength: number;
  read(start: number, end: number): Promise<Buffer>;
}

/** A column of the table, or a field inside a struct of it. */
export interface Column {
  /** Full name; for a field, with the names of its parent structs: `a.b`. */
  name: string;
  /** 1 for a column of the table, 2 for a field of a struct, … */
  depth: number;
  /** `list` for maps too. */
  kind: 'text' | 'number' | 'bytes' | 'struct' | 'list' | 'object';
  /** How many levels may be null: the value itself and its parent structs. */
  optionalLevels: number;
  /** Index of its {@link ColumnChunk} in a row group; −1 for structs and lists, which have several. */
  chunk: number;
}

/** The pages of one column in one row group: bytes [start, end) of the file. */
export interface ColumnChunk {
  path: string;
  codec: number;
  values: number;
  start: number;
  end: number;
}

export interface Footer {
  /** In schema order, a struct before its fields; without what is inside lists. */
  columns: Column[];
  rows: number;
  groups: { rows: number; chunks: ColumnChunk[] }[];
}

const MAGIC = 'PAR1';
const ENCRYPTED = 'PARE';
const BYTE_ARRAY = 6;
const FIXED_LENGTH = 7;
const UTF8 = 0;
const ENUM = 4;
const OPTIONAL = 1;
const REPEATED = 2;

/** @throws Error whose message completes «it is not a sound Parquet file: …» */
export async function readFooter(file: ByteSource): Promise<Footer> {
  const size = file.byteLength;
  if (size < 12) throw new Error('it is too short');
  const head = (await file.read(0, 4)).toString('latin1');
  const tail = await file.read(size - 8, size);
  const mark = tail.toString('latin1', 4);
  if (mark === ENCRYPTED) throw new Error('it is encrypted');
  if (mark !== MAGIC) throw new Error(`it does not end with ${MAGIC}, so it is cut short or another format`);
  if (head !== MAGIC) throw new Error(`it does not begin with ${MAGIC}`);
  const length = tail.readUInt32LE(0);
  if (length > size - 12) throw new Error('its footer is larger than the file');
  if (length > BUDGET.footer) throw new Error(`its footer takes more than ${BUDGET.footer / 2 ** 20} MiB`);
  return parseFooter(await file.read(size - 8 - length, size - 8), size);
}

function parseFooter(bytes: Uint8Array, fileSize: number): Footer {
  const reader = new CompactReader(bytes);
  const schema: SchemaElement[] = [];
  const footer: Footer = { columns: [], rows: -1, groups: [] };
  reader.struct({
    2: (type) => reader.list(type, (inner) => schema.push(schemaElement(reader, inner))),
    3: (type) => {
      footer.rows = reader.number(type);
    },
    4: (type) => reader.list(type, (inner) => footer.groups.push(rowGroup(reader, inner, fileSize))),
  });
  footer.columns = columnsOf(schema);
  const rows = footer.groups.reduce((sum, group) => sum + group.rows, 0);
  if (rows !== footer.rows) throw new Error(`it declares ${footer.rows} rows, its row groups ${rows}`);
  return footer;
}

interface SchemaElement {
  name: string;
  children: number;
  type: number;
  repetition: number;
  converted: number;
}

function schemaElement(reader: CompactReader, type: number): SchemaElement {
  const element: SchemaElement = { name: '', children: 0, type: -1, repetition: 0, converted: -1 };
  const take = (key: Exclude<keyof SchemaElement, 'name'>) => (fieldType: number) => {
    element[key] = reader.number(fieldType);
  };
  let named = false;
  reader.inner(type, {
    1: take('type'),
    3: take('repetition'),
    4: (fieldType) => {
      element.name = reader.text(fieldType);
      named = true;
    },
    5: take('children'),
    6: take('converted'),
  });
  if (!named || element.children < 0) throw new Error('its schema has an element without a name');
  return element;
}

function columnsOf(schema: readonly SchemaElement[]): Column[] {
  if (schema.length === 0) throw new Error('it has no schema');
  const columns: Column[] = [];
  let at = 1;
  let chunk = 0;
  /** Skips an element and its descendants. */
  const read = (prefix: string, outerLevels: number, depth: number): void => {
    const element = schema[at++];
    if (!element) throw new Error('its schema ends too early');
    if (depth > BUDGET.headerDepth) throw new Error('its schema is nested too deep');
    const name = prefix + element.name;
    const kind = kindOf(element, schema[at]);
    const optionalLevels = outerLevels + (element.repetition === OPTIONAL ? 1 : 0);
    if (outerLevels >= 0) {
      columns.push({ name, depth, kind, optionalLevels, chunk: element.children === 0 ? chunk : -1 });
    }
    if (element.children === 0) chunk++;
    const inner = outerLevels < 0 || kind === 'list' ? IN_LIST : optionalLevels;
    for (let i = 0; i < element.children; i++) read(`${name}.`, inner, depth + 1);
  };
  for (let i = 0; i < schema[0].children; i++) read('', 0, 1);
  if (at !== schema.length) throw new Error('its schema has another number of columns than it says');
  return columns;
}

/** In place of a number of levels. */
const IN_LIST = Number.NEGATIVE_INFINITY;

/** @param next the following element: for a group, its first child */
function kindOf(
  { children, type, repetition, converted }: SchemaElement,
  next: SchemaElement | undefined,
): Column['kind'] {
  if (repetition === REPEATED) return 'list';
  // Lists and maps are groups around a repeated element.
  if (children > 0) return next?.repetition === REPEATED ? 'list' : 'struct';
  if (type === FIXED_LENGTH) return 'bytes';
  if (type !== BYTE_ARRAY) return 'number';
  return converted === -1 || converted === UTF8 || converted === ENUM ? 'text' : 'object';
}

function rowGroup(reader: CompactReader, type: number, fileSize: number): Footer['groups'][number] {
  const group = { rows: -1, chunks: [] as ColumnChunk[] };
  reader.inner(type, {
    1: (fieldType) =>
      reader.list(fieldType, (inner) => group.chunks.push(columnChunk(reader, inner, fileSize))),
    3: (fieldType) => {
      group.rows = reader.number(fieldType);
    },
  });
  if (group.rows < 0) throw new Error('a row group has no sensible size');
  return group;
}

function columnChunk(reader: CompactReader, type: number, fileSize: number): ColumnChunk {
  const path: string[] = [];
  const numbers = { codec: -1, values: -1, bytes: -1, data: -1, dictionary: 0 };
  const take = (key: keyof typeof numbers) => (fieldType: number) => {
    numbers[key] = reader.number(fieldType);
  };
  let described = false;
  reader.inner(type, {
    1: () => {
      throw new Error('a column lies in another file');
    },
    3: (fieldType) => {
      described = true;
      reader.inner(fieldType, {
        3: (listType) => reader.list(listType, (inner) => path.push(reader.text(inner))),
        4: take('codec'),
        5: take('values'),
        7: take('bytes'),
        9: take('data'),
        11: take('dictionary'),
      });
    },
  });
  if (!described) throw new Error('a column has no description');
  const { codec, values, bytes, data, dictionary } = numbers;
  // Some writers leave the dictionary's offset at 0.
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  // Without values there are no pages, and the offsets mean nothing.
  if (values === 0) return { path: path.join('.'), codec, values, start: 4, end: 4 };
  const end = start + bytes;
  if (start < 4 || bytes < 0 || end > fileSize) {
    throw new Error(`column ${path.join('.')} reaches beyond the end of the file`);
  }
  return { path: path.join('.'), codec, values, start, end };
}
