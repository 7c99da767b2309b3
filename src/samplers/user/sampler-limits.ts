/**
 * What a user's module must not do: use up its time, wait for ever, go on for ever, or end the thread. A `Turn` measures the
 * module's own time since its last step; time that the model or this program takes does not count.
 */
import { UsageError } from '../../errors.js';

/** After Ctrl-C. */
const LAST_MS = 500;
/** While this thread was busy, an answer may have come that it has not read yet. */
const UNREAD_MS = 50;

export interface TurnOptions {
  mostMs: number;
  signal?: AbortSignal;
  /** For errors: `in step 3`. */
  when: () => string;
  /** Called once, when the module takes longer, or goes on after an interruption. */
  late: () => void;
  /** Called with the reason why the turn will not end normally. */
  fail: (error: unknown) => void;
}

export class Turn {
  private usedMs = 0;
  /** When the module's turn began; null while it is this program's. */
  private since: number | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(readonly options: TurnOptions) {}

  /** It is the module's turn. */
  give(): void {
    this.take();
    this.since = performance.now();
    const { mostMs, signal, late } = this.options;
    const left = signal?.aborted ? LAST_MS : Math.max(0, mostMs - this.usedMs);
    this.timer = setTimeout(() => {
      this.timer = setTimeout(late, UNREAD_MS);
    }, left);
  }

  /** It is this program's turn. */
  take(): void {
    clearTimeout(this.timer);
    if (this.since !== null) this.usedMs += performance.now() - this.since;
    this.since = null;
  }

  /** A step is done; the next one has the full time. */
  begin(): void {
    this.take();
    this.usedMs = 0;
    this.give();
  }

  /** The run is interrupted: the module has little time left. */
  interrupt(): void {
    if (this.since !== null) this.give();
  }
}

/** @param path of the module, as given   @param when `in step 3` */
export function samplerLeft(path: string, when: string): UsageError {
  return fault(
    path,
    'sampler-left',
    `ended its thread, ${when}: it called process.exit, or something that it calls did.`,
    'A sampler returns when it is done, and throws when it cannot go on: correct the module.',
  );
}

export function samplerWaits(path: string, when: string): UsageError {
  return fault(
    path,
    'sampler-waits-for-ever',
    `waits for something that cannot come, ${when}.`,
    'It awaits a promise that is never settled: correct the module.',
  );
}

export function samplerHung(path: string, when: string, ms: number): UsageError {
  return fault(
    path,
    'sampler-hung',
    `gave no sign of life for ${ms / 1000} s of its own time, ${when}.`,
    'Correct the module, or allow more seconds per step with --timeout.',
  );
}

/** @param most steps and model calls that a batch may take */
export function samplerEndless(path: string, when: string, most: number): UsageError {
  return fault(
    path,
    'sampler-endless',
    `does not come to an end: ${most} steps and model calls for one batch, ${when}.`,
    'A sampler takes about run.steps steps, or one per token, and returns: correct the module.',
  );
}

/** @param why a reason without its full stop */
export function samplerBroke(path: string, why: string): UsageError {
  return fault(path, 'sampler-failed', `broke off: ${why.replace(/\.$/, '')}.`, 'Correct the module.');
}

function fault(path: string, code: string, what: string, hint: string): UsageError {
  return new UsageError({ code, message: `The sampler of ${path} ${what}`, hint });
}
