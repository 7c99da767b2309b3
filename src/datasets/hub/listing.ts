/**
 * Asks the hub, through its own client, for the commit of a branch and for the files of a folder with sizes and hashes.
 * The client uses our requests: its own send the token to whatever address an answer names for the next page, and
 * follow any redirect. Everything the hub says about a file is validated; a path that leaves its folder is refused.
 */
import { DataError, DuoEvalError } from '../../errors.js';
import { BUDGET } from '../budget.js';
import { endlessListing, strange } from './failures.js';
import type { HubLocation } from './locations.js';
import { type HubConnection, hubRequest, retry } from './request.js';

/** The kind of a repository. */
export type RepoKind = 'dataset' | 'model';

export interface HubFile {
  /** Path in the repository, with forward slashes. */
  path: string;
  bytes: number;
  /** SHA-256 of a file that the hub keeps outside git, else null. */
  sha256: string | null;
  /** Hash of the file as a git blob, where `sha256` is null. */
  gitBlob: string | null;
}

/** The commit that a branch, tag or commit names. @throws DataError, InterruptedError */
export async function hubCommit(
  connection: HubConnection,
  repo: string,
  revision: string,
  kind: RepoKind = 'dataset',
): Promise<string> {
  const { datasetInfo, modelInfo } = await import('@huggingface/hub');
  const { host } = connection.endpoint;
  const params = {
    name: repo,
    revision,
    additionalFields: ['sha' as const],
    hubUrl: connection.endpoint.url,
    fetch: fetchThrough(connection, `the revision ${revision} of ${repo}`),
  };
  const info: { sha?: unknown } = await translateErrors(host, () =>
    kind === 'dataset' ? datasetInfo(params) : modelInfo(params),
  );
  if (typeof info.sha !== 'string' || !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(info.sha)) {
    throw strange(host, `it names no commit for ${repo}`);
  }
  return info.sha;
}

/**
 * The files of a model's repository: those directly in one folder (by default the root), or all.
 * @throws DataError, InterruptedError
 */
export async function hubModelFiles(
  connection: HubConnection,
  repo: string,
  commit: string,
  { folder, recursive = false }: { folder?: string; recursive?: boolean } = {},
): Promise<HubFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const { host, url } = connection.endpoint;
  const found: HubFile[] = [];
  await translateErrors(host, async () => {
    const entries = listFiles({
      repo: { type: 'model', name: repo },
      revision: commit,
      path: folder,
      recursive,
      hubUrl: url,
      fetch: fetchThrough(connection, `the files of ${repo}`),
    });
    for await (const entry of entries) {
      const path = safePath(entry.path, host);
      if (found.length >= BUDGET.listedFiles) throw strange(host, 'it lists files without end');
      if (entry.type === 'file' && entry.size > 0) found.push(describedFile(entry, path, host));
    }
  });
  return found;
}

/** All files of a data set's split, sorted by name. @throws DataError, InterruptedError */
export async function hubFiles(
  connection: HubConnection,
  { repo, folder, files }: HubLocation,
  commit: string,
): Promise<HubFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const { host, url } = connection.endpoint;
  const found: HubFile[] = [];
  const others: string[] = [];
  await translateErrors(host, async () => {
    const entries = listFiles({
      repo: { type: 'dataset', name: repo },
      revision: commit,
      path: folder,
      recursive: true,
      hubUrl: url,
      fetch: fetchThrough(connection, `the folder ${folder} of ${repo}`),
    });
    for await (const entry of entries) {
      const path = safePath(entry.path, host);
      if (found.length + others.length >= BUDGET.listedFiles)
        throw strange(host, 'it lists files without end');
      const name = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : '';
      if (entry.type === 'file' && files.test(name)) found.push(describedFile(entry, path, host));
      else others.push(name);
    }
  });
  found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  checkComplete(repo, folder, found, others);
  return found;
}

/** @throws DataError for a path that could leave the repository's root */
export function safePath(path: unknown, host: string): string {
  const parts = typeof path === 'string' ? path.split('/') : [''];
  const leads = parts.every(
    (part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\0-\x1f]/.test(part),
  );
  if (leads) return path as string;
  throw new DataError({
    code: 'unsafe-file-name',
    message: `${host} lists a file named ${JSON.stringify(path)}, which leads out of its folder.`,
    hint: 'Nothing of it was fetched. Check HF_ENDPOINT: no sound data set has such a file.',
  });
}

function describedFile(
  { size, oid, lfs }: { size: number; oid?: string; lfs?: { oid: string; size: number } },
  path: string,
  host: string,
): HubFile {
  const bytes = lfs ? lfs.size : size;
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw strange(host, `it says ${path} has ${bytes} bytes`);
  if (lfs && /^[0-9a-f]{64}$/.test(lfs.oid)) return { path, bytes, sha256: lfs.oid, gitBlob: null };
  if (!lfs && oid && /^[0-9a-f]{40}$/.test(oid)) return { path, bytes, sha256: null, gitBlob: oid };
  throw strange(host, `it names no hash of ${path}`);
}

/** Checks that no shard is missing and that the conversion was not cut short. */
function checkComplete(repo: string, folder: string, found: HubFile[], others: string[]): void {
  const declared = found.map(({ path }) => Number(/-of-(\d+)\.[a-z]+$/.exec(path)?.[1] ?? found.length));
  const numbers = found.map(({ path }) => Number(/(\d+)(-of-\d+)?\.[a-z]+$/.exec(path)?.[1] ?? 0));
  const isWhole =
    declared.every((count) => count === found.length) && numbers.every((number, i) => number === i);
  if (found.length > 0 && isWhole) return;
  const isPartial = others.some((name) => name.startsWith('partial-'));
  const what = isPartial
    ? 'only a part of the split'
    : found.length > 0
      ? 'not all parts of the split'
      : 'no such split';
  throw new DataError({
    code: 'hub-data-missing',
    message: `The hub has ${what} in the folder ${folder} of ${repo}.`,
    hint: 'Get the file from its publisher and register it: duo-eval datasets add name=path',
  });
}

/** Turns what the client throws into our errors. */
async function translateErrors<T>(host: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof DuoEvalError) throw error;
    throw strange(host, 'it is not of the form that was expected', error);
  }
}

/** A `fetch` for the client: makes one of our requests and reads its whole answer. */
function fetchThrough(connection: HubConnection, what: string): typeof fetch {
  const { host } = connection.endpoint;
  const bounded = { ...connection, signal: endsWithin(connection) };
  let pages = 0;
  return (input, init = {}) =>
    retry(bounded, async () => {
      if (++pages > BUDGET.answerPages) throw strange(host, 'it has pages without end');
      const answer = await hubRequest(bounded, {
        url: input instanceof Request ? input.url : String(input),
        what,
        method: init.method,
        headers: { accept: 'application/json' },
        body: typeof init.body === 'string' ? init.body : undefined,
      });
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.bytes()) {
        bytes += chunk.length;
        if (bytes > BUDGET.answer) throw strange(host, 'it is far larger than a list of files');
        chunks.push(chunk);
      }
      const headers: Record<string, string> = { 'content-type': 'application/json' };
      const link = answer.headers.get('link');
      if (link !== null) headers.link = link;
      return new Response(Buffer.concat(chunks), { status: answer.status, headers });
    });
}

/** The connection's signal, combined with one that ends a list that takes too long, page after page. */
function endsWithin({ endpoint: { host }, timeoutMs, signal }: HubConnection): AbortSignal {
  const most = BUDGET.listingSilences * timeoutMs;
  const limit = new AbortController();
  setTimeout(() => limit.abort(endlessListing(host, most / 1000)), most).unref();
  return signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
}
