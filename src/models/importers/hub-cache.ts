/**
 * Where the hub's models lie in the cache, by the requested name: `hf:owner/name`, converted, or
 * `hf:owner/name/onnx/model.onnx` or `hf:owner/name:q4`, unchanged; optionally with `@revision`. This file only looks;
 * hub-model.ts fetches.
 */
import { basename, join } from 'node:path';
import { z } from 'zod';
import { ModelError, UsageError } from '../../errors.js';
import { cacheEntryPath } from '../../storage/cache-entry.js';
import {
  type CacheItem,
  type CacheRoom,
  namesIn,
  sizeAndTime,
  unfinishedWrites,
} from '../../storage/cache-inventory.js';
import { cacheFolder } from '../../storage/folders.js';
import { isLocked } from '../../storage/lock.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import { parseStrictJson } from '../../strict-json.js';

export const MODELS_ROOM = 'models';
/** Raise this when the same weights are converted to other bytes. */
const VERSION = 1;

export interface HubModelName {
  repo: string;
  /** A file of the repository: ONNX, used unchanged, or .safetensors, converted. Without one, the repository's weights are converted. */
  file?: string;
  /** An ONNX file by what its name ends with: `q4` for onnx/model_q4.onnx. */
  variant?: string;
  /** Branch, tag or commit. */
  revision: string;
}

export interface HubModelRecord {
  repo: string;
  /** The commit. */
  revision: string;
  files: { path: string; bytes: number; sha256: string }[];
  /** Source of the tokenizer, if it is another repository. */
  tokenizer?: { repo: string; revision: string };
}

const recordSchema = z.object({
  repo: z.string(),
  revision: z.string().regex(/^[0-9a-f]{40,64}$/),
  files: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
  tokenizer: z.object({ repo: z.string(), revision: z.string() }).optional(),
});

/** Parses `hf:owner/name`, `hf:owner/name:variant` or `hf:owner/name/path/to/file.onnx`, each with `@revision`; null for anything else.
 *  @throws UsageError for a malformed name that begins with `hf:` */
export function parseHubModel(spec: string): HubModelName | null {
  if (!spec.startsWith('hf:')) return null;
  const match =
    /^hf:([\w-][\w.-]*\/[\w-][\w.-]*)(?:\/((?:[\w-][\w.-]*\/)*[\w-][\w.-]*\.(?:onnx|safetensors))|:(\w+))?(?:@([\w][\w./-]*))?$/.exec(
      spec,
    );
  if (match && !match[0].includes('..')) {
    const [, repo, file, variant, revision = 'main'] = match;
    return { repo, ...(file && { file }), ...(variant && { variant }), revision };
  }
  throw new UsageError({
    code: 'bad-hub-model',
    message: `"${spec}" names no model of the hub.`,
    hint: 'It is hf:owner/name, hf:owner/name/onnx/model.onnx for an ONNX file, or hf:owner/name:q4 for one whose name ends so, each with @revision: for example hf:s-sahoo/duo',
  });
}

/** Folder of a model in the cache, and the path of a converted model in it. */
export function modelEntry(name: HubModelName, cache = cacheFolder()): { folder: string; path: string } {
  const folder = cacheEntryPath(MODELS_ROOM, { ...name, version: VERSION }, '', cache);
  return { folder, path: join(folder, `${basename(name.repo)}.onnx`) };
}

/** The model of an entry: the repository's own file where that is ONNX, else the converted one. */
export function modelOf(folder: string, { repo, files }: HubModelRecord): { path: string; file?: string } {
  const file = files.find(({ path }) => path.endsWith('.onnx'))?.path;
  return { path: join(folder, file ? basename(file) : `${basename(repo)}.onnx`), file };
}

/** Whether the file is used as it is. */
export const isOnnxFile = ({ file }: HubModelName): boolean => file?.endsWith('.onnx') ?? false;

/** The default name of a model: that of its repository, and of the file if that says more. */
function calledAs(repo: string, file: string | undefined): string {
  const stem = file && basename(file).replace(/\.(onnx|safetensors)$/, '');
  return stem && stem !== 'model' ? `${basename(repo)}-${stem}` : basename(repo);
}

/** The record of a cache entry; null if the entry is incomplete. */
export function recordAt(folder: string): HubModelRecord | null {
  try {
    return recordSchema.parse(
      parseStrictJson(readSmallFile(join(folder, 'record.json'), MOST_BYTES.configuration)),
    );
  } catch {
    return null;
  }
}

/** A fetched model: its file, and its name in results. @throws ModelError `model-not-fetched`, UsageError */
export function fetchedHubModel(spec: string): { path: string; name: string; shownAs: string } {
  const name = parseHubModel(spec)!; // the caller passes names that begin with hf:
  const { folder } = modelEntry(name);
  const record = recordAt(folder);
  if (record) {
    const { path, file = name.file } = modelOf(folder, record);
    const place = file === undefined ? '' : `/${file}`;
    const shownAs = `hf:${record.repo}${place}@${record.revision}`;
    return { path, name: calledAs(record.repo, file), shownAs };
  }
  throw new ModelError({
    code: 'model-not-fetched',
    message: `${spec} is not in the cache.`,
    hint: `Fetch it: duo-eval inspect ${spec}`,
  });
}

const ENTRY = /^([0-9a-f]{64})(\.(fetched|tokenizer))?$/;
const OURS =
  /^(record\.json|[\w.-]+\.(onnx|onnx[._]data(_\d+)?|card\.json|safetensors|safetensors\.index\.json)|(tokenizer|tokenizer_config|special_tokens_map|config)\.json|pytorch_model\.bin|[0-9a-f]{64}(\.part)?)$/;

/** Converted models of the hub, and remains of unfinished fetches, for `cache ls` and `cache clear`. */
export const modelsRoom: CacheRoom = {
  name: MODELS_ROOM,
  purpose: 'models of the hub, converted',
  async items(cache) {
    const room = join(cache, MODELS_ROOM);
    const found: CacheItem[] = await unfinishedWrites(MODELS_ROOM, cache);
    for (const name of await namesIn(room)) {
      const entry = ENTRY.exec(name);
      if (!entry) continue;
      const folder = join(room, name);
      found.push(...(await unfinishedWrites(MODELS_ROOM, cache, `${MODELS_ROOM}/${name}`)));
      const files = (await namesIn(folder)).filter((file) => OURS.test(file));
      // The record first: a model without one is not used.
      files.sort((a, b) => Number(b === 'record.json') - Number(a === 'record.json'));
      const paths = files.map((file) => join(folder, file));
      const facts = await sizeAndTime(paths);
      if (!facts) continue;
      const lock = join(room, entry[1]);
      const record = entry[2] ? null : recordAt(folder);
      const what = record ? `hf:${record.repo} at ${record.revision.slice(0, 12)}` : 'an unfinished fetch';
      const file = `${MODELS_ROOM}/${name}`;
      found.push({ room: MODELS_ROOM, file, what, ...facts, inUse: isLocked(lock), paths, folder, lock });
    }
    return found;
  },
};
