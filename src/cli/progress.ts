/**
 * Progress of a long run, on stderr: one line redrawn in a terminal, and elsewhere a plain line now and then, so a log
 * stays readable. It counts units of work and estimates the time left from the pace so far: of the named work, or of all that was
 * asked for where that has several parts. While a long call lasts, the line is drawn again, so that nothing seems to stand still.
 */
import { displayWidth, inertLines, type OutputStream, plainText, streamWidth, truncate } from './terminal.js';

export interface ProgressOptions {
  quiet?: boolean;
  /** Where to draw. [default: stderr] */
  stream?: OutputStream & { write(text: string): unknown };
  /** Milliseconds, monotonic. */
  now?: () => number;
}

/** Minimum milliseconds between two drawings in a terminal, and between two lines elsewhere. */
const REDRAW_MS = 100;
const LINE_MS = 10_000;
/** Milliseconds without news after which the line is drawn again, in a terminal and elsewhere. */
const IDLE_REDRAW_MS = 1000;
const IDLE_LINE_MS = 30_000;

export class Progress {
  private readonly stream: OutputStream & { write(text: string): unknown };
  private readonly now: () => number;
  private readonly quiet: boolean;
  /** Null while unknown. */
  private total: number | null = null;
  private done = 0;
  private offset = 0;
  private label = '';
  private startedAt = 0;
  private shownAt = Number.NEGATIVE_INFINITY;
  private drawn = false;
  private detail = '';
  /** When the newest count arrived. */
  private newsAt = 0;
  /** The share of everything that is done, and when and where it began; null where the named work is all there is. */
  private overall: { share: number; from: number; startedAt: number } | null = null;
  private idle: NodeJS.Timeout | undefined;

  constructor({
    quiet = false,
    stream = process.stderr,
    now = () => performance.now(),
  }: ProgressOptions = {}) {
    this.quiet = quiet;
    this.stream = stream;
    this.now = now;
  }

  /** Begins a task of `total` units, of which a resumed run has already done `done`. */
  start(total: number | null, label: string, done = 0): void {
    this.stop();
    this.total = total;
    this.label = plainText(label);
    this.done = done;
    this.offset = done;
    this.startedAt = this.now();
    this.newsAt = this.startedAt;
    this.detail = '';
    if (this.stream.isTTY) this.shownAt = Number.NEGATIVE_INFINITY;
    else if (this.shownAt === Number.NEGATIVE_INFINITY) this.shownAt = this.startedAt;
    this.draw();
    this.watch();
  }

  /** Shows the progress of the named task, and begins a new task when the name changes. */
  show(label: string, done: number, total: number | null, detail = '', overall?: number): void {
    if (overall === undefined) this.overall = null;
    else
      this.overall = {
        startedAt: this.now(),
        from: overall,
        ...this.overall,
        share: Math.max(overall, this.overall?.share ?? 0),
      };
    if (plainText(label) !== this.label) this.start(total, label, done);
    this.total = total;
    this.update(done, detail);
  }

  /** `done` units in all are finished. `detail`, such as the mean loss, follows the time left. */
  update(done: number, detail = ''): void {
    if (done !== this.done || detail !== this.detail) this.newsAt = this.now();
    this.done = done;
    this.detail = detail;
    this.draw();
  }

  /** `duo on sotu, 3160 of 6000`; null where nothing is counted. */
  get reached(): string | null {
    return this.total === null || this.done > this.total || this.label === ''
      ? null
      : `${this.label}, ${this.done} of ${this.total}`;
  }

  /** Ends the line, so the next output starts on a new line. */
  stop(): void {
    if (this.drawn) this.stream.write('\r\x1b[K');
    this.drawn = false;
    clearInterval(this.idle);
    this.idle = undefined;
  }

  /** Draws again while nothing is heard. Not before the task is long: most are over within a second. */
  private watch(): void {
    if (this.quiet || this.idle) return;
    const every = this.stream.isTTY ? IDLE_REDRAW_MS : IDLE_LINE_MS;
    this.idle = setInterval(() => this.draw(every - REDRAW_MS), every);
    this.idle.unref();
  }

  /** @param after least milliseconds since the last drawing */
  private draw(after = this.stream.isTTY ? REDRAW_MS : LINE_MS): void {
    if (this.quiet) return;
    const { detail } = this;
    const now = this.now();
    const due = now - this.shownAt >= after;
    if (!due && !(this.stream.isTTY && this.total !== null && this.done === this.total)) return;
    this.shownAt = now;
    const line = this.line(now, plainText(detail));
    if (this.stream.isTTY) {
      this.stream.write(`\r${line}\x1b[K`);
      this.drawn = true;
    } else {
      this.stream.write(`${inertLines(line)}\n`);
    }
  }

  private line(now: number, detail: string): string {
    const tail = [this.counts(), this.timeLeft(now), detail].filter(Boolean).join('  ');
    const width = streamWidth(this.stream) - 1;
    const room = width - displayWidth(tail) - 2;
    if (room < 4) return truncate(tail, width);
    return `${truncate(this.label, room)}  ${tail}`;
  }

  private counts(): string {
    // Where more is done than was foreseen, nobody knows how much there is.
    if (this.total === null || this.total <= 0 || this.done > this.total) return `${this.done}`;
    const share = this.done / this.total;
    return `${this.done}/${this.total} ${String(Math.floor(share * 100)).padStart(2)}%`;
  }

  private timeLeft(now: number): string {
    if (this.overall) {
      const { share, from, startedAt } = this.overall;
      return this.left(now, { startedAt, fresh: share - from, missing: 1 - share }, ' left in all');
    }
    const fresh = this.done - this.offset;
    const missing = (this.total ?? 0) - this.done;
    return this.left(now, { startedAt: this.startedAt, fresh, missing }, ' left');
  }

  /** By the pace until the newest count; the time since then has passed. */
  private left(
    now: number,
    { startedAt, fresh, missing }: { startedAt: number; fresh: number; missing: number },
    words: string,
  ): string {
    if (!(fresh > 0 && missing > 0)) return '';
    const then = ((this.newsAt - startedAt) / 1000 / fresh) * missing;
    return `${formatDuration(then - (now - this.newsAt) / 1000)}${words}`;
  }
}

/** `45 s`, `3 min 20 s`, `2 h 05 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
