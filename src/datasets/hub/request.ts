/**
 * One request to the hub. This code follows redirects, rather than fetch, to keep three promises: the token goes only to
 * the hub's own origin, even when a redirect leads back to it; an encrypted connection never becomes a plain one; only
 * http(s) is followed. Silence ends at any stage: a request that brings no byte for `timeoutMs`, or too few, is given up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BUDGET } from '../budget.js';
import type { HubEndpoint } from './endpoint.js';
import { connectionError, PassingFailure, refusalError, Stalled, strange } from './failures.js';

export interface HubConnection {
  endpoint: HubEndpoint;
  /** Longest silence, ms. */
  timeoutMs: number;
  /** Pauses before each retry of a request that failed temporarily, ms; one retry per pause. */
  pausesMs: readonly number[];
  /** Called when the hub asks to wait, with the time. */
  onWait?: (seconds: number) => void;
  signal?: AbortSignal;
}

export interface HubRequest {
  url: string;
  /** What the request is for, in words for messages. */
  what: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Statuses that count as an answer although they are not a success. */
  accepted?: readonly number[];
}

export interface HubAnswer {
  status: number;
  headers: Headers;
  /** The bytes as they arrive. @throws PassingFailure when they stop too early, DataError on silence, InterruptedError */
  bytes(): AsyncGenerator<Uint8Array>;
  /** Closes the connection. */
  cancel(): void;
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** Retries a temporary failure, after a pause. */
export async function retry<T>(connection: HubConnection, attempt: () => Promise<T>): Promise<T> {
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

/** Waits `milliseconds`, or longer when the hub asked for it. @throws the signal's reason */
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
        throw refusalError(url.host, {
          status: response.status,
          what: request.what,
          hasToken: endpoint.token !== null,
          retryAfter: response.headers.get('retry-after'),
        });
      }
      await response.body?.cancel();
      url = redirectTarget(url, response.headers.get('location'), host);
    }
    throw strange(host, `more than ${BUDGET.redirects} redirects`);
  } catch (error) {
    silence.end();
    signal?.throwIfAborted();
    throw connectionError(url.host, error);
  }
}

function redirectTarget(from: URL, location: string | null, host: string): URL {
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
          silence.end(chunk.length); // the receiver's own time is not the hub's silence
          yield chunk;
          silence.begin();
        }
      } catch (error) {
        signal?.throwIfAborted();
        throw connectionError(host, error);
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

/** A clock that runs while we wait for the hub. Bytes that arrive at a sufficient pace reset it. */
class Silence {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private began = 0;
  /** Since the last check of the pace: time waited, bytes received, and in how many pieces. */
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

  /** @param bytes that ended the wait   @throws Stalled when they arrive too slowly */
  end(bytes = 0): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waitedMs += performance.now() - this.began;
    this.bytes += bytes;
    if (bytes > 0) this.pieces++;
    // A single late piece is not a slow stream.
    if (this.pieces < 2 || this.waitedMs < this.timeoutMs) return;
    const seconds = this.waitedMs / 1000;
    if (this.bytes < BUDGET.leastPace * seconds) throw new Stalled(Math.round(seconds), this.bytes);
    this.waitedMs = 0;
    this.bytes = 0;
    this.pieces = 0;
  }
}
