/**
 * A hub on this machine that misbehaves: it trickles, falls silent, sends without end, lies in its listing, leads elsewhere,
 * asks to wait. A model is fetched from it as `hf:owner/name` is. It must end soon; it ends well only with the files as listed, and the token
 * goes nowhere else.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect } from '../broken.mjs';

const weights = readFileSync(
  fileURLToPath(new URL('../../test/models/importers/files/gpt2.safetensors', import.meta.url)),
);
const configuration = Buffer.from(
  JSON.stringify({ model_type: 'gpt2', n_embd: 12, n_head: 3, n_layer: 2, vocab_size: 13, n_positions: 16 }),
);
const whole = { 'config.json': configuration, 'model.safetensors': weights };
const COMMIT = 'c0ffee'.repeat(7).slice(0, 40);
const REPO = 'owner/name';
const TOKEN = 'hf_secret';
const TIMEOUT_MS = 300;

const hash = (name, ...bytes) => bytes.reduce((sum, one) => sum.update(one), createHash(name)).digest('hex');
const entryOf = (path, content) => ({
  type: 'file',
  path,
  size: content.length,
  oid: hash('sha1', `blob ${content.length}\0`, content),
});

/** 256 MiB, packed once: the server's time is not the client's. */
let packed;
function bomb() {
  packed ??= gzipSync(Buffer.alloc(2 ** 28, 0x20));
  return packed;
}

/** What a server may do in place of an answer of `bytes`; `sound` says whether the answer is right in the end. */
const behaviours = {
  'trickles a byte at a time': { sound: false, answer: (response, bytes) => trickle(response, bytes, 1, 50) },
  'trickles small pieces': { sound: false, answer: (response, bytes) => trickle(response, bytes, 16, 100) },
  'trickles its headers': {
    sound: false,
    answer(response) {
      const { socket } = response;
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write(`x-${Math.random()}: 1\r\n`, () => {}), 50);
      socket.on('close', () => clearInterval(timer));
    },
  },
  'falls silent': { sound: false, answer: () => {} },
  'falls silent half way': {
    sound: false,
    answer(response, bytes) {
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, bytes.length >> 1));
    },
  },
  'hangs up': { sound: false, answer: (response) => response.destroy() },
  'hangs up half way, each time': {
    sound: false,
    answer(response, bytes) {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
    },
  },
  'sends without end': {
    sound: false,
    answer(response) {
      const chunk = Buffer.alloc(2 ** 16, 0x20);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    },
  },
  'sends one byte more': {
    sound: false,
    answer: (response, bytes) => response.writeHead(200).end(Buffer.concat([bytes, Buffer.of(0)])),
  },
  'sends other bytes': {
    sound: false,
    answer: (response, bytes) => response.writeHead(200).end(Buffer.from(bytes).reverse()),
  },
  'sends nothing': { sound: false, answer: (response) => response.writeHead(200).end() },
  'packs what it sends': {
    sound: 'perhaps',
    answer: (response, bytes) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)),
  },
  'sends a bomb': {
    sound: false,
    answer: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb()),
  },
  'asks to wait for an hour': {
    sound: false,
    answer: (response) => response.writeHead(429, { 'retry-after': '3600' }).end('later'),
  },
  'asks to wait for ever': {
    sound: false,
    answer: (response) => response.writeHead(503, { 'retry-after': '1e999' }).end('later'),
  },
  'has a fault': {
    sound: false,
    answer: (response) => response.writeHead(500).end('\u001b[31m\n::error::no'),
  },
  refuses: { sound: false, answer: (response) => response.writeHead(403).end('no') },
  'leads in a circle': {
    sound: false,
    answer: (response, _b, url) => response.writeHead(302, { location: url }).end(),
  },
  'leads to a file': {
    sound: false,
    answer: (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  },
  'leads elsewhere': { sound: false, elsewhere: true },
  'answers with a page': {
    sound: false,
    answer: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html>'),
  },
  'answers with deep brackets': {
    sound: false,
    answer: (response) => response.writeHead(200).end('['.repeat(1e6)),
  },
  'answers as it should': { sound: true },
};

/** What a listing may say of its files. */
const listings = {
  honest: (entries) => entries,
  'a name that leads out': (entries) => [...entries, { ...entries[0], path: '../../outside.json' }],
  'a name from the root': (entries) => [...entries, { ...entries[0], path: '/outside.json' }],
  'a name with a line break': (entries) => [...entries, { ...entries[0], path: 'a\n::error::b' }],
  'a size of 2^60': (entries) => entries.map((entry) => ({ ...entry, size: 2 ** 60 })),
  'a negative size': (entries) => entries.map((entry) => ({ ...entry, size: -1 })),
  'a size that is text': (entries) => entries.map((entry) => ({ ...entry, size: 'large' })),
  'a name twice': (entries) => [...entries, ...entries],
  'no hashes': (entries) => entries.map(({ oid, ...entry }) => entry),
  'another hash': (entries) => entries.map((entry) => ({ ...entry, oid: '0'.repeat(40) })),
  'twenty thousand files': (entries) => [
    ...entries,
    ...Array.from({ length: 20_000 }, (_, i) => ({ ...entries[0], path: `x${i}` })),
  ],
  nothing: () => [],
  'no list': () => ({ no: 'list' }),
};

function trickle(response, bytes, size, ms) {
  response.writeHead(200, { 'content-length': Math.max(bytes.length, 4000) });
  let at = 0;
  const timer = setInterval(() => {
    response.write(at < bytes.length ? bytes.subarray(at, at + size) : Buffer.of(0x20));
    at += size;
  }, ms);
  response.on('close', () => clearInterval(timer));
}

export const hubs = ({ program }) => ({
  begin: () => void bomb(),
  /** Waits are what is looked for: seconds, not processor time. */
  longestMs: 10_000,
  prepare(random, folder) {
    const how = random.chance(0.1) ? 'answers as it should' : random.of(Object.keys(behaviours));
    const at = random.of(['revision', 'listing', 'config.json', 'model.safetensors']);
    const listing = random.chance(0.4) ? random.of(Object.keys(listings)) : 'honest';
    const { sound, answer, elsewhere } = behaviours[how];
    return {
      how: `${how} at ${at}; ${listing} listing`,
      async read() {
        const tokens = { here: 0, there: 0 };
        let other;
        const there = createServer((request, response) => {
          if (request.headers.authorization) tokens.there++;
          response.writeHead(200).end('elsewhere');
        });
        const server = createServer((request, response) => {
          if (request.headers.authorization) tokens.here++;
          const asked = askedFor(request.url, listings[listing]);
          if (!asked) return response.writeHead(404).end();
          response.on('error', () => {});
          if (asked.name !== at || sound === true)
            return response.writeHead(200, { 'content-type': asked.type }).end(asked.bytes);
          if (elsewhere) return response.writeHead(302, { location: other }).end();
          return answer(response, asked.bytes, request.url);
        });
        await Promise.all(
          [server, there].map((one) => new Promise((resolve) => one.listen(0, '127.0.0.1', () => resolve()))),
        );
        other = `http://localhost:${there.address().port}/`;
        const url = `http://127.0.0.1:${server.address().port}`;
        try {
          const { hubModel } = await import(`${program}/models/importers/hub-model.js`);
          const endpoint = { url, host: new URL(url).host, token: TOKEN };
          const connection = { endpoint, timeoutMs: TIMEOUT_MS, pausesMs: [20, 40] };
          const name = { repo: REPO, revision: 'main' };
          const { record, path } = await hubModel(name, { connection, cacheFolder: join(folder, 'cache') });
          expect(sound, 'a hub that misbehaves was believed');
          expect(existsSync(path), 'there is no model');
          for (const { path: file, sha256 } of record.files)
            expect(sha256 === hash('sha256', whole[file]), `${file} has other bytes than were listed`);
        } finally {
          for (const one of [server, there]) {
            one.closeAllConnections();
            one.close();
          }
          expect(tokens.there === 0, 'the token went elsewhere');
          expect(!existsSync(join(folder, 'outside.json')), 'a file was written outside its folder');
        }
      },
    };
  },
});

function askedFor(url, listed) {
  const path = decodeURIComponent(url.split('?')[0]);
  const json = (name, value) => ({
    name,
    type: 'application/json',
    bytes: Buffer.from(JSON.stringify(value)),
  });
  if (path.includes('/revision/'))
    return json('revision', { _id: 'x', id: REPO, sha: COMMIT, lastModified: '2024-01-01T00:00:00.000Z' });
  if (path.includes('/tree/'))
    return json('listing', listed(Object.entries(whole).map(([file, content]) => entryOf(file, content))));
  const name = Object.keys(whole).find((file) => path.endsWith(`/${file}`));
  return name ? { name, type: 'application/octet-stream', bytes: whole[name] } : null;
}
