import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchedDataset } from '../../src/datasets/fetched-datasets.js';
import { partialPath } from '../../src/datasets/hub/download.js';
import { InterruptedError } from '../../src/errors.js';
import { sendBytes, sendCut, sha256 } from '../support/hub.js';
import { fetching, PTB, PTB_FILE } from './fetching.js';

const { hub, fetch, kept, cachePath, connection } = await fetching();
/** Long enough that a cut leaves something. */
const content = randomBytes(300_000);
const isFile = (url = '') => url.includes(sha256(content)) || url.includes('/resolve/');
const partial = () =>
  partialPath({
    repo: PTB,
    commit: '',
    ending: '.parquet',
    folder: cachePath('datasets', 'ptb'),
    file: { path: PTB_FILE, bytes: content.length, sha256: sha256(content), gitBlob: null },
  });
const arrived = (bytes: number) => existsSync(partial()) && statSync(partial()).size >= bytes;
const ranges = () => hub.asked.filter(({ server }) => server === 'store').map(({ range }) => range);

/** The file is in place, whole, and nothing else is. */
function expectWhole(): void {
  expect(kept('ptb')).toEqual([`${sha256(content)}.parquet`, 'record.json'].sort());
  expect(readFileSync(cachePath('datasets', 'ptb', `${sha256(content)}.parquet`)).equals(content)).toBe(true);
}

/** What arrived waits under a name that nothing reads. */
async function expectNothingWhole(): Promise<void> {
  expect(kept('ptb').filter((name) => !name.endsWith('.part'))).toEqual([]);
  expect(await fetchedDataset('ptb')).toBeNull();
}

describe('a transfer that breaks', () => {
  it('goes on where it stopped, as long as bytes come', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    let cuts = 0;
    hub.answer = (request, response, server) => {
      if (server !== 'store' || cuts++ >= 4) return false;
      sendCut(request, response, content, { bytes: 50_000, arrived });
      return true;
    };
    await fetch('ptb');
    expect(ranges()).toEqual([null, ...[1, 2, 3, 4].map((cut) => `bytes=${cut * 50_000}-`)]);
    expectWhole();
  });

  it('is given up when nothing comes, and taken up by the next run', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    let first = true;
    hub.answer = (request, response, server) => {
      if (server !== 'store') return false;
      sendCut(request, response, content, { bytes: first ? 120_000 : 0, arrived });
      first = false;
      return true;
    };
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'hub-connection-lost', exitCode: 4 });
    await expectNothingWhole();
    hub.answer = () => false;
    hub.asked.length = 0;
    await fetch('ptb');
    expect(ranges()).toEqual(['bytes=120000-']);
    expectWhole();
  });

  it('is seen when the answer is short but calls itself complete', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    hub.answer = (_request, response, server) => {
      if (server === 'store') response.end(content.subarray(0, 1000));
      return server === 'store';
    };
    await expect(fetch('ptb')).rejects.toMatchObject({
      code: 'hub-truncated',
      message: expect.stringContaining(`1000 of the ${content.length} bytes`),
    });
    await expectNothingWhole();
  });

  it('starts over where the server knows no ranges', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    mkdirSync(dirname(partial()), { recursive: true });
    writeFileSync(partial(), content.subarray(0, 1000));
    hub.answer = (_request, response, server) => {
      if (server === 'store') response.end(content);
      return server === 'store';
    };
    await fetch('ptb');
    expect(ranges()).toEqual(['bytes=1000-']);
    expectWhole();
  });

  it.each([
    ['a longer part than the file', Buffer.concat([content, content])],
    ['a damaged part', Buffer.alloc(1000)],
    ['damaged bytes of the right number', Buffer.alloc(content.length)],
  ])('starts over from %s', async (_what, left) => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    mkdirSync(dirname(partial()), { recursive: true });
    writeFileSync(partial(), left);
    await fetch('ptb');
    expectWhole();
  });

  it('refuses another part than the one it asked for', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    mkdirSync(dirname(partial()), { recursive: true });
    writeFileSync(partial(), content.subarray(0, 1000));
    hub.answer = (_request, response, server) => {
      if (server !== 'store') return false;
      response.writeHead(206, { 'content-range': `bytes 0-${content.length - 1}/${content.length}` });
      response.end(content);
      return true;
    };
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'hub-answer' });
    await expectNothingWhole();
  });
});

describe('a hub in trouble', () => {
  it('is asked again after a 503, at every stage', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    const failed = new Set<string>();
    hub.answer = (request, response) => {
      const isFirst = !failed.has(request.url ?? '');
      failed.add(request.url ?? '');
      if (isFirst) response.writeHead(503).end('busy');
      return isFirst;
    };
    await fetch('ptb');
    expect(failed.size).toBe(4);
    expectWhole();
  });

  it.each([
    [500, 'hub-failed', 'status 500'],
    [401, 'hub-access-denied', 'anyone without a token'],
    [403, 'hub-access-denied', 'status 403'],
    [404, 'hub-not-found', 'status 404'],
    [418, 'hub-failed', 'status 418'],
  ])('that answers %i is a sentence, for the listing and for the file', async (status, code, says) => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    for (const matches of [(url: string) => url.startsWith('/api/'), isFile]) {
      hub.answer = (request, response) => {
        if (!matches(request.url ?? '')) return false;
        response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"a secret"}');
        return true;
      };
      const failure = await fetch('ptb').catch((error) => error);
      expect(failure).toMatchObject({ code, exitCode: 4, message: expect.stringContaining(says) });
      expect(failure.message).not.toContain('secret');
      await expectNothingWhole();
    }
  });

  it('that hangs is given up, before its answer and within it', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    const hangs: ((url: string) => boolean)[] = [(url) => url.startsWith('/api/'), isFile];
    for (const matches of hangs) {
      hub.answer = (request) => matches(request.url ?? '');
      const quick = connection({ timeoutMs: 200 });
      await expect(fetch('ptb', { connection: quick })).rejects.toMatchObject({
        code: 'hub-timeout',
        message: expect.stringMatching(/^127\.0\.0\.1:\d+ sent nothing for 0\.2 seconds\.$/),
      });
    }
    hub.answer = (_request, response, server) => {
      if (server !== 'store') return false;
      response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
      return true;
    };
    await expect(fetch('ptb', { connection: connection({ timeoutMs: 200 }) })).rejects.toMatchObject({
      code: 'hub-timeout',
    });
    await expectNothingWhole();
  });

  it('that is not there is a sentence', async () => {
    for (const [host, reason] of [
      [await closedPort(), 'ECONNREFUSED'],
      ['127.0.0.1:1', 'bad port'],
    ]) {
      const endpoint = { url: `http://${host}`, host, token: null };
      await expect(fetch('ptb', { connection: connection({ endpoint }) })).rejects.toMatchObject({
        code: 'hub-unreachable',
        message: `${host} cannot be reached (${reason}).`,
        hint: expect.stringContaining('HF_ENDPOINT'),
      });
    }
  });
});

async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return `127.0.0.1:${port}`;
}

describe('on this side', () => {
  it('an interruption keeps what came', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    const controller = new AbortController();
    const reason = new InterruptedError({ code: 'interrupted', message: 'Interrupted.' });
    hub.answer = (_request, response, server) => {
      if (server !== 'store') return false;
      response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
      return true;
    };
    const interrupted = fetch('ptb', {
      connection: connection({ signal: controller.signal }),
      onProgress: () => controller.abort(reason),
    });
    await expect(interrupted).rejects.toBe(reason);
    expect(readFileSync(partial())).toHaveLength(1000);
    hub.answer = () => false;
    await fetch('ptb');
    expect(ranges().at(-1)).toBe('bytes=1000-');
    expectWhole();
  });

  it.skipIf(process.platform !== 'linux')('a full disk is a file error', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    mkdirSync(dirname(partial()), { recursive: true });
    symlinkSync('/dev/full', partial());
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'disk-full', exitCode: 6 });
  });

  it('a file larger than the disk is refused before it is asked for', async () => {
    const bytes = 2 ** 52;
    const lfs = { oid: sha256(content), size: bytes, pointerSize: 134 };
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true, listed: { size: bytes, lfs } }]);
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'disk-full', exitCode: 6 });
    expect(ranges()).toEqual([]);
  });

  it('a cache that is a file is a file error', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content }]);
    writeFileSync(cachePath(), 'x');
    await expect(fetch('ptb')).rejects.toMatchObject({ exitCode: 6 });
  });

  it('a second fetch of the same is told to wait', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content, isLarge: true }]);
    let second: Promise<unknown> | undefined;
    hub.answer = (request, response, server) => {
      if (server !== 'store') return false;
      second ??= fetch('ptb').then(
        () => null,
        (error) => error,
      );
      void second.then(() => sendBytes(request, response, content));
      return true;
    };
    await fetch('ptb');
    expect(await second).toMatchObject({ code: 'in-use', exitCode: 76 });
    expectWhole();
  });
});
