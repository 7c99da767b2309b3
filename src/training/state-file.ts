/**
 * A training run on disk: what it takes to go on as if it had never stopped. One line of JSON, then the vectors and the
 * losses so far, float32. It is replaced in one step, so that whatever happens while it is written the one before is there.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { FileError, UsageError } from '../errors.js';
import { AtomicFile } from '../storage/atomic-file.js';
import { sha256OfBytes } from '../storage/digest.js';
import { fileFailure } from '../storage/file-failure.js';
import type { DistillationSettings } from './distillation-settings.js';
import { otherSettings } from './setting-sentence.js';
import { differingSetting, type TrainingSettings } from './settings.js';
import { STATE, type StateName } from './state-names.js';

export interface SavedRun<Name extends string> {
  /** Steps taken. */
  step: number;
  /** All of one length. */
  vectors: Record<Name, Float32Array>;
  /** Loss and gradient norm of every step, one after the other. */
  curve: Float32Array;
}

export type SavedTraining = SavedRun<StateName>;

/** What kinds of runs there are, and the vectors of each. */
const training = { kind: 'duo-eval training state', names: STATE } as const;
const distillation = { kind: 'duo-eval distillation state', names: [...STATE, 'teacher'] } as const;
const VERSION = 1;

interface Layout<Name extends string> {
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

/** @throws FileError; the file of before is then still there */
export const saveTraining = (path: string, settings: TrainingSettings, saved: SavedTraining): Promise<void> =>
  save(path, training, settings, saved);

/**
 * @returns null where there is no such file
 * @throws UsageError `other-settings`, naming the first that differs   @throws FileError `damaged-training-state`
 */
export const loadTraining = (path: string, settings: TrainingSettings): Promise<SavedTraining | null> =>
  load(path, training, settings);

/** A run of distillation: the teacher of the present round, too. */
export type SavedDistillation = SavedRun<StateName | 'teacher'>;

/** @throws as saveTraining */
export const saveDistillation = (
  path: string,
  settings: DistillationSettings,
  saved: SavedDistillation,
): Promise<void> => save(path, distillation, settings, saved);

/** @throws as loadTraining */
export const loadDistillation = (
  path: string,
  settings: DistillationSettings,
): Promise<SavedDistillation | null> => load(path, distillation, settings);

async function save<Name extends string>(
  path: string,
  { kind, names }: Layout<Name>,
  settings: object,
  { step, vectors, curve }: SavedRun<Name>,
): Promise<void> {
  const body = Buffer.concat([...names.map((name) => bytesOf(vectors[name])), bytesOf(curve)]);
  const weights = vectors[names[0]].length;
  const header: Header = { kind, version: VERSION, step, weights, sha256: sha256OfBytes(body), settings };
  const file = await AtomicFile.create(path);
  await file.write(Buffer.from(`${JSON.stringify(header)}\n`));
  await file.write(body);
  await file.commit();
}

async function load<Name extends string>(
  path: string,
  { kind, names }: Layout<Name>,
  settings: object,
): Promise<SavedRun<Name> | null> {
  if (!existsSync(path)) return null;
  const bytes = await readFile(path).catch((cause) => {
    throw fileFailure(cause, 'read', path);
  });
  const end = bytes.indexOf('\n');
  const header = parsed(bytes.subarray(0, Math.max(0, end)).toString());
  if (header?.kind !== kind || header.version !== VERSION)
    throw damaged(path, 'its first line is none of ours');
  const difference = differingSetting(header.settings, settings);
  if (difference) throw new UsageError(otherSettings(path, difference));
  const body = bytes.subarray(end + 1);
  const { step, weights, sha256 } = header;
  const expected = 4 * (names.length * weights + 2 * step);
  if (body.length !== expected)
    throw damaged(path, `it holds ${body.length} bytes of numbers, not ${expected}`);
  if (sha256OfBytes(body) !== sha256) throw damaged(path, 'its checksum does not match');
  const numbers = new Float32Array(new Uint8Array(body).buffer);
  const vectors = names.map((name, i) => [name, numbers.slice(i * weights, (i + 1) * weights)]);
  return {
    step,
    vectors: Object.fromEntries(vectors) as Record<Name, Float32Array>,
    curve: numbers.slice(names.length * weights),
  };
}

function parsed(line: string): Header | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function damaged(path: string, why: string): FileError {
  return new FileError({
    code: 'damaged-training-state',
    message: `${path} is no training state, or a damaged one: ${why}.`,
    hint: 'Remove it to begin anew, or give another --out.',
  });
}
