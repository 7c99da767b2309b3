/**
 * The source of `convert`: a folder as on the hub, or a file. Its first bytes, not its name, determine the format.
 */
import { closeSync, existsSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FileError, ModelError } from '../../errors.js';
import { fileFailure, systemCodeOf } from '../../storage/file-failure.js';
import {
  gitLfsPointer,
  isGitLfsPointer,
  MOST_BYTES,
  readSmallFile,
  UnfitFile,
} from '../../storage/small-file.js';
import { parseStrictJson } from '../../strict-json.js';
import { openOrFail } from './stored-tensor.js';

export type SourceFormat = 'safetensors' | 'safetensors-index' | 'torch' | 'llama2c' | 'onnx';

export interface Source {
  format: SourceFormat;
  /** The file with the weights, or the index of several. */
  path: string;
  /** config.json beside it, or null. */
  config: { path: string; json: Record<string, unknown> } | null;
}

/** Names to look for in a folder, in this order. */
const NAMES = [
  'model.safetensors.index.json',
  'model.safetensors',
  'diffusion_pytorch_model.safetensors',
  'pytorch_model.bin',
];
const ENDINGS = ['.safetensors', '.ckpt', '.pt', '.bin'];

/** @throws ModelError `weights-not-found`, `unknown-weights`   @throws FileError, `git-lfs-pointer` among others */
export function findSource(path: string): Source {
  const file = isFolder(path) ? fileIn(path) : path;
  if (/\.onnx$/i.test(file)) return { format: 'onnx', path: file, config: null };
  const format = formatOf(file);
  return { format, path: file, config: configBeside(file) };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ENOENT') throw fileFailure(cause, 'read', path);
    throw new ModelError({
      code: 'weights-not-found',
      message: `There is no file or folder ${path}.`,
      hint: 'Give a folder with config.json and model.safetensors, a .safetensors, a .ckpt, an .onnx, or hf:owner/name.',
      cause,
    });
  }
}

function fileIn(folder: string): string {
  const named = NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (named) return named;
  const candidates = readdirSync(folder).filter((name) => ENDINGS.some((ending) => name.endsWith(ending)));
  if (candidates.length === 1) return join(folder, candidates[0]);
  throw new ModelError({
    code: candidates.length ? 'several-weights' : 'weights-not-found',
    message: candidates.length
      ? `${folder} has several files of weights: ${candidates.sort().slice(0, 8).join(', ')}.`
      : `${folder} has no weights: no model.safetensors, no .ckpt.`,
    hint: 'Name the file itself.',
  });
}

/** Bytes that identify the formats: a zip archive; a header's length, then JSON; seven plausible numbers. */
function formatOf(path: string): SourceFormat {
  const file = openOrFail(path);
  const head = Buffer.alloc(64);
  let size: number;
  try {
    size = readSync(file, head, 0, head.length, 0);
  } catch (cause) {
    throw fileFailure(cause, 'read', path);
  } finally {
    closeSync(file);
  }
  if (/\.index\.json$/.test(path)) return 'safetensors-index';
  if (isGitLfsPointer(head)) throw pointer(path);
  if (head.readUInt32LE(0) === 0x04034b50) return 'torch';
  if (size >= 9 && head[8] === 0x7b && head.readBigUInt64LE(0) < 2n ** 40n) return 'safetensors';
  if (path.endsWith('.safetensors')) return 'safetensors';
  const sizes = Array.from({ length: 7 }, (_, i) => head.readInt32LE(4 * i));
  if (
    size >= 28 &&
    sizes.every((value, i) => (i === 5 ? value !== 0 : value > 0) && Math.abs(value) < 2 ** 24)
  ) {
    return 'llama2c';
  }
  const isPickle = head[0] === 0x80 && head[1] <= 5;
  throw new ModelError({
    code: 'unknown-weights',
    message: isPickle
      ? `${path} is of PyTorch before 1.6, whose files are not read.`
      : `${path} is in no format that is known: safetensors, PyTorch's zip archives (.ckpt, .bin), llama2.c.`,
    hint: isPickle
      ? 'Load it with a newer PyTorch and save it again, or use its safetensors.'
      : 'Check the file: a Git LFS pointer or a page of HTML in its place also does this.',
  });
}

function pointer(path: string): ModelError {
  const cause = gitLfsPointer(path);
  const { code, message, hint } = cause;
  return new ModelError({ code, message, hint, cause });
}

function configBeside(file: string): Source['config'] {
  const path = join(dirname(file), 'config.json');
  if (basename(file) === 'config.json') return null;
  const broken = (why: string, cause?: unknown) =>
    new ModelError({
      code: 'bad-config',
      message: `${path} cannot be used: ${why}.`,
      hint: 'Get it again, or move it away and give flags instead (--family, --heads).',
      cause,
    });
  let json: unknown;
  try {
    json = parseStrictJson(readSmallFile(path, MOST_BYTES.configuration));
  } catch (cause) {
    if (cause instanceof FileError && cause.code === 'no-such-file') return null;
    if (cause instanceof UnfitFile) throw broken(cause.why, cause);
    if (!(cause instanceof SyntaxError)) throw cause;
    throw broken(`it is not valid JSON (${(cause as Error).message})`, cause);
  }
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw broken('it is no JSON object');
  return { path, json: json as Record<string, unknown> };
}
