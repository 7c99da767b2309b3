/**
 * One request to the hub. Redirects are followed here and not by fetch, because three promises hang on them: the token
 * goes to the hub's own origin and nowhere else, also not when a redirect leads back; an encrypted connection never
 * becomes a plain one; nothing but http is followed. And silence ends: a request that brings no byte for `timeoutMs`,
 * or so few that it is no better, is given up, at any stage. What is asked for, and what the bytes mean, is not known here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BUDGET } from '../budget.js';
import type { HubEndpoint } from './endpoint.js';
import { broken, PassingFailure, refused, Stalled, strange } from './failures.js';

export interface HubConnection {
  endpoint: HubEndpoint;
  /** Longest silence, ms. */
  timeoutMs: number;
  /** Pauses before a request that failed in passing is made again, ms; as many repeats as there are pauses. */
  pausesMs: readonly number[];
  /** Told how long the hub asks to wait, and that it is waited for. */
  onWait?: (seconds: number) => void;
  signal?: AbortSignal;
}

export interface HubRequest {
  url: string;
  /** What is asked for, in words for messages. */
  what: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Statuses that are an answer although they are no success. */
  accepted?: readonly number[];
}

export interface HubAnswer {
  status: number;
  headers: Headers;
  /** The bytes as they come. @throws PassingFailure when they stop too early, DataError on silence, InterruptedError */
  bytes(): AsyncGenerator<Uint8Array>;
  /** Gives the connection up. */
  cancel(): void;
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** Repeats what failed in passing, after a pause. */
export async function repeated<T>(connection: HubConnection, attempt: () => Promise<T>): Promise<T> {
  const { pausesMs } = connection;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PassingFailure) || tries >= pausesMs.length) throw error;
      await pauseAfter(error, pausesMs[tries], connection);
    }
  }
}

/** Waits `milliseconds`, or longer where the hub asked for it. @throws the signal's reason */
export async function pauseAfter(
  { waitMs }: PassingFailure,
  milliseconds: number,
  { signal, onWait }: HubConnection,
): Promise<void> {
  if (waitMs > milliseconds) onWait?.(Math.ceil(waitMs / 1000));
  await sleep(Math.max(milliseconds, waitMs), undefined, { signal }).catch(() => {});
  signal?.throwIfAborted();
}

/** @throws DataError (refused, unreachable, silent, strange), PassingFailure, InterruptedError */
export async function hubRequest(connection: HubConnection, request: HubRequest): Promise<HubAnswer> {
  const { endpoint, timeoutMs, signal } = connection;
  const { host } = endpoint;
  const home = new URL(endpoint.url).origin;
  const silence = new Silence(timeoutMs);
  const abort = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
  let url = new URL(request.url);
  let sendsToken = endpoint.token !== null;
  try {
    for (let hops = 0; hops <= BUDGET.redirects; hops++) {
      signal?.throwIfAborted();
      sendsToken &&= url.origin === home;
      silence.begin();
      const response = await fetch(url.href, {
        method: request.method ?? 'GET',
        body: request.body,
        headers: {
          'user-agent': 'duo-eval',
          'accept-encoding': 'identity',
          ...request.headers,
          ...(sendsToken && { authorization: `Bearer ${endpoint.token}` }),
        },
        redirect: 'manual',
        signal: abort,
      });
      if (!REDIRECTS.includes(response.status)) {
        if (response.ok || request.accepted?.includes(response.status)) {
          return answerOf(response, { host, silence, signal });
        }
        await response.body?.cancel();
        throw refused(url.host, {
          status: response.status,
          what: request.what,
          hasToken: endpoint.token !== null,
          retryAfter: response.headers.get('retry-after'),
        });
      }
      await response.body?.cancel();
      url = redirected(url, response.headers.get('location'), host);
    }
    throw strange(host, `more than ${BUDGET.redirects} redirects`);
  } catch (error) {
    silence.end();
    signal?.throwIfAborted();
    throw broken(url.host, error);
  }
}

function redirected(from: URL, location: string | null, host: string): URL {
  if (!location || !URL.canParse(location, from.href)) throw strange(host, 'a redirect that leads nowhere');
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== 'http:') {
    throw strange(host, `a redirect to ${to.protocol}, which is not followed`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw strange(host, `a redirect from https to http (${to.host}), which is not followed`);
  }
  return to;
}

function answerOf(
  response: Response,
  { host, silence, signal }: { host: string; silence: Silence; signal?: AbortSignal },
): HubAnswer {
  return {
    status: response.status,
    headers: response.headers,
    async *bytes() {
      try {
        for await (const chunk of response.body ?? []) {
          silence.end(chunk.length); // what the receiver takes its time for is not the hub's silence
          yield chunk;
          silence.begin();
        }
      } catch (error) {
        signal?.throwIfAborted();
        throw broken(host, error);
      } finally {
        silence.end();
      }
    },
    cancel: () => {
      silence.end();
      void response.body?.cancel().catch(() => {});
    },
  };
}

/** A clock that runs while the hub is waited for, and is set back at every sign of life: bytes that come at some pace. */
class Silence {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private began = 0;
  /** Since the pace was looked at last: what was waited, what came, and in how many pieces. */
  private waitedMs = 0;
  private bytes = 0;
  private pieces = 0;

  constructor(private readonly timeoutMs: number) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  begin(): void {
    clearTimeout(this.timer);
    this.began = performance.now();
    this.timer = setTimeout(() => this.controller.abort(new Stalled(this.timeoutMs / 1000)), this.timeoutMs);
  }

  /** @param bytes that ended it   @throws Stalled when they come so slowly that it is no better than silence */
  end(bytes = 0): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waitedMs += performance.now() - this.began;
    this.bytes += bytes;
    if (bytes > 0) this.pieces++;
    // One piece that comes late is no trickle.
    if (this.pieces < 2 || this.waitedMs < this.timeoutMs) return;
    const seconds = this.waitedMs / 1000;
    if (this.bytes < BUDGET.leastPace * seconds) throw new Stalled(Math.round(seconds), this.bytes);
    this.waitedMs = 0;
    this.bytes = 0;
    this.pieces = 0;
  }
}
