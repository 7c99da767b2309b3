/**
 * A session of the runtime in a worker thread: progress, time limits and Ctrl-C stay alive while it computes, and several
 * sessions run side by side. Calls are answered in order; several may be queued, so that the worker never idles
 * while the caller prepares the next batch. Calls made together share one message, and so do answers that come within
 * a few milliseconds: on a busy machine, waking a thread costs more than reading its message. A worker that dies or hangs
 * is an error that names the call it was working on.
 */
import './no-telemetry.js';
import { Worker } from 'node:worker_threads';
import { compiledFile } from '../compiled.js';
import { type DuoEvalError, ModelError } from '../errors.js';
import { Graph } from '../graph/graph.js';
import { hasIntegerProducts } from '../graph/integer-product.js';
import { checkThreadFits } from './address-space.js';
import type { Feeds } from './feeds.js';
import { usableMemory } from './machine.js';
import { beginNativeCall, endNativeCall, type NativeCaller } from './native-exit.js';
import { brokenPromise, type PromisedLogits } from './promised-logits.js';
import { defaultThreads, type Placement, type Provider, providerFailure, providerOf } from './provider.js';
import { createFailed, isOutOfMemory, outOfMemory, runFailed } from './runtime-error.js';
import {
  type Answer,
  type FromWorker,
  largeBuffers,
  type ToWorker,
  type WorkerJob,
  type WorkerTask,
  withOwnBuffers,
} from './session-protocol.js';
import type { AnswerOf, ArgumentOf, MethodName, StateKind } from './session-state.js';
import { weightMemory } from './stored-weights.js';

export interface SessionRequest {
  /** The graph as bytes; its weights stay in files of `folder`. */
  graph: Uint8Array;
  /** Folder that the graph's external data are relative to; '' when it has none. */
  folder: string;
  provider?: Placement;
  /** Threads per operator; by default, as many as the machine has. */
  threads?: number;
  /** Plan the memory of a call as one block: faster for graphs with small activations. Default: false. */
  memoryPattern?: boolean;
  /** Idle threads spin before they sleep; default: true. See session-options.ts. */
  spinning?: boolean;
  /** The shape that the logits of each run must have (promised-logits.ts); by default nothing is checked. */
  logits?: PromisedLogits;
  /** An interruption waits for the call in flight, however long, because the session's state is saved after it. */
  patient?: boolean;
  /** Bytes that this process may use, by which the weights are laid out; by default, all that it may. */
  memory?: number;
  /** The model's name, for errors. */
  label: string;
}

export interface CallOptions {
  /** What is run, for errors, e.g. `sequence 12`. */
  label: string;
  /** Milliseconds that the runtime may take for this call, without the time in the queue; no limit by default. */
  timeoutMs?: number;
  /** Large arrays of the argument may be transferred to the worker instead of copied; they are empty afterwards. */
  transfer?: boolean;
}

/** A state in the worker, as its owner sees it (session-state.ts). */
export interface SessionState<State> {
  /** Calls a method of the state. @throws as ModelSession.run */
  call<Name extends MethodName<State>>(
    method: Name,
    argument: ArgumentOf<State[Name]>,
    options: CallOptions,
  ): Promise<AnswerOf<State[Name]>>;
  /** Frees its memory after the calls made so far. Safe to call twice. */
  release(): void;
}

export interface ModelSession {
  readonly provider: Provider;
  readonly threads: number;
  /** Seconds the runtime took to load and optimise the graph. */
  readonly createSeconds: number;
  /** Runs of the runtime so far, and the seconds spent in them, measured in the worker. */
  readonly runs: number;
  readonly runSeconds: number;
  /** @throws ModelError `run-failed`, `out-of-memory`, `logits-shape`, `model-hung`, `model-worker-died`, `session-closed` */
  run(feeds: Feeds, options: CallOptions): Promise<Feeds>;
  /** Begins a state in the worker. If it cannot be made, its first call fails. */
  keep<Init, State extends object>(kind: StateKind<Init, State>, init: Init): SessionState<State>;
  /** Waits for the calls in flight, then frees the model's memory. Safe to call twice. */
  close(): Promise<void>;
}

/** @throws ModelError `provider-unavailable`, `model-rejected`, `out-of-memory`, `out-of-address-space`, `model-worker-died` */
export async function startSession(request: SessionRequest): Promise<ModelSession> {
  const threads = request.threads ?? defaultThreads();
  checkThreadFits(request.label, threads);
  const graph = Graph.fromBytes(request.graph);
  const task: WorkerTask = {
    graph: request.graph,
    folder: request.folder,
    provider: request.provider ?? 'cpu',
    threads,
    memoryPattern: request.memoryPattern ?? false,
    spinning: request.spinning,
    widensAtEachCall: weightMemory(graph, request.memory ?? usableMemory()).widensAtEachCall,
    integerProducts: hasIntegerProducts(graph),
    logits: request.logits,
    progress: new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT),
  };
  const session = new WorkerSession(task, request.label, request.patient ?? false);
  await session.created;
  return session;
}

interface Call {
  label: string;
  /** Tokens per sequence, if the call has tokens. */
  length: number | undefined;
  timeoutMs: number | undefined;
  resolve: (answer: unknown) => void;
  reject: (error: DuoEvalError) => void;
}

class WorkerSession implements ModelSession, NativeCaller {
  readonly provider: Provider;
  readonly threads: number;
  createSeconds = 0;
  runs = 0;
  runSeconds = 0;
  readonly created: Promise<void>;

  private readonly worker: Worker;
  private readonly exited: Promise<void>;
  /** Calls not yet answered, the one in flight first. */
  private readonly calls = new Map<number, Call>();
  private nextId = 1;
  /** Jobs since the last message, and the buffers that may be transferred with them. */
  private outbox: WorkerJob[] = [];
  private givenAway: unknown[] = [];
  /** Written by the worker: the id of the call in flight and when it began, ms since the epoch. */
  private readonly progress: Float64Array;
  private timer: NodeJS.Timeout | undefined;
  /** Why no further call can be made. */
  private ended: DuoEvalError | null = null;
  private hung = false;
  private settleCreation: { resolve: () => void; reject: (error: DuoEvalError) => void } | null = null;

  constructor(
    private readonly task: WorkerTask,
    private readonly label: string,
    private readonly patient: boolean,
  ) {
    this.provider = providerOf(task.provider);
    this.threads = task.threads;
    this.progress = new Float64Array(task.progress);
    // The worker must not inherit a loader of the parent process, such as a test runner's.
    this.worker = new Worker(compiledFile('workers/session.js'), { workerData: task, execArgv: [] });
    this.created = new Promise((resolve, reject) => {
      this.settleCreation = { resolve, reject };
    });
    beginNativeCall(this);
    this.worker.on('message', (message: FromWorker) => this.receive(message));
    this.worker.on('error', (error: NodeJS.ErrnoException) => this.fail(this.died(error)));
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', (status) => {
        this.fail(this.died(new Error(`it ended with status ${status}`)));
        resolve();
      });
    });
  }

  run(feeds: Feeds, options: CallOptions): Promise<Feeds> {
    const owned = withOwnBuffers(feeds);
    const call = { feeds: owned };
    return this.call(call, owned, options, feeds.input_ids?.dims[1]) as Promise<Feeds>;
  }

  keep<Init, State extends object>(kind: StateKind<Init, State>, init: Init): SessionState<State> {
    const id = this.nextId++;
    if (!this.ended) this.send({ keep: id, kind: kind.name, init });
    let released = false;
    return {
      call: (method, argument, options) => {
        const owned = withOwnBuffers(argument);
        return this.call({ state: id, method, argument: owned }, owned, options) as Promise<never>;
      },
      release: () => {
        if (!released && !this.ended) this.send({ release: id });
        released = true;
      },
    };
  }

  /** @param sent buffers that may be transferred   @param length tokens per sequence, if the call has tokens */
  private call(
    call: { feeds: Feeds } | { state: number; method: string; argument: unknown },
    sent: unknown,
    { label, timeoutMs, transfer = false }: CallOptions,
    length?: number,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(this.ended);
      const id = this.nextId++;
      this.calls.set(id, { label, length, timeoutMs, resolve, reject });
      if (this.calls.size === 1) this.begin();
      if (timeoutMs !== undefined && this.timer === undefined) this.watch(timeoutMs);
      if (transfer) this.givenAway.push(sent);
      this.send({ id, ...call });
    });
  }

  async close(): Promise<void> {
    if (!this.ended) {
      this.ended = new ModelError({
        code: 'session-closed',
        message: `${this.label}: the session was closed before this call.`,
      });
      this.sendJobs();
      this.worker.postMessage({ kind: 'close' } satisfies ToWorker);
      this.worker.ref();
    }
    if (!this.hung) await this.exited;
  }

  private send(job: WorkerJob): void {
    this.outbox.push(job);
    if (this.outbox.length === 1) queueMicrotask(() => this.sendJobs());
  }

  private sendJobs(): void {
    if (this.outbox.length === 0) return;
    const message: ToWorker = { kind: 'run', jobs: this.outbox };
    const transfer = largeBuffers(this.givenAway);
    this.outbox = [];
    this.givenAway = [];
    this.worker.postMessage(message, transfer);
  }

  private receive(message: FromWorker): void {
    switch (message.kind) {
      case 'created':
        this.createSeconds = message.seconds;
        this.settleCreation?.resolve();
        this.settleCreation = null;
        this.rest();
        break;
      case 'create-failed':
        this.fail(
          providerFailure(this.task.provider, message.message) ?? createFailed(this.label, message.message),
        );
        break;
      case 'ran':
        for (const answer of message.answers) this.answer(answer);
        break;
    }
  }

  private answer(answer: Answer): void {
    const call = this.calls.get(answer.id);
    if (!call) return; // a call that was given up as hung, but returned after all
    this.calls.delete(answer.id);
    if (this.calls.size === 0) this.rest();
    if ('failure' in answer) {
      const { failure, broken } = answer;
      const { label, length } = call;
      call.reject(broken ? brokenPromise(label, broken) : runFailed(label, failure, this.task.graph, length));
    } else {
      this.runs += answer.runs;
      this.runSeconds += answer.seconds;
      call.resolve(answer.value);
    }
  }

  private begin(): void {
    beginNativeCall(this);
    this.worker.ref();
  }

  /** Checks after this many ms whether the call in flight has used up its time. */
  private watch(ms: number): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const [id, began] = this.progress;
      const current = this.calls.get(id);
      const left = (current?.timeoutMs ?? Number.POSITIVE_INFINITY) - (Date.now() - began);
      if (current && left <= 0) return this.hang(current);
      const limits = [...this.calls.values()].flatMap(({ timeoutMs }) => timeoutMs ?? []);
      if (limits.length > 0) this.watch(Math.min(left, ...limits));
    }, ms);
  }

  /** An idle worker does not keep the process alive. */
  private rest(): void {
    endNativeCall(this);
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.ended) this.worker.unref();
  }

  private hang({ label, timeoutMs }: Call): void {
    this.giveUp(
      new ModelError({
        code: 'model-hung',
        message: `${this.label}, ${label}: no answer from the runtime in ${(timeoutMs ?? 0) / 1000} s.`,
        hint: 'Allow more time, use a smaller --batch, or another --provider.',
      }),
    );
  }

  abandon(reason: DuoEvalError): void {
    if (!this.patient) this.giveUp(reason);
  }

  private giveUp(reason: DuoEvalError): void {
    this.hung = true;
    this.fail(reason);
    // Native code cannot be stopped from outside; the thread is abandoned, and native-exit.ts lets the process end.
    this.worker.unref();
    beginNativeCall(this);
  }

  private died(error: NodeJS.ErrnoException): ModelError {
    const [first] = this.calls.values();
    const current = this.calls.get(this.progress[0]) ?? first;
    const label = current ? `${this.label}, ${current.label}` : this.label;
    if (isOutOfMemory(`${error.code} ${error.message}`)) return outOfMemory(label, `${error.message}.`);
    return new ModelError({
      code: 'model-worker-died',
      message: `${label}: the thread that runs the model died: ${error.message}.`,
      hint: 'Run duo-eval doctor; if the model is at fault, a smaller --batch or --provider cpu may help.',
      cause: error,
    });
  }

  /** Rejects everything that waits, with one reason that names the call in flight. */
  private fail(error: DuoEvalError): void {
    clearTimeout(this.timer);
    endNativeCall(this);
    const waiting = [...this.calls.values()];
    this.calls.clear();
    this.ended ??= error;
    this.settleCreation?.reject(error);
    this.settleCreation = null;
    for (const call of waiting) call.reject(error);
  }
}
