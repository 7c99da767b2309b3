/**
 * A hub on 127.0.0.1 that speaks as much of the hub's interface as is used: a revision, a folder's files, and their bytes
 * (large files by redirect to a second server, as the hub does). A test changes what it does by setting `answer`, which
 * sees every request first. All requests are kept, with their headers.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterUse } from './after-use.js';

export interface HubFileContent {
  path: string;
  content: Buffer;
  /** Kept outside git, with a SHA-256 and a redirect to the store. */
  isLarge?: boolean;
  /** What the listing says instead of the truth. */
  listed?: Record<string, unknown>;
}

export interface Asked {
  server: 'hub' | 'store';
  method: string;
  url: string;
  token: string | null;
  range: string | null;
}

type Answer = (request: IncomingMessage, response: ServerResponse, server: 'hub' | 'store') => boolean;

export interface LocalHub {
  url: string;
  storeUrl: string;
  asked: Asked[];
  /** Returns true when it has answered. */
  answer: Answer;
  repos: Map<string, { commit: string; files: HubFileContent[] }>;
  /** One repository with its files, in place of what was there. */
  put(repo: string, files: HubFileContent[], commit?: string): string;
}

export const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');
const gitBlob = (content: Buffer) =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

export async function localHub(): Promise<LocalHub> {
  const hub: LocalHub = {
    url: '',
    storeUrl: '',
    asked: [],
    answer: () => false,
    repos: new Map(),
    put(repo, files, commit = sha256(files.map(({ content }) => sha256(content)).join()).slice(0, 40)) {
      hub.repos.set(repo, { commit, files });
      return commit;
    },
  };
  const listen = async (
    name: 'hub' | 'store',
    serve: (url: URL, request: IncomingMessage, response: ServerResponse) => void,
  ) => {
    const server = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      hub.asked.push({
        server: name,
        method,
        url,
        token: headers.authorization ?? null,
        range: headers.range ?? null,
      });
      if (!hub.answer(request, response, name)) serve(new URL(url, 'http://hub'), request, response);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    afterUse(() => closed(server));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  hub.storeUrl = await listen('store', (url, request, response) => {
    const files = [...hub.repos.values()].flatMap((repo) => repo.files);
    const file = files.find(({ content }) => `/${sha256(content)}` === url.pathname);
    if (file) sendBytes(request, response, file.content);
    else response.writeHead(404).end();
  });
  hub.url = await listen('hub', (url, request, response) => serveHub(hub, url, request, response));
  return hub;
}

function serveHub(hub: LocalHub, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(url.pathname);
  for (const [repo, { commit, files }] of hub.repos) {
    const [datasets, root] = ['datasets', 'models'].map((kind) => `/api/${kind}/${repo}/tree/${commit}`);
    const tree = path.startsWith(root) ? root : datasets;
    const resolve = [`/datasets/${repo}/resolve/${commit}/`, `/${repo}/resolve/${commit}/`];
    const isRoot = path === root || path === `${root}/`;
    const folder = isRoot ? '' : path.startsWith(`${tree}/`) ? path.slice(tree.length + 1) : null;
    const below = files.filter((each) => isRoot || each.path.startsWith(`${folder}/`) || each.listed);
    // Of a folder alone, those of its folders are not listed: they are, as folders.
    const start = isRoot ? 0 : (folder?.length ?? 0) + 1;
    const isDeep = (each: HubFileContent) => !each.listed && each.path.slice(start).includes('/');
    const whole = url.searchParams.get('recursive') === 'true';
    const listed = whole ? below : below.filter((each) => !isDeep(each));
    const folders = whole ? [] : below.filter(isDeep).map(({ path: p }) => p.slice(0, p.indexOf('/', start)));
    const directories = [...new Set(folders)].map((name) => ({
      type: 'directory',
      path: name,
      size: 0,
      oid: '0'.repeat(40),
    }));
    const file = files.find((each) => resolve.some((start) => start + each.path === path));
    if (/^\/api\/(datasets|models)\//.test(path) && path.includes(`/${repo}/revision/`)) {
      sendJson(response, { _id: 'x', id: repo, sha: commit, lastModified: '2024-01-01T00:00:00.000Z' });
    } else if (folder !== null && below.length > 0) {
      sendJson(response, [...directories, ...listed.map(entryOf)]);
    } else if (file?.isLarge) {
      response
        .writeHead(302, { location: `${hub.storeUrl}/${sha256(file.content)}?X-Signature=secret` })
        .end();
    } else if (file) {
      sendBytes(request, response, file.content);
    } else {
      continue;
    }
    return;
  }
  response.writeHead(404, { 'content-type': 'application/json', 'x-error-code': 'EntryNotFound' });
  response.end(JSON.stringify({ error: 'Entry not found' }));
}

function entryOf({ path, content, isLarge, listed }: HubFileContent): object {
  const lfs = { oid: sha256(content), size: content.length, pointerSize: 134 };
  return {
    type: 'file',
    path,
    size: content.length,
    oid: gitBlob(content),
    ...(isLarge && { lfs }),
    ...listed,
  };
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** With ranges, as both the hub and its store answer them. */
export function sendBytes(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
  if (Number.isNaN(start)) {
    response.writeHead(200, { 'content-length': content.length }).end(content);
    return;
  }
  const range = `bytes ${start}-${content.length - 1}/${content.length}`;
  response.writeHead(206, { 'content-length': content.length - start, 'content-range': range });
  response.end(content.subarray(start));
}

/**
 * Announces all of it, sends some bytes, and hangs up once they have arrived: what is on its way when a connection
 * breaks is lost, and how much that is would be a matter of luck.
 */
export function sendCut(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  { bytes, arrived }: { bytes: number; arrived: (end: number) => boolean },
): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const headers = { 'content-length': content.length - start };
  const range = `bytes ${start}-${content.length - 1}/${content.length}`;
  response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...headers, 'content-range': range } : headers);
  response.write(content.subarray(start, start + bytes));
  const timer = setInterval(() => {
    if (bytes > 0 && !arrived(start + bytes)) return;
    clearInterval(timer);
    response.destroy();
  }, 5);
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => {
    server.close(() => done());
  });
}
