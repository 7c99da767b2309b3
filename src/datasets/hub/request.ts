/**
 * One request to the hub. Redirects are followed here and not by fetch, because three promises hang on them: the token
 * goes to the hub's own origin and nowhere else, also not when a redirect leads back; an encrypted connection never
 * becomes a plain one; nothing but http is followed. And silence ends: a request that brings no byte for `timeoutMs`
 * is given up, at any stage. What is asked for, and what the bytes mean, is not known here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HubEndpoint } from './endpoint.js';
import { broken, PassingFailure, refused, Stalled, strange } from './failures.js';

export interface HubConnection {
  endpoint: HubEndpoint;
  /** Longest silence, ms. */
  timeoutMs: number;
  /** Pauses before a request that failed in passing is made again, ms; as many repeats as there are pauses. */
  pausesMs: readonly number[];
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

const MOST_REDIRECTS = 10;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Repeats what failed in passing, after a pause. */
export async function repeated<T>(
  { pausesMs, signal }: HubConnection,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PassingFailure) || tries >= pausesMs.length) throw error;
    }
    await pause(pausesMs[tries], signal);
  }
}

/** @throws the signal's reason */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
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
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
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
        throw refused(url.host, response.status, request.what, endpoint.token !== null);
      }
      await response.body?.cancel();
      url = redirected(url, response.headers.get('location'), host);
    }
    throw strange(host, `more than ${MOST_REDIRECTS} redirects`);
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
          silence.end(); // what the receiver takes its time for is not the hub's silence
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

/** A clock that is set back at every sign of life. */
class Silence {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly timeoutMs: number) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  begin(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(new Stalled(this.timeoutMs / 1000)), this.timeoutMs);
  }

  end(): void {
    clearTimeout(this.timer);
  }
}
