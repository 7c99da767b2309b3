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
import { differingSetting, type TrainingSettings } from './settings.js';
import { STATE, type TrainingVectors } from './state-names.js';

export interface SavedTraining {
  /** Steps taken. */
  step: number;
  vectors: TrainingVectors;
  /** Loss and gradient norm of every step, one after the other. */
  curve: Float32Array;
}

const KIND = 'duo-eval training state';
const VERSION = 1;

interface Header {
  kind: typeof KIND;
  version: number;
  step: number;
  weights: number;
  sha256: string;
  settings: TrainingSettings;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** @throws FileError; the file of before is then still there */
export async function saveTraining(
  path: string,
  settings: TrainingSettings,
  { step, vectors, curve }: SavedTraining,
): Promise<void> {
  const body = Buffer.concat([...STATE.map((name) => bytesOf(vectors[name])), bytesOf(curve)]);
  const header: Header = {
    kind: KIND,
    version: VERSION,
    step,
    weights: vectors.weights.length,
    sha256: sha256OfBytes(body),
    settings,
  };
  const file = await AtomicFile.create(path);
  await file.write(Buffer.from(`${JSON.stringify(header)}\n`));
  await file.write(body);
  await file.commit();
}

/**
 * @returns null where there is no such file
 * @throws UsageError `other-settings`, naming the first that differs   @throws FileError `damaged-training-state`
 */
export async function loadTraining(path: string, settings: TrainingSettings): Promise<SavedTraining | null> {
  if (!existsSync(path)) return null;
  const bytes = await readFile(path).catch((cause) => {
    throw fileFailure(cause, 'read', path);
  });
  const end = bytes.indexOf('\n');
  const header = parsed(bytes.subarray(0, Math.max(0, end)).toString());
  if (header?.kind !== KIND || header.version !== VERSION)
    throw damaged(path, 'its first line is none of ours');
  const difference = differingSetting(header.settings, settings);
  if (difference) {
    const [before, now] = difference.values.map((value) => JSON.stringify(value) ?? 'nothing');
    throw new UsageError({
      code: 'other-settings',
      message: `The run in ${path} has ${difference.setting} ${before}, not ${now}: it cannot go on with other settings.`,
      hint: 'Give the settings it was begun with, or another --out.',
    });
  }
  const body = bytes.subarray(end + 1);
  const { step, weights, sha256 } = header;
  const expected = 4 * (STATE.length * weights + 2 * step);
  if (body.length !== expected)
    throw damaged(path, `it holds ${body.length} bytes of numbers, not ${expected}`);
  if (sha256OfBytes(body) !== sha256) throw damaged(path, 'its checksum does not match');
  const numbers = new Float32Array(new Uint8Array(body).buffer);
  const vectors = STATE.map((name, i) => [name, numbers.slice(i * weights, (i + 1) * weights)]);
  return {
    step,
    vectors: Object.fromEntries(vectors) as TrainingVectors,
    curve: numbers.slice(STATE.length * weights),
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
