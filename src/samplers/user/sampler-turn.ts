/**
 * Whose turn it is, a module's or this program's, and how long the module has had of its own since its last step. Time that
 * the model takes, or this program, is not the module's.
 */

/** After Ctrl-C. */
const LAST_MS = 500;
/** Where this thread was busy, an answer may lie there that it has not looked at. */
const LOOK_MS = 50;

export interface TurnOptions {
  mostMs: number;
  signal?: AbortSignal;
  /** For sentences: `in step 3`. */
  when: () => string;
  /** Told once that it took longer, or goes on after an interruption. */
  late: () => void;
  /** Told why there will be no end. */
  fail: (error: unknown) => void;
}

export class Turn {
  private usedMs = 0;
  /** When it was last handed over; null while it is ours. */
  private since: number | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(readonly options: TurnOptions) {}

  /** From now on it is the module's turn. */
  hand(): void {
    this.keep();
    this.since = performance.now();
    const { mostMs, signal, late } = this.options;
    const left = signal?.aborted ? LAST_MS : Math.max(0, mostMs - this.usedMs);
    this.timer = setTimeout(() => {
      this.timer = setTimeout(late, LOOK_MS);
    }, left);
  }

  /** It is ours. */
  keep(): void {
    clearTimeout(this.timer);
    if (this.since !== null) this.usedMs += performance.now() - this.since;
    this.since = null;
  }

  /** A step is done; the next one has all its time. */
  begin(): void {
    this.keep();
    this.usedMs = 0;
    this.hand();
  }

  /** The run is interrupted: what the module still does must be short. */
  interrupt(): void {
    if (this.since !== null) this.hand();
  }
}
