/**
 * A training run on disk, with everything needed to resume it as if it had never stopped: one line of JSON, then the vectors
 * and the losses so far, float32. The file is replaced atomically, so a failed write leaves the previous one in place.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FileError, UsageError } from '../errors.js';
import { AtomicFile } from '../storage/atomic-file.js';
import { fileFailure } from '../storage/file-failure.js';
import { noteKept } from '../storage/kept-work.js';
import { differingSetting, otherSettings } from './setting-difference.js';
import type { TrainingSettings } from './settings.js';
import { STATE, type StateName } from './training-state.js';

export interface SavedRun<Name extends string> {
  /** Steps taken. */
  step: number;
  /** All of one length. */
  vectors: Record<Name, Float32Array>;
  /** Loss and gradient norm of every step, alternating. */
  curve: Float32Array;
}

const VERSION = 1;
/** Every kind begins with it. */
const OURS = 'duo-eval ';
/** Most bytes of the first line. */
const MOST_HEADER = 64 * 1024;

interface Layout<Name extends string> {
  /** Stands in the first line, so that no run is mistaken for one of another kind. */
  kind: string;
  names: readonly Name[];
}

interface Header {
  kind: string;
  version: number;
  step: number;
  weights: number;
  sha256: string;
  settings: object;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** Saves and loads runs of one kind. */
export interface StateFile<Name extends string, Settings extends object> {
  /** @throws FileError; the previous file then stays */
  save(path: string, settings: Settings, saved: SavedRun<Name>): Promise<void>;
  /**
   * @returns null if there is no such file
   * @throws UsageError `other-settings`, naming the first difference; `other-run`
   * @throws FileError `damaged-training-state`
   */
  load(path: string, settings: Settings): Promise<SavedRun<Name> | null>;
}

export const stateFile = <Name extends string, Settings extends object>(
  layout: Layout<Name>,
): StateFile<Name, Settings> => ({
  save: (path, settings, saved) => save(path, layout, settings, saved),
  load: (path, settings) => load(path, layout, settings),
});

async function save<Name extends string>(
  path: string,
  { kind, names }: Layout<Name>,
  settings: object,
  { step, vectors, curve }: SavedRun<Name>,
): Promise<void> {
  // Piece by piece, since all together may exceed the size of one buffer or one write.
  const pieces = [...names.map((name) => bytesOf(vectors[name])), bytesOf(curve)];
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  const weights = vectors[names[0]].length;
  const header: Header = { kind, version: VERSION, step, weights, sha256: hash.digest('hex'), settings };
  const file = await AtomicFile.create(path);
  await file.write(Buffer.from(`${JSON.stringify(header)}\n`));
  for (const piece of pieces) await file.write(piece);
  await file.commit();
  noteKept(path, `step ${step} in ${path}`);
}

async function load<Name extends string>(
  path: string,
  { kind, names }: Layout<Name>,
  settings: object,
): Promise<SavedRun<Name> | null> {
  if (!existsSync(path)) return null;
  const handle = await open(path).catch((cause) => {
    throw fileFailure(cause, 'read', path);
  });
  try {
    return await read(handle, path, { kind, names }, settings);
  } finally {
    await handle.close();
  }
}

async function read<Name extends string>(
  file: FileHandle,
  path: string,
  { kind, names }: Layout<Name>,
  settings: object,
): Promise<SavedRun<Name>> {
  const start = await readFully(file, new Uint8Array(MOST_HEADER), 0, path);
  const end = start.indexOf(10); // a newline
  const header = parseHeader(Buffer.from(start.subarray(0, Math.max(0, end))).toString());
  if (header?.kind?.startsWith(OURS) && header.kind !== kind) throw ofOtherRun(path, header.kind);
  if (header?.kind !== kind || header.version !== VERSION)
    throw damagedFile(path, 'its first line is not one of duo-eval');
  const difference = differingSetting(header.settings, settings);
  if (difference) throw new UsageError(otherSettings(path, difference));
  const { step, weights, sha256 } = header;
  const expected = 4 * (names.length * weights + 2 * step);
  const held = (await file.stat()).size - end - 1;
  if (held !== expected) throw damagedFile(path, `it holds ${held} bytes of numbers, not ${expected}`);
  const hash = createHash('sha256');
  let at = end + 1;
  const numbers = async (length: number): Promise<Float32Array> => {
    const values = new Float32Array(length);
    const bytes = await readFully(file, bytesOf(values), at, path);
    hash.update(bytes);
    at += bytes.length;
    return values;
  };
  const vectors = new Map<Name, Float32Array>();
  for (const name of names) vectors.set(name, await numbers(weights));
  const curve = await numbers(2 * step);
  if (hash.digest('hex') !== sha256) throw damagedFile(path, 'its checksum does not match');
  return { step, vectors: Object.fromEntries(vectors) as Record<Name, Float32Array>, curve };
}

/** Reads from an offset until `bytes` is full or the file ends. @returns the bytes that were read */
async function readFully(file: FileHandle, bytes: Uint8Array, at: number, path: string): Promise<Uint8Array> {
  let read = 0;
  try {
    while (read < bytes.length) {
      const { bytesRead } = await file.read(bytes, read, bytes.length - read, at + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
  } catch (cause) {
    throw fileFailure(cause, 'read', path);
  }
  return bytes.subarray(0, read);
}

function parseHeader(line: string): Header | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function ofOtherRun(path: string, kind: string): UsageError {
  return new UsageError({
    code: 'other-run',
    message: `${path} belongs to another kind of run: ${kind}.`,
    hint: 'Give another --out.',
  });
}

function damagedFile(path: string, why: string): FileError {
  return new FileError({
    code: 'damaged-training-state',
    message: `${path} is not a training state, or it is damaged: ${why}.`,
    hint: 'Remove it to start again, or give another --out.',
  });
}

/** Runs of `duo-eval train`. */
export type SavedTraining = SavedRun<StateName>;

export const trainingFile = stateFile<StateName, TrainingSettings>({
  kind: 'duo-eval training state',
  names: STATE,
});
