/**
 * A user's module, running in a thread of its own (sampler-thread.ts), as a sampler of this program: started, watched and, where
 * it does not come to its end, ended. What it asks of the model is asked here, and what it leaves in its tokens is copied.
 *
 * Not responsible for what a sampler must not do to its tokens: generate.ts looks at each step.
 */
import { Worker } from 'node:worker_threads';
import { compiledFile } from '../../compiled.js';
import { DuoEvalError, type UsageError } from '../../errors.js';
import { checkThreadFits } from '../../models/address-space.js';
import { beginNativeCall, endNativeCall } from '../../models/native-exit.js';
import type { Outside, SamplerSetting, SamplingRun } from '../sampler.js';
import { SamplerCalls } from './sampler-calls.js';
import { samplerBroke, samplerEndless, samplerHung, samplerLeft, samplerWaits } from './sampler-faults.js';
import {
  type FromThread,
  MOST_STEPS_AHEAD,
  type PlainError,
  type StepTaken,
  type ThreadTask,
  type ToThread,
} from './sampler-protocol.js';
import { Turn } from './sampler-turn.js';

/** Most seconds of its own that a module takes to load, to check its settings, or for a step, unless told otherwise. */
export const OWN_SECONDS = 30;
/** Of the thread's JavaScript; arrays of numbers lie outside. */
const HEAP_MIB = 1024;
/** Yields and calls of the model in a batch: so many, and so many times the steps and tokens. */
const MOST_TURNS = { least: 1000, times: 100 };

type Message<Kind extends FromThread['kind']> = Extract<FromThread, { kind: Kind }>;

interface Running {
  turn: Turn;
  calls: SamplerCalls;
  /** Calls that the model has not answered: until then it is not the module's turn, whatever else it does. */
  pending: number;
  /** Yields and model calls that it may take. */
  mostTurns: number;
  /** Yields and model calls so far. */
  turns: number;
  deliver: (taken: Message<'step' | 'done'>) => void;
  stopped: () => void;
}

export class SamplerHost {
  private readonly worker: Worker;
  private readonly runs = new Map<number, Running>();
  /** Errors that the module was told, by number. */
  private readonly told = new Map<number, unknown>();
  private lastRun = 0;
  private lastError = 0;
  private lastAnswer: Promise<unknown> = Promise.resolve();
  /** Loading or checking. */
  private question: { turn: Turn; resolve: (answer: unknown) => void } | null = null;
  private ended: unknown = null;
  private wasIdle = false;

  /** @param path as given, for sentences   @param file its address */
  constructor(
    private readonly path: string,
    file: string,
  ) {
    checkThreadFits(path);
    const workerData: ThreadTask = { module: file };
    this.worker = new Worker(compiledFile('samplers/user/sampler-thread.js'), {
      workerData,
      execArgv: [],
      stdout: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    // stdout is for results.
    this.worker.stdout.on('data', (chunk) => process.stderr.write(chunk));
    this.worker.on('message', (message: FromThread) => this.receive(message));
    this.worker.on('error', (error: NodeJS.ErrnoException) => this.end(() => this.died(error)));
    this.worker.on('exit', () => {
      endNativeCall(this);
      this.end((when) => (this.wasIdle ? samplerWaits : samplerLeft)(this.path, when));
    });
  }

  /** Nothing can be asked of it any more. */
  get isOver(): boolean {
    return this.ended !== null;
  }

  /** @returns the default export, described   @throws UsageError, and what the module throws */
  load(): Promise<unknown> {
    return this.asked('while it was loaded', () => {});
  }

  /** @throws UsageError, and what the module throws */
  async check({ schedule, ...setting }: SamplerSetting): Promise<void> {
    const { family, timeConditioned, length, steps, options } = setting;
    const plain = { family, timeConditioned, length, steps, options, schedule: plainSchedule(schedule) };
    await this.asked('while it checked the settings', () => this.send({ kind: 'check', setting: plain }));
  }

  /** As Sampler.sample. */
  async *sample(source: SamplingRun, outside: Outside): AsyncGenerator<void, void, void> {
    const number = ++this.lastRun;
    const steps: Message<'step' | 'done'>[] = [];
    let step = 0;
    /** The thread is; its steps may wait to be looked at. */
    let isDone = false;
    let failure: { error: unknown } | null = null;
    let wake = () => {};
    let stopped = () => {};
    const turn = new Turn({
      // Steps that have arrived and wait to be looked at count: the thread is past them.
      when: () => `in step ${step + steps.filter(({ kind }) => kind === 'step').length}`,
      mostMs: outside.timeoutMs ?? OWN_SECONDS * 1000,
      signal: outside.signal,
      late: () => this.late(turn),
      fail: (error) => {
        failure = { error };
        wake();
        stopped();
      },
    });
    const running: Running = {
      turn,
      calls: new SamplerCalls(source),
      pending: 0,
      mostTurns: MOST_TURNS.least + MOST_TURNS.times * (source.steps + source.length),
      turns: 0,
      deliver: (taken) => {
        steps.push(taken);
        isDone = taken.kind === 'done';
        wake();
        if (isDone) stopped();
      },
      stopped: () => stopped(),
    };
    if (this.ended) throw this.ended;
    this.runs.set(number, running);
    const onAbort = () => turn.interrupt();
    outside.signal?.addEventListener('abort', onAbort);
    try {
      turn.hand();
      this.send({ kind: 'sample', run: number, facts: factsOf(source, outside) });
      for (;;) {
        while (steps.length === 0 && failure === null) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (failure) throw (failure as { error: unknown }).error;
        const taken = steps.shift()!;
        take(source, taken);
        if (taken.kind === 'done') return;
        // A value is handed on, so that it is refused as that of any sampler.
        yield (taken.yielded ? true : undefined) as undefined;
        step++;
        // A message wakes the thread: one does for several steps.
        if (step % (MOST_STEPS_AHEAD / 2) === 0)
          this.send({ kind: 'seen', run: number, steps: MOST_STEPS_AHEAD / 2 });
      }
    } finally {
      outside.signal?.removeEventListener('abort', onAbort);
      if (!isDone && failure === null && !this.ended) {
        // Its own `finally` gets its time, as a generator's does.
        await new Promise<void>((resolve) => {
          stopped = resolve;
          turn.begin();
          this.send({ kind: 'stop', run: number });
        });
      }
      turn.keep();
      this.runs.delete(number);
      this.rest();
    }
  }

  /** Ends the thread. */
  stop(): void {
    this.end(() => new Error('the thread was stopped'));
  }

  /** One after another. */
  private asked(when: string, ask: () => void): Promise<unknown> {
    const answer = this.lastAnswer.then(() => this.askedNow(when, ask));
    this.lastAnswer = answer.catch(() => {});
    return answer;
  }

  private askedNow(when: string, ask: () => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(this.ended);
      const settled = (settle: () => void) => {
        turn.keep();
        this.question = null;
        this.rest();
        settle();
      };
      const turn = new Turn({
        when: () => when,
        mostMs: OWN_SECONDS * 1000,
        late: () => this.late(turn),
        fail: (error) => settled(() => reject(error)),
      });
      this.question = { turn, resolve: (answer) => settled(() => resolve(answer)) };
      this.worker.ref();
      turn.hand();
      ask();
    });
  }

  private send(message: ToThread): void {
    this.worker.ref();
    this.worker.postMessage(message);
  }

  /** Nothing under way: an idle thread keeps no process alive. */
  private rest(): void {
    if (this.runs.size === 0 && this.question === null) this.worker.unref();
  }

  private receive(message: FromThread): void {
    switch (message.kind) {
      case 'loaded':
        this.question?.resolve(message.description);
        break;
      case 'broken':
        this.question?.turn.options.fail(this.errorOf(message.error));
        break;
      case 'checked':
        if (message.error) this.question?.turn.options.fail(this.errorOf(message.error));
        else this.question?.resolve(undefined);
        break;
      case 'idle':
        this.wasIdle = true;
        break;
      default: {
        const running = this.runs.get(message.run);
        if (!running) break;
        running.turn.keep();
        this.receiveOf(running, message);
      }
    }
  }

  private receiveOf(
    running: Running,
    message: Message<'step' | 'done' | 'failed' | 'stopped' | 'call'>,
  ): void {
    const { turn, mostTurns: most } = running;
    if (message.kind === 'step' || message.kind === 'call') {
      if (++running.turns > most) this.end((when) => samplerEndless(this.path, when, most));
    }
    if (this.ended) return;
    if (message.kind === 'call') void this.answer(running, message);
    else if (message.kind === 'failed') turn.options.fail(this.errorOf(message.error));
    else if (message.kind === 'stopped') running.stopped();
    else running.deliver(message);
    if (message.kind === 'step') turn.begin();
    if (running.pending > 0) turn.keep();
  }

  private async answer(running: Running, { id, call }: Message<'call'>): Promise<void> {
    running.pending++;
    const answer = await running.calls.answer(call).catch((error) => ({ error: this.tell(error) }));
    running.pending--;
    if (this.ended) return;
    if (running.pending === 0) running.turn.hand();
    if (id !== null) this.send({ kind: 'answer', call: id, answer });
  }

  /** An error as the module is told it; it may come back. */
  private tell(error: unknown) {
    const own = ++this.lastError;
    this.told.set(own, error);
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    const { code, hint } = error instanceof DuoEvalError ? error : {};
    return { own, name, message, code, hint };
  }

  private errorOf(error: PlainError): unknown {
    if ('own' in error) return this.told.get(error.own);
    return Object.assign(new Error(error.message), { stack: error.stack });
  }

  private late({ options: { signal, mostMs } }: Turn): void {
    this.end((when) => (signal?.aborted ? signal.reason : samplerHung(this.path, when, mostMs)));
  }

  /** Once only. Whoever waits is told why. */
  private end(why: (when: string) => unknown): void {
    if (this.ended) return;
    const turns = [
      ...[...this.runs.values()].map(({ turn }) => turn),
      ...(this.question ? [this.question.turn] : []),
    ];
    this.ended = why(turns[0]?.options.when() ?? 'between its runs');
    // Native code in it cannot be stopped; native-exit.ts lets the process end all the same.
    beginNativeCall(this);
    void this.worker.terminate();
    this.worker.unref();
    for (const turn of turns) {
      turn.keep();
      turn.options.fail(this.ended);
    }
  }

  /** Nobody waits any more when native code is all that is left of it. */
  abandon(): void {}

  private died(error: NodeJS.ErrnoException): UsageError {
    const isMemory = error?.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const why = isMemory ? `it took more than ${HEAP_MIB} MiB of memory` : (error?.message ?? String(error));
    return samplerBroke(this.path, why);
  }
}

const plainSchedule = (schedule: SamplingRun['schedule']) =>
  schedule && { type: schedule.type, eps: schedule.eps };

function factsOf(run: SamplingRun, { seed, first }: Outside) {
  const { uniforms, denoise, causal, latent, schedule, ...same } = run;
  const facts = causal && {
    cached: causal.cached,
    bosTokenId: causal.bosTokenId,
    eosTokenId: causal.eosTokenId,
  };
  return {
    ...same,
    schedule: plainSchedule(schedule),
    seed,
    first,
    causal: facts ?? null,
    latent: latent !== undefined,
  };
}

/** What the sampler did to its run is done to ours. */
function take(run: SamplingRun, { tokens, replaced }: StepTaken): void {
  run.tokens.set(tokens);
  if (replaced) (run as { tokens: Int32Array }).tokens = tokens;
}
