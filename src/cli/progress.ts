/**
 * Progress of a long run, on stderr: one line redrawn in a terminal, and elsewhere a plain line now and then, so a log
 * stays readable. It counts units of work and estimates the time left from the pace so far.
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
    this.shownAt = this.stream.isTTY ? Number.NEGATIVE_INFINITY : this.startedAt;
    this.draw();
  }

  /** Shows the progress of the named task, and begins a new task when the name changes. */
  show(label: string, done: number, total: number | null, detail = ''): void {
    if (plainText(label) !== this.label) this.start(total, label, done);
    this.total = total;
    this.update(done, detail);
  }

  /** `done` units in all are finished. `detail`, such as the mean loss, follows the time left. */
  update(done: number, detail = ''): void {
    this.done = done;
    this.draw(detail);
  }

  /** Ends the line, so the next output starts on a new line. */
  stop(): void {
    if (this.drawn) this.stream.write('\r\x1b[K');
    this.drawn = false;
  }

  private draw(detail = ''): void {
    if (this.quiet) return;
    const now = this.now();
    const due = now - this.shownAt >= (this.stream.isTTY ? REDRAW_MS : LINE_MS);
    if (!due && !(this.stream.isTTY && this.total !== null && this.done >= this.total)) return;
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
    if (this.total === null) return `${this.done}`;
    const share = this.total > 0 ? Math.min(1, this.done / this.total) : 0;
    return `${this.done}/${this.total} ${String(Math.floor(share * 100)).padStart(2)}%`;
  }

  private timeLeft(now: number): string {
    const fresh = this.done - this.offset;
    if (this.total === null || fresh <= 0 || this.done >= this.total) return '';
    const seconds = ((now - this.startedAt) / 1000 / fresh) * (this.total - this.done);
    return `${formatDuration(seconds)} left`;
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
