/**
 * The HTTP server: who may ask, how much may be sent, and how answers and failures go out. Hono routes nothing here but what routes.ts
 * declares; it brings requests and responses of the web to Node.
 */
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { closest, UsageError } from '../errors.js';
import { Admission } from './admission.js';
import { Entrance } from './entrance.js';
import { ClientLeft, failureAnswer, RequestFailure } from './failures.js';
import { Metrics } from './metrics.js';
import type { Network } from './network.js';
import { openApiOf } from './openapi.js';
import { servedPage } from './page.js';
import { modelRoutes, type Route, type RouteAnswer } from './routes.js';
import type { ServedModel } from './served-model.js';

export interface ServerOptions {
  model: ServedModel;
  network: Network;
  host: string;
  /** 0: any free one. */
  port: number;
  /** Null: anyone who reaches the server may ask. */
  token: string | null;
  /** Requests under way, waiting ones included. */
  places: number;
  /** Longest time for a request, ms. */
  timeoutMs: number;
  /** Most bytes of a body. */
  bodyBytes: number;
  /** Longest time in which a client sends its head, and all of its request, ms. */
  sendMs?: { head: number; all: number };
  /** Receives faults of ours. */
  unforeseen: (error: unknown) => void;
}

export interface RunningServer {
  url: string;
  port: number;
  /**
   * Lets nobody in any more, finishes what is under way, and ends the network's process.
   * @returns how many requests were sent away because the time was over
   */
  close(graceMs: number): Promise<number>;
}

type Env = { Bindings: HttpBindings };

const SEND_MS = { head: 10_000, all: 60_000 };
/** What a client that reads slowly may leave unread. */
const UNREAD_BYTES = 16 * 2 ** 20;

/** @throws UsageError where the port is taken, or the host is none of this machine */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const desk = new Desk(options);
  const app = new Hono<Env>();
  app.all('*', (context) => desk.answer(context));
  const { head, all } = options.sendMs ?? SEND_MS;
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: head,
      requestTimeout: all,
      connectionsCheckingInterval: Math.min(head, 5000) / 2,
      keepAliveTimeout: 30_000,
      maxHeaderSize: 16_384,
    },
  }) as Server;
  server.maxConnections = Math.max(1024, 2 * options.places);
  server.listen(options.port, options.host.replace(/^\[|\]$/g, ''));
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw cannotListen(options, cause);
  }
  const { port } = server.address() as AddressInfo;
  const host =
    options.host.includes(':') && !options.host.startsWith('[') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const late = await desk.admission.close(graceMs);
      // Answers that are on their way out are let go.
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 500))]);
      server.closeAllConnections();
      options.network.close();
      return late;
    },
  };
}

function cannotListen({ host, port }: ServerOptions, cause: unknown): UsageError {
  const { code } = cause as NodeJS.ErrnoException;
  const why =
    code === 'EADDRINUSE'
      ? 'another program listens there'
      : code === 'EACCES'
        ? 'this user may not listen there'
        : 'it is no address of this machine';
  return new UsageError({
    code: 'cannot-listen',
    message: `The server cannot listen on ${host}, port ${port}: ${why}.`,
    hint:
      code === 'EADDRINUSE'
        ? 'Give another --port, or 0 for any free one.'
        : 'Give another --host or --port.',
    cause,
  });
}

/** Answers requests, one after the other or many at a time. */
class Desk {
  readonly admission: Admission;
  private readonly metrics: Metrics;
  private readonly routes: readonly Route[];
  private readonly entrance: Entrance;

  constructor(private readonly options: ServerOptions) {
    const { model, network } = options;
    this.admission = new Admission(options);
    this.entrance = new Entrance(options);
    const gauge = (name: string, help: string, value: () => number) => ({
      name,
      help,
      type: 'gauge' as const,
      value,
    });
    const counter = (name: string, help: string, value: () => number) => ({
      name,
      help,
      type: 'counter' as const,
      value,
    });
    this.metrics = new Metrics([
      gauge('duo_eval_requests_active', 'Requests that wait or run.', () => this.admission.active),
      gauge('duo_eval_places', 'Requests that may wait or run.', () => this.admission.places),
      counter('duo_eval_clients_left_total', 'Requests whose clients left.', () => this.admission.left),
      counter('duo_eval_scored_calls_total', 'Model calls for log-probabilities.', () => model.counts.calls),
      counter('duo_eval_scored_tokens_total', 'Tokens of these calls.', () => model.counts.tokens),
      counter(
        'duo_eval_scored_continuations_total',
        'Continuations scored by /v1/loglikelihood.',
        () => model.counts.continuations,
      ),
      counter('duo_eval_drawn_texts_total', 'Texts written.', () => model.draws.drawnTexts),
      counter('duo_eval_drawn_tokens_total', 'Tokens written.', () => model.draws.drawnTokens),
      counter('duo_eval_network_starts_total', "Starts of the network's process.", () => network.starts),
      gauge('process_resident_memory_bytes', 'Resident memory of the server, without the network.', () =>
        process.memoryUsage.rss(),
      ),
    ]);
    this.routes = [...modelRoutes, ...this.ownRoutes()];
  }

  async answer(context: Context<Env>): Promise<Response> {
    const began = performance.now();
    const { outgoing } = context.env as { outgoing: ServerResponse };
    const client = new AbortController();
    const path = new URL(context.req.url).pathname;
    let route: Route | null = null;
    const done = (status: number) => {
      this.metrics.count(route?.path ?? 'other', status, (performance.now() - began) / 1000);
    };
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) client.abort();
      done(outgoing.writableFinished ? outgoing.statusCode : 499);
    });
    try {
      this.entrance.checkHost(context.req.header('host'));
      route = this.routeOf(context.req.method, path);
      if (!route.isPublic) this.entrance.checkToken(context.req.header('authorization'));
      return await this.answerRoute(route, context, path, client.signal);
    } catch (error) {
      return this.failed(error);
    }
  }

  private async answerRoute(
    route: Route,
    context: Context<Env>,
    path: string,
    client: AbortSignal,
  ): Promise<Response> {
    const body =
      route.method === 'POST' ? await this.entrance.readBody(context.env.incoming, client) : undefined;
    const rest = decodedPath(path.slice(route.path.length));
    const visit = route.takesPlace ? this.admission.admit(client) : null;
    const call = { model: this.options.model, body, rest, signal: visit?.signal ?? client };
    try {
      const answer = await withSignal(route.answer(call), call.signal);
      if ('events' in answer) return this.stream(answer, call.signal, () => visit?.leave());
      visit?.leave();
      return 'json' in answer
        ? new Response(JSON.stringify(answer.json), { headers: { 'content-type': 'application/json' } })
        : new Response(answer.text, { headers: { 'content-type': answer.type } });
    } catch (error) {
      visit?.leave();
      throw error;
    }
  }

  /** Server-sent events, each a line of JSON; a failure on the way is the last one. */
  private stream(
    { events }: Extract<RouteAnswer, { events: unknown }>,
    signal: AbortSignal,
    leave: () => void,
  ): Response {
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          let open = true;
          const send = (event: object | string) => {
            if (!open) return;
            const text = typeof event === 'string' ? event : JSON.stringify(event);
            controller.enqueue(encoder.encode(`data: ${text}\n\n`));
            if ((controller.desiredSize ?? 0) < -UNREAD_BYTES) {
              open = false;
              controller.error(new ClientLeft('it reads too slowly'));
            }
          };
          const finish = (error?: unknown) => {
            leave();
            if (error !== undefined && !(error instanceof ClientLeft))
              send(failureAnswer(error, this.options.unforeseen).body);
            if (open) controller.close();
            open = false;
          };
          withSignal(events(send), signal).then(() => finish(), finish);
        },
      },
      { highWaterMark: 2 ** 16, size: (chunk) => chunk.byteLength },
    );
    return new Response(stream, {
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    });
  }

  private failed(error: unknown): Response {
    const { status, headers, body } = failureAnswer(error, this.options.unforeseen);
    // What is left of a body that was too large is not read.
    if (status === 413) headers.connection = 'close';
    return new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  /** @throws RequestFailure 404, 405 */
  private routeOf(method: string, path: string): Route {
    const matching = this.routes.filter((route) =>
      route.open ? path.startsWith(route.path) && path !== route.path : path === route.path,
    );
    const asked = method === 'HEAD' ? 'GET' : method;
    const route = matching.find((one) => one.method === asked);
    if (route) return route;
    if (matching.length > 0)
      throw new RequestFailure(
        405,
        'wrong-method',
        `${matching[0].path} is asked with ${matching.map((one) => one.method).join(', ')}, not ${method.slice(0, 20)}.`,
      );
    const near = closest(
      path,
      this.routes.map((one) => one.path),
    );
    throw new RequestFailure(
      404,
      'unknown-route',
      `There is no route ${JSON.stringify(path.slice(0, 100))}.${near ? ` Did you mean ${near}?` : ''} /openapi.json lists them.`,
    );
  }

  private ownRoutes(): Route[] {
    const { model, network } = this.options;
    return [
      {
        method: 'GET',
        path: '/',
        summary: 'A page on which a text emerges.',
        isPublic: true,
        answer: () => ({
          text: servedPage(model, this.options.token !== null),
          type: 'text/html; charset=utf-8',
        }),
      },
      {
        method: 'GET',
        path: '/healthz',
        summary: 'Whether the server can answer.',
        isPublic: true,
        answer: () => {
          if (!network.isOpen)
            throw new RequestFailure(
              503,
              'network-lost',
              'The process that runs the network is being started.',
              1,
            );
          return { json: { status: 'ok' } };
        },
      },
      {
        method: 'GET',
        path: '/metrics',
        summary: 'Counts and durations for Prometheus.',
        answer: () => ({ text: this.metrics.text(), type: 'text/plain; version=0.0.4; charset=utf-8' }),
      },
      {
        method: 'GET',
        path: '/openapi.json',
        summary: 'This description.',
        isPublic: true,
        answer: () => ({ json: openApiOf(this.routes) }),
      },
    ];
  }
}

/** A path whose escapes are broken is taken as it stands. */
function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The work, or the signal's reason as soon as it aborts. */
function withSignal<T>(work: Promise<T> | T, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
