/**
 * Where the converted models of the hub lie in the cache, by the name they were asked for: `hf:owner/name`, perhaps with
 * `@revision`. Looking only; what fetches is in hub-model.ts.
 */
import { basename, join } from 'node:path';
import { z } from 'zod';
import { ModelError, UsageError } from '../../errors.js';
import { cacheEntryPath } from '../../storage/cache-entry.js';
import { cacheFolder } from '../../storage/folders.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import { parseStrictJson } from '../../strict-json.js';

export const MODELS_ROOM = 'models';
/** Bump when the same weights are converted to other bytes. */
const VERSION = 1;

export interface HubModelName {
  repo: string;
  /** Branch, tag or commit. */
  revision: string;
}

export interface HubModelRecord {
  repo: string;
  /** The commit. */
  revision: string;
  files: { path: string; bytes: number; sha256: string }[];
  /** Where its tokenizer is from, when from another repository. */
  tokenizer?: { repo: string; revision: string };
}

const recordSchema = z.object({
  repo: z.string(),
  revision: z.string().regex(/^[0-9a-f]{40,64}$/),
  files: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
  tokenizer: z.object({ repo: z.string(), revision: z.string() }).optional(),
});

/** `hf:owner/name` or `hf:owner/name@revision`; null for anything else. @throws UsageError for what begins so and is none */
export function parseHubModel(spec: string): HubModelName | null {
  if (!spec.startsWith('hf:')) return null;
  const match = /^hf:([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w][\w./-]*))?$/.exec(spec);
  if (match && !match[0].includes('..')) return { repo: match[1], revision: match[2] ?? 'main' };
  throw new UsageError({
    code: 'bad-hub-model',
    message: `"${spec}" names no model of the hub.`,
    hint: 'It is hf:owner/name, or hf:owner/name@revision: for example hf:s-sahoo/duo',
  });
}

/** Folder of a converted model, and the model in it. */
export function modelEntry(name: HubModelName, cache = cacheFolder()): { folder: string; path: string } {
  const folder = cacheEntryPath(MODELS_ROOM, { ...name, version: VERSION }, '', cache);
  return { folder, path: join(folder, `${basename(name.repo)}.onnx`) };
}

/** What an entry of the cache says it is; null where it is not whole. */
export function recordAt(folder: string): HubModelRecord | null {
  try {
    return recordSchema.parse(
      parseStrictJson(readSmallFile(join(folder, 'record.json'), MOST_BYTES.configuration)),
    );
  } catch {
    return null;
  }
}

/** A model that was fetched: its file, and what it is called in results. @throws ModelError `model-not-fetched`, UsageError */
export function fetchedHubModel(spec: string): { path: string; name: string; shownAs: string } {
  const name = parseHubModel(spec)!;
  const { folder, path } = modelEntry(name);
  const record = recordAt(folder);
  if (record) return { path, name: basename(name.repo), shownAs: `hf:${record.repo}@${record.revision}` };
  throw new ModelError({
    code: 'model-not-fetched',
    message: `${spec} is not in the cache.`,
    hint: `Fetch and convert it: duo-eval convert ${spec} --out ${basename(name.repo)}.onnx`,
  });
}
