import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { patient } from '../support/patience.js';
import { fetching, PTB, PTB_FILE, sentences } from './fetching.js';

const { hub, fetch, kept, connection } = await fetching();

/** A byte every 20 ms, for as long as anybody listens. */
function trickle(response: ServerResponse, content: Uint8Array): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (sent < content.length) response.write(content.subarray(sent, ++sent));
    else response.end();
  }, 20);
  response.on('close', () => clearInterval(timer));
}

const put = () => hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]);
/** The error it ends with; null when it succeeds. */
const failureOf = (action: Promise<unknown>) =>
  action.then(
    () => null,
    (error) => error,
  );

describe('a hub that sends a byte now and then', () => {
  it('is given up as a silent one, while a file comes', async () => {
    put();
    hub.answer = (_request, response, server) => {
      if (server !== 'store') return false;
      response.writeHead(200, { 'content-length': sentences.length });
      trickle(response, sentences);
      return true;
    };
    const end = await failureOf(fetch('ptb', { connection: connection({ timeoutMs: 500 }) }));
    expect(end).toMatchObject({
      code: 'hub-timeout',
      exitCode: 4,
      message: expect.stringMatching(/ sent \d+ bytes in [\d.]+ seconds\.$/),
      hint: expect.stringContaining('--timeout'),
    });
    expect(kept('ptb').filter((name) => !name.endsWith('.part'))).toEqual([]);
  });

  it('is given up while it lists files', async () => {
    put();
    hub.answer = (request, response) => {
      if (!request.url?.includes('/tree/')) return false;
      response.writeHead(200, { 'content-type': 'application/json' });
      trickle(response, Buffer.alloc(10_000, ' '));
      return true;
    };
    const end = await failureOf(fetch('ptb', { connection: connection({ timeoutMs: 500 }) }));
    expect(end).toMatchObject({ code: 'hub-timeout', exitCode: 4 });
  });

  it('is given up when its pages come one by one for too long', async () => {
    const limit = patient(300);
    put();
    hub.answer = (request, response): boolean => {
      if (!request.url?.includes('/tree/')) return false;
      const link = `<${hub.url}${request.url.split('?')[0]}?cursor=${hub.asked.length}>; rel="next"`;
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'application/json', link }).end('[]');
      }, limit / 4);
      return true;
    };
    const end = await failureOf(fetch('ptb', { connection: connection({ timeoutMs: limit }) }));
    expect(end).toMatchObject({
      code: 'hub-timeout',
      message: expect.stringMatching(/took more than [\d.]+ seconds to list files\.$/),
    });
  });

  it('is waited for while its pace is worth it', async () => {
    put();
    hub.answer = (_request, response, server) => {
      if (server !== 'store') return false;
      const half = Math.floor(sentences.length / 2);
      response.writeHead(200, { 'content-length': sentences.length });
      response.write(sentences.subarray(0, half));
      setTimeout(() => response.end(sentences.subarray(half)), 300);
      return true;
    };
    await fetch('ptb', { connection: connection({ timeoutMs: patient(2_000) }) });
    expect(kept('ptb')).toContain('record.json');
  });
});

describe('a busy hub that says when to come again', () => {
  /** @returns when it was asked, in ms since 1970, and what it said first */
  const busy = (retryAfter: () => string, server: 'hub' | 'store'): { asked: number[]; said: string } => {
    const seen = { asked: [] as number[], said: '' };
    hub.answer = (_request, response, at): boolean => {
      if (at !== server || seen.asked.push(Date.now()) > 1) return false;
      seen.said = retryAfter();
      response.writeHead(429, { 'retry-after': seen.said }).end();
      return true;
    };
    return seen;
  };

  it.each([
    ['in seconds, while it lists', (): string => '1', 'hub'],
    ['by a date, while it sends', (): string => new Date(Date.now() + 2_000).toUTCString(), 'store'],
  ] as const)('%s, is asked again then', async (_what, retryAfter, server) => {
    put();
    const seen = busy(retryAfter, server);
    const waits: number[] = [];
    const end = await failureOf(
      fetch('ptb', { connection: connection({ onWait: (seconds) => waits.push(seconds) }) }),
    );
    expect(end).toBeNull();
    const due = seen.said === '1' ? seen.asked[0] + 1000 : Date.parse(seen.said);
    expect(seen.asked[1]).toBeGreaterThan(due - 50); // clocks of timers are coarse
    expect(waits).toEqual([expect.any(Number)]);
    expect(kept('ptb')).toContain('record.json');
  });

  it('in an hour, is told so at once', async () => {
    put();
    busy(() => '3600', 'store');
    const end = await failureOf(fetch('ptb'));
    expect(end).toMatchObject({
      code: 'hub-failed',
      exitCode: 4,
      hint: 'It asks to wait 60 minutes. Run again after that.',
    });
  });

  it('in words that are no time, is asked again as soon as one that says nothing', async () => {
    put();
    busy(() => 'soon', 'store');
    expect(await failureOf(fetch('ptb'))).toBeNull();
  });
});
