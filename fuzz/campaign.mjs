/**
 * Runs cases in child processes, each of which handles many in sequence; one that dies or hangs is replaced, and the case
 * it was at is recorded. Time is the child's own: what other programs take of a busy machine is no failure.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kindOf } from './kinds/index.mjs';
import { starvedMs } from './starved.mjs';

/** Most processor time of a case. */
const LONGEST_MS = 10_000;
/** A case that waits is given up after this; the time that other programs kept the processor from it does not count. */
const LONGEST_WAIT_MS = 60_000;
/** A single case that takes more is a failure. A child a third as large is replaced. */
const LARGEST_BYTES = 1.5 * 2 ** 30;
/** Cases a child handles before it is replaced: threads that hang in native code go with it. */
const CASES_A_CHILD = 400;

/**
 * @typedef {{ index: number, kind: string, how: string, ms: number, status: number | null, code?: string,
 *             message?: string, took?: number, failure: string | null }} Outcome
 * @param {{ seed: number, indices: number[], children: number, program: string, onOutcome: (outcome: Outcome) => void }} options
 */
export async function campaign({ seed, indices, children, program, onOutcome }) {
  const folder = mkdtempSync(join(tmpdir(), 'duo-eval-fuzz-'));
  let next = 0;
  const lane = async (number) => {
    let child = null;
    while (next < indices.length) {
      const index = indices[next++];
      if (child === null || child.handled >= CASES_A_CHILD) {
        await child?.end();
        child = new Child({ seed, program, work: join(folder, String(number)) });
        await child.ready;
      }
      const outcome = await child.run(index);
      onOutcome(outcome);
      if (child.spent) {
        await child.end();
        child = null;
      }
    }
    await child?.end();
  };
  try {
    await Promise.all(Array.from({ length: children }, (_, number) => lane(number)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class Child {
  handled = 0;
  /** Not fit for another case. */
  spent = false;
  #settle = null;
  #stray = null;
  #stderr = '';

  constructor({ seed, program, work }) {
    this.work = work;
    const options = [String(seed), program, work, String(process.pid)];
    this.process = fork(fileURLToPath(new URL('child.mjs', import.meta.url)), options, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.process.stderr.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-2000);
    });
    this.exited = new Promise((resolve) =>
      this.process.on('exit', (status, signal) => resolve({ status, signal })),
    );
    this.ready = new Promise((resolve) => this.process.once('message', resolve));
    this.process.on('message', (message) => {
      if (message.stray) this.#stray = message.stray;
      if (message.began !== undefined) this.#begin(message.how);
      if (message.index !== undefined || message.stray) this.#settle?.(message);
    });
    this.exited.then((end) => this.#settle?.({ end }));
  }

  #how = '';
  #timer = null;

  #begin(how) {
    this.#how = how;
    this.#wait();
  }

  #wait(ms = LONGEST_WAIT_MS, starved = starvedMs(this.process.pid)) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const now = starvedMs(this.process.pid);
      if (now > starved + 1000) this.#wait(now - starved, now);
      else this.#settle?.({ late: true });
    }, ms);
  }

  /** @returns {Promise<Outcome>} */
  async run(index) {
    this.handled++;
    this.#how = '';
    const message = await new Promise((resolve) => {
      this.#settle = resolve;
      this.#wait(); // for the damage to be done; and then again for the reading
      this.process.send(index);
    });
    clearTimeout(this.#timer);
    this.#settle = null;
    const about = {
      index,
      kind: kindOf(index),
      how: message.how ?? this.#how,
      ms: message.ms ?? LONGEST_WAIT_MS,
      code: message.code,
      message: message.message,
    };
    const failed = (failure) => {
      this.spent = true;
      return { ...about, status: null, failure };
    };
    if (message.late) return failed(`no end after ${LONGEST_WAIT_MS / 1000} s`);
    if (message.end) {
      const { status, signal } = message.end;
      const last = this.#stderr.trim().split('\n').slice(-6).join(' | ');
      return failed(`the process ended by ${signal ?? `exit ${status}`}: ${last}`);
    }
    if (message.idle)
      return failed(`waits for what does not come, ${Math.round(message.idle / 1000)} s so far`);
    if (message.stray) return failed(`an error that nobody waited for: ${this.#stray}`);
    if (message.code === 'model-hung' || message.rss > LARGEST_BYTES / 3) this.spent = true;
    const failure = message.broken
      ? `accepted with a broken structure: ${message.broken}`
      : message.stack
        ? `not a sentence but a fault: ${message.stack.split('\n').slice(0, 4).join(' | ')}`
        : message.ms > LONGEST_MS
          ? `took ${Math.round(message.ms / 1000)} s`
          : message.wallMs > message.mostMs
            ? `took ${Math.round(message.wallMs / 1000)} s of waiting`
            : message.took > LARGEST_BYTES
              ? `took ${Math.round(message.took / 2 ** 20)} MiB`
              : null;
    return { ...about, took: message.took, status: message.status ?? 4, failure };
  }

  async end() {
    this.process.kill('SIGKILL');
    await this.exited;
    rmSync(this.work, { recursive: true, force: true });
  }
}
