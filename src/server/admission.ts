/**
 * Who is let in: so many requests at a time, each for so long. A place is taken when a request is read and given back when it is
 * answered, fails, or its client leaves.
 */
import { setMaxListeners } from 'node:events';
import { ClientLeft, RequestFailure } from './failures.js';

export interface AdmissionLimits {
  /** Requests under way, waiting ones included. */
  places: number;
  /** Longest time for a request, ms. */
  timeoutMs: number;
}

export interface Visit {
  /** Aborts when the client leaves, its time is over, the server stops, or the place is given back. */
  readonly signal: AbortSignal;
  /** Gives the place back. Safe to call twice. */
  leave(): void;
}

/** Share of the newest request in the mean duration. */
const FORGETTING = 0.1;
const LONGEST_WAIT_SECONDS = 60;

export class Admission {
  active = 0;
  /** Requests whose clients left before they were answered. */
  left = 0;
  private meanMs = 0;
  private readonly visits = new Map<AbortController, () => void>();
  private stopping = false;
  private empty: (() => void) | null = null;

  constructor(private readonly limits: AdmissionLimits) {}

  get places(): number {
    return this.limits.places;
  }

  /** @param client aborts when it leaves   @throws RequestFailure 429 where all places are taken, 503 where the server stops */
  admit(client: AbortSignal): Visit {
    if (this.stopping) throw stopped();
    if (this.active >= this.limits.places) {
      throw new RequestFailure(
        429,
        'queue-full',
        `All ${this.limits.places} places are taken by requests that wait or run. Try again later, or start the server with a larger --max-queue.`,
        this.secondsUntilFree(),
      );
    }
    const { timeoutMs } = this.limits;
    const controller = new AbortController();
    // Each text of a request listens.
    setMaxListeners(0, controller.signal);
    const began = performance.now();
    const late = new RequestFailure(
      504,
      'request-timeout',
      `The request was not answered within ${timeoutMs / 1000} s. Ask for less at a time, or start the server with a larger --timeout.`,
    );
    const timer = setTimeout(() => controller.abort(late), timeoutMs);
    const gone = () => {
      this.left++;
      controller.abort(new ClientLeft());
    };
    if (client.aborted) gone();
    else client.addEventListener('abort', gone, { once: true });
    this.active++;
    const leave = () => {
      if (!this.visits.delete(controller)) return;
      clearTimeout(timer);
      client.removeEventListener('abort', gone);
      this.active--;
      this.meanMs += FORGETTING * (performance.now() - began - this.meanMs);
      if (this.active === 0) this.empty?.();
      // Where one of its texts has failed, the others are no longer wanted.
      controller.abort(new DOMException('the request is over', 'AbortError'));
    };
    this.visits.set(controller, leave);
    return { signal: controller.signal, leave };
  }

  /**
   * Lets nobody in any more, and waits for those who are.
   * @returns how many had to be sent away after the time was over
   */
  async close(graceMs: number): Promise<number> {
    this.stopping = true;
    if (this.active === 0) return 0;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.empty = resolve;
      timer = setTimeout(resolve, graceMs);
    });
    clearTimeout(timer);
    const late = [...this.visits.keys()];
    for (const controller of late) controller.abort(stopped());
    return late.length;
  }

  private secondsUntilFree(): number {
    return Math.min(LONGEST_WAIT_SECONDS, Math.max(1, Math.ceil(this.meanMs / 1000)));
  }
}

const stopped = () => new RequestFailure(503, 'server-stops', 'The server is stopping.', 5);
