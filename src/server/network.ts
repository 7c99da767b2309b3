/**
 * The process that runs the network, as the server sees it: questions in, answers out. Where it dies or hangs, every question that it
 * had not answered fails with {@link NetworkLost}, and the next one starts it anew.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { compiledFile } from '../compiled.js';
import {
  type FromNetwork,
  type NetworkModel,
  type NetworkTasks,
  readFailure,
  type TaskName,
  type ToNetwork,
} from './network-protocol.js';

/** The process ended with the question unanswered. Asking again may help. */
export class NetworkLost extends Error {}

interface Question {
  tell: (event: unknown) => void;
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

/** Pauses before a process is started again, ms, while none lives long enough to answer. */
const PAUSES_MS = [0, 200, 1000, 3000, 10_000];

export class Network {
  /** How often the process was started. */
  starts = 0;
  private child: ChildProcess | null = null;
  private opened: Promise<void> | null = null;
  private readonly questions = new Map<number, Question>();
  private nextId = 1;
  private failures = 0;
  private closed = false;

  constructor(
    readonly model: NetworkModel,
    private readonly lost: (why: string) => void,
  ) {}

  /** Null while none runs. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  get isOpen(): boolean {
    return this.child !== null && !this.closed;
  }

  /** Whether a question waits for an answer. */
  get isAsked(): boolean {
    return this.questions.size > 0;
  }

  /** Starts the process, unless it runs. @throws ModelError, DataError as openCheckpoint, NetworkLost */
  async start(): Promise<void> {
    if (this.closed) throw new NetworkLost('the server stops');
    this.opened ??= this.open();
    await this.opened;
  }

  /** @throws NetworkLost, and what the task throws */
  async ask<Name extends TaskName>(
    task: Name,
    argument: NetworkTasks[Name]['argument'],
    { signal, tell }: { signal?: AbortSignal; tell?: (event: NetworkTasks[Name]['event']) => void } = {},
  ): Promise<NetworkTasks[Name]['answer']> {
    await this.start();
    signal?.throwIfAborted();
    const id = this.nextId++;
    const drop = () => this.send({ kind: 'drop', id });
    signal?.addEventListener('abort', drop);
    try {
      return await new Promise((resolve, reject) => {
        this.questions.set(id, {
          tell: (event) => tell?.(event as never),
          resolve: resolve as (answer: unknown) => void,
          reject,
        });
        this.send({ kind: 'ask', id, task, argument });
      });
    } finally {
      signal?.removeEventListener('abort', drop);
      this.questions.delete(id);
    }
  }

  /** Ends the process at once. */
  close(): void {
    this.closed = true;
    this.child?.kill('SIGKILL');
  }

  private async open(): Promise<void> {
    const pause = PAUSES_MS[Math.min(this.failures, PAUSES_MS.length - 1)];
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    if (this.closed) throw new NetworkLost('the server stops');
    this.starts++;
    const child = fork(compiledFile('server/network-process.js'), [], {
      serialization: 'advanced',
      // Its standard error is the server's; it prints nothing else.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.child = child;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (error: Error) => {
          reject(error);
          this.end(child, error.message);
        };
        child.on('error', (error) => fail(new NetworkLost(error.message)));
        child.on('exit', (status, name) => {
          const why = name === null ? `it ended with status ${status}` : `it was ended by ${name}`;
          fail(new NetworkLost(why));
        });
        child.on('message', (message: FromNetwork) => {
          if (message.kind === 'opened') resolve();
          else if (message.kind === 'failed' && message.id === null) fail(readFailure(message.failure));
          else this.receive(child, message);
        });
        this.send({ kind: 'open', model: this.model });
      });
    } catch (error) {
      this.opened = null;
      throw error;
    }
  }

  private receive(child: ChildProcess, message: FromNetwork): void {
    if (message.kind === 'opened' || message.id === null) return;
    const question = this.questions.get(message.id);
    switch (message.kind) {
      case 'event':
        question?.tell(message.event);
        break;
      case 'answer':
        this.failures = 0;
        question?.resolve(message.answer);
        break;
      case 'failed':
        if (message.lost) this.end(child, message.failure.message);
        else question?.reject(readFailure(message.failure));
        break;
    }
  }

  /** The process is given up: whoever waits for it learns it. */
  private end(child: ChildProcess, why: string): void {
    if (this.child !== child) return;
    this.child = null;
    this.opened = null;
    this.failures++;
    child.kill('SIGKILL');
    const waiting = [...this.questions.values()];
    this.questions.clear();
    for (const { reject } of waiting) reject(new NetworkLost(why));
    if (this.closed) return;
    this.lost(why);
    // At once, so that the next request need not wait; where that fails, it is tried again here.
    this.start().catch(() => {});
  }

  private send(message: ToNetwork): void {
    const { child } = this;
    // A message to a process that has just ended is answered by its exit.
    if (child?.connected) child.send(message, () => {});
  }
}
