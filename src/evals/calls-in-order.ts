/** Several model calls under way at a time, so that the network never waits for the next one. */

/** How many calls may be under way. */
export interface CallWindow {
  /** With this many under way, no further call starts… */
  full: number;
  /** …until at most this many are left; below `full`. */
  resume: number;
}

/**
 * Makes one call per item, in order, and waits for the calls in the order in which they started. When a call fails, no further
 * one starts, and its error is thrown after all calls under way have ended; of several errors, that of the earliest call.
 * @param windowOf the window for the next call, given the number of finished calls
 * @throws what a call throws, and the reason of `signal` when it aborts
 */
export async function callsInOrder<Item>(
  items: Iterable<Item>,
  call: (item: Item) => Promise<void>,
  windowOf: (finished: number) => CallWindow,
  signal?: AbortSignal,
): Promise<void> {
  const underWay: Promise<void>[] = [];
  let finished = 0;
  try {
    for (const item of items) {
      const { full, resume } = windowOf(finished);
      for (let limit = full; underWay.length >= limit; limit = resume + 1) {
        await underWay.shift();
        finished++;
      }
      signal?.throwIfAborted();
      const started = call(item);
      started.catch(() => {}); // it may fail while an earlier call is awaited; its turn to be awaited comes later
      underWay.push(started);
    }
    while (underWay.length > 0) await underWay.shift();
  } finally {
    await Promise.allSettled(underWay);
  }
}
