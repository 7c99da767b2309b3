/**
 * Safetensors files (github.com/huggingface/safetensors): a length, a JSON header that says where each tensor lies, then
 * their bytes without gaps. Every statement of the header is checked against the file before use.
 * A model cut into several files has an index that names the file of each tensor.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ModelError } from '../../errors.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import { parseStrictJson } from '../../strict-json.js';
import { countOf, fill, openOrFail, type StoredTensor, type StoredTensors } from './stored-tensor.js';

/** Room for some eighty thousand tensors; anything longer is not a header. */
const LARGEST_HEADER = 1 << 23;
const MOST_AXES = 16;

/** Bytes per element, and our name for the type. */
const TYPES: Readonly<Record<string, { bytes: number; name: string }>> = {
  F64: { bytes: 8, name: 'float64' },
  F32: { bytes: 4, name: 'float32' },
  F16: { bytes: 2, name: 'float16' },
  BF16: { bytes: 2, name: 'bfloat16' },
  I64: { bytes: 8, name: 'int64' },
  I32: { bytes: 4, name: 'int32' },
  I16: { bytes: 2, name: 'int16' },
  I8: { bytes: 1, name: 'int8' },
  U64: { bytes: 8, name: 'uint64' },
  U32: { bytes: 4, name: 'uint32' },
  U16: { bytes: 2, name: 'uint16' },
  U8: { bytes: 1, name: 'uint8' },
  BOOL: { bytes: 1, name: 'bool' },
  F8_E4M3: { bytes: 1, name: 'float8 (E4M3)' },
  F8_E5M2: { bytes: 1, name: 'float8 (E5M2)' },
};

/** @throws ModelError `broken-safetensors`, saying which tensor */
export function readSafetensors(path: string): StoredTensors {
  const file = openOrFail(path);
  try {
    const { size } = fstatSync(file);
    if (size < 8) throw brokenFile(path, `it has ${size} bytes, too few for a header`);
    const prefix = Buffer.alloc(8);
    fill(file, path, prefix, 0);
    const length = prefix.readBigUInt64LE();
    if (length > BigInt(LARGEST_HEADER) || length > BigInt(size - 8)) {
      throw brokenFile(path, `it declares a header of ${length} bytes, but has ${size - 8} after that`);
    }
    const header = Buffer.alloc(Number(length));
    fill(file, path, header, 8);
    return tensorsOf(path, header, 8 + header.length, size);
  } finally {
    closeSync(file);
  }
}

function tensorsOf(path: string, header: Buffer, start: number, size: number): StoredTensors {
  // Searched in the text, before an object of that many keys is made.
  const twice = isUtf8(header) ? repeatedKey(header.toString('utf8')) : null;
  if (twice !== null) throw brokenFile(path, `its header names ${shorten(JSON.stringify(twice))} twice`);
  const entries = Object.entries(parsedObject(path, header, 'its header'));
  const tensors = new Map<string, StoredTensor>();
  const ranges: { name: string; from: number; to: number }[] = [];
  for (const [name, entry] of entries) {
    if (name === '__metadata__') continue;
    const { type, shape, from, to } = tensorEntry(path, name, entry);
    if (to > size - start) {
      throw brokenFile(
        path,
        `the tensor "${name}" ends at byte ${to} of ${size - start}: the file is cut off`,
      );
    }
    ranges.push({ name, from, to });
    tensors.set(name, { name, type, shape, path, offset: start + from });
  }
  checkRanges(path, ranges, size - start);
  return tensors;
}

function tensorEntry(path: string, name: string, entry: unknown) {
  const wrong = (why: string) => brokenFile(path, `the tensor "${name}" ${why}`);
  if (entry === null || typeof entry !== 'object' || Array.isArray(entry)) throw wrong('is not described');
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(TYPES, dtype)) {
    throw wrong(`has elements of an unknown type, ${shorten(JSON.stringify(dtype))}`);
  }
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!Array.isArray(shape) || shape.length > MOST_AXES || !shape.every(isSize)) {
    throw wrong(`has a shape that is none, ${shorten(JSON.stringify(shape))}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[1] < offsets[0]) {
    throw wrong(`has offsets that are none, ${shorten(JSON.stringify(offsets))}`);
  }
  const bytes = countOf(shape) * TYPES[dtype].bytes;
  if (bytes !== offsets[1] - offsets[0]) {
    throw wrong(
      `takes ${bytes} bytes by its shape [${shape}], but ${offsets[1] - offsets[0]} by its offsets`,
    );
  }
  return {
    type: TYPES[dtype].name,
    shape: shape as number[],
    from: offsets[0] as number,
    to: offsets[1] as number,
  };
}

/** The format allows neither gaps nor overlaps: bytes that no tensor owns could be anything. */
function checkRanges(
  path: string,
  ranges: { name: string; from: number; to: number }[],
  bytes: number,
): void {
  ranges.sort((a, b) => a.from - b.from || a.to - b.to);
  let end = 0;
  let before = '';
  for (const { name, from, to } of ranges) {
    if (from < end) throw brokenFile(path, `the tensors "${before}" and "${name}" overlap`);
    if (from > end) throw brokenFile(path, `${from - end} bytes before the tensor "${name}" belong to none`);
    end = to;
    before = name;
  }
  if (end !== bytes) throw brokenFile(path, `its last ${bytes - end} bytes belong to no tensor`);
}

/**
 * A model in several files. @param path of the index, `model.safetensors.index.json`
 * @throws ModelError `broken-safetensors` if files and index disagree, too, `weights-not-found` for a missing file
 */
export async function readShardedSafetensors(path: string): Promise<StoredTensors> {
  const bytes = readSmallFile(path, MOST_BYTES.weightsIndex);
  const { weight_map: map } = parsedObject(path, bytes, 'it');
  if (map === null || typeof map !== 'object' || Array.isArray(map))
    throw brokenFile(path, 'it has no "weight_map"');
  const tensors = new Map<string, StoredTensor>();
  const shards = new Map<string, StoredTensors>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string' || file !== basename(file) || /[\\:\0]/.test(file) || /^\.*$/.test(file)) {
      throw brokenFile(
        path,
        `the tensor "${name}" lies in ${shorten(JSON.stringify(file))}, which names no file beside it`,
      );
    }
    const shard = shards.get(file) ?? readSafetensors(join(dirname(path), file));
    shards.set(file, shard);
    const tensor = shard.get(name);
    if (!tensor) throw brokenFile(path, `the tensor "${name}" is not in ${file}, where it should be`);
    tensors.set(name, tensor);
  }
  for (const [file, shard] of shards) {
    for (const name of shard.keys()) {
      if (!Object.hasOwn(map, name)) throw brokenFile(path, `the tensor "${name}" of ${file} is not in it`);
      if ((map as Record<string, unknown>)[name] !== file)
        throw brokenFile(path, `the tensor "${name}" is in two files`);
    }
  }
  return tensors;
}

function parsedObject(path: string, bytes: Buffer, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (cause) {
    throw brokenFile(path, `${what} is not usable JSON (${(cause as Error).message})`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw brokenFile(path, `${what} is no JSON object`);
  return value as Record<string, unknown>;
}

function brokenFile(path: string, why: string): ModelError {
  return new ModelError({
    code: 'broken-safetensors',
    message: `${path} cannot be used: ${why}.`,
    hint: 'Download it again, or save the model again with safetensors; a Git LFS pointer in its place also does this.',
  });
}

const shorten = (text: string | undefined): string =>
  text === undefined ? 'none' : text.length > 60 ? `${text.slice(0, 59)}…` : text;

/**
 * JSON.parse silently keeps the last of two equal keys of an object, so duplicates are found in the text.
 * @param text supposedly a JSON object; the parser decides that later
 * @returns the first key that the object itself has twice, or null
 */
function repeatedKey(text: string): string | null {
  const seen = new Set<string>();
  let depth = 0;
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      const end = endOfString(text, i);
      if (depth === 1 && expectsKey) {
        const written = text.slice(i, end);
        const key = written.includes('\\') ? unescapeJson(written) : written.slice(1, -1);
        if (key === null) return null;
        if (seen.has(key)) return key;
        seen.add(key);
        expectsKey = false;
      }
      i = end - 1;
    } else if (c === '{' || c === '[') {
      depth++;
      if (depth === 1) expectsKey = true;
    } else if (c === '}' || c === ']') depth--;
    else if (c === ',' && depth === 1) expectsKey = true;
  }
  return null;
}

/** Null if it is not a JSON string. */
function unescapeJson(written: string): string | null {
  try {
    return JSON.parse(written) as string;
  } catch {
    return null;
  }
}

/** One past the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}
