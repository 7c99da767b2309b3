/**
 * Runs a user's module in a separate thread (sampler-thread.ts) as a sampler of this program: starts it, watches it, and ends
 * it if it does not end by itself. Its model calls are answered here, and its tokens are copied after each step.
 *
 * Not responsible for what a sampler must not do to its tokens: generate.ts checks each step.
 */

import { Worker } from 'node:worker_threads';
import { compiledFile } from '../../compiled.js';
import { scheduleSettings } from '../../diffusion/schedule.js';
import { DuoEvalError, type UsageError } from '../../errors.js';
import { checkThreadFits } from '../../models/address-space.js';
import { beginNativeCall, endNativeCall } from '../../models/native-exit.js';
import type { Outside, SamplerSetting, SamplingRun } from '../sampler.js';
import {
  samplerBroke,
  samplerEndless,
  samplerHung,
  samplerLeft,
  samplerWaits,
  Turn,
} from './sampler-limits.js';
import {
  type FromThread,
  MOST_STEPS_AHEAD,
  SamplerCalls,
  type StepTaken,
  type ThreadTask,
  type ThrownError,
  type ToThread,
} from './sampler-protocol.js';

/** Most seconds of its own time that a module may take to load, to check its settings, or for a step; --timeout changes it. */
const OWN_SECONDS = 30;
/** For the thread's JavaScript objects; typed arrays do not count. */
const HEAP_MIB = 1024;
/** Yields and model calls allowed in a batch: `least`, plus `times` for each step and each token. */
const MOST_TURNS = { least: 1000, times: 100 };

type Message<Kind extends FromThread['kind']> = Extract<FromThread, { kind: Kind }>;

interface Running {
  turn: Turn;
  calls: SamplerCalls;
  /** Model calls without an answer yet. Until it comes it is not the module's turn, whatever else the module does. */
  pending: number;
  /** Yields and model calls that are allowed. */
  mostTurns: number;
  /** Yields and model calls so far. */
  turns: number;
  deliver: (taken: Message<'step' | 'done'>) => void;
  stopped: () => void;
}

export class SamplerHost {
  private readonly worker: Worker;
  private readonly runs = new Map<number, Running>();
  /** Errors that were sent to the thread, by number: the module may throw them again. */
  private readonly sentErrors = new Map<number, unknown>();
  private lastRun = 0;
  private lastError = 0;
  private lastAnswer: Promise<unknown> = Promise.resolve();
  /** The current question: to load the module, or to check settings. */
  private question: { turn: Turn; resolve: (answer: unknown) => void } | null = null;
  private ended: unknown = null;
  private wasIdle = false;

  /** @param path as given, for errors   @param file its `file://` address */
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

  /** Whether the thread has ended. */
  get isOver(): boolean {
    return this.ended !== null;
  }

  /** @returns the default export, described   @throws UsageError, and what the module throws */
  load(): Promise<unknown> {
    return this.ask('while it was loaded', () => {});
  }

  /** @throws UsageError, and what the module throws */
  async check({ schedule, ...setting }: SamplerSetting): Promise<void> {
    const { family, timeConditioned, length, steps, options } = setting;
    const plain = { family, timeConditioned, length, steps, options, schedule: plainSchedule(schedule) };
    await this.ask('while it checked the settings', () => this.send({ kind: 'check', setting: plain }));
  }

  /** As Sampler.sample. */
  async *sample(source: SamplingRun, outside: Outside): AsyncGenerator<void, void, void> {
    const number = ++this.lastRun;
    const steps: Message<'step' | 'done'>[] = [];
    let step = 0;
    /** Of the thread; some of its steps may not have been checked yet. */
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
      turn.give();
      this.send({ kind: 'sample', run: number, facts: factsOf(source, outside) });
      for (;;) {
        while (steps.length === 0 && failure === null) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (failure) throw (failure as { error: unknown }).error;
        const taken = steps.shift()!; // the loop above waits for one
        copyStep(source, taken);
        if (taken.kind === 'done') return;
        // generate.ts refuses a value, as of any sampler.
        yield (taken.yielded ? true : undefined) as undefined;
        step++;
        // A message wakes the thread, so one covers several steps.
        if (step % (MOST_STEPS_AHEAD / 2) === 0)
          this.send({ kind: 'checked-steps', run: number, steps: MOST_STEPS_AHEAD / 2 });
      }
    } finally {
      outside.signal?.removeEventListener('abort', onAbort);
      if (!isDone && failure === null && !this.ended) {
        // The module's `finally` blocks run, as those of any generator.
        await new Promise<void>((resolve) => {
          stopped = resolve;
          turn.begin();
          this.send({ kind: 'stop', run: number });
        });
      }
      turn.take();
      this.runs.delete(number);
      this.rest();
    }
  }

  /** Ends the thread. */
  stop(): void {
    this.end(() => new Error('the thread was stopped'));
  }

  /** Questions are asked one at a time. */
  private ask(when: string, send: () => void): Promise<unknown> {
    const answer = this.lastAnswer.then(() => this.askNow(when, send));
    this.lastAnswer = answer.catch(() => {});
    return answer;
  }

  private askNow(when: string, send: () => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(this.ended);
      const settle = (settlePromise: () => void) => {
        turn.take();
        this.question = null;
        this.rest();
        settlePromise();
      };
      const turn = new Turn({
        when: () => when,
        mostMs: OWN_SECONDS * 1000,
        late: () => this.late(turn),
        fail: (error) => settle(() => reject(error)),
      });
      this.question = { turn, resolve: (answer) => settle(() => resolve(answer)) };
      this.worker.ref();
      turn.give();
      send();
    });
  }

  private send(message: ToThread): void {
    this.worker.ref();
    this.worker.postMessage(message);
  }

  /** An idle thread keeps no process alive. */
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
        running.turn.take();
        this.receiveFor(running, message);
      }
    }
  }

  private receiveFor(
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
    if (running.pending > 0) turn.take();
  }

  private async answer(running: Running, { id, call }: Message<'call'>): Promise<void> {
    running.pending++;
    const answer = await running.calls.answer(call).catch((error) => ({ error: this.sent(error) }));
    running.pending--;
    if (this.ended) return;
    if (running.pending === 0) running.turn.give();
    if (id !== null) this.send({ kind: 'answer', call: id, answer });
  }

  /** An error of the model in the form that the thread is sent. */
  private sent(error: unknown) {
    const own = ++this.lastError;
    this.sentErrors.set(own, error);
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    const { code, hint } = error instanceof DuoEvalError ? error : {};
    return { own, name, message, code, hint };
  }

  private errorOf(error: ThrownError): unknown {
    if ('own' in error) return this.sentErrors.get(error.own);
    return Object.assign(new Error(error.message), { stack: error.stack });
  }

  private late({ options: { signal, mostMs } }: Turn): void {
    this.end((when) => (signal?.aborted ? signal.reason : samplerHung(this.path, when, mostMs)));
  }

  /** Takes effect once. Everything that waits fails with the reason. */
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
      turn.take();
      turn.options.fail(this.ended);
    }
  }

  /** Nothing to do: `end` abandons native code, and nothing waits for it. */
  abandon(): void {}

  private died(error: NodeJS.ErrnoException): UsageError {
    const isMemory = error?.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const why = isMemory ? `it took more than ${HEAP_MIB} MiB of memory` : (error?.message ?? String(error));
    return samplerBroke(this.path, why);
  }
}

const plainSchedule = (schedule: SamplingRun['schedule']) => schedule && scheduleSettings(schedule);

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

/** Repeats on this program's run what the sampler did to its own. */
function copyStep(run: SamplingRun, { tokens, replaced }: StepTaken): void {
  run.tokens.set(tokens);
  if (replaced) (run as { tokens: Int32Array }).tokens = tokens;
}
