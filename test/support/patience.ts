/**
 * Time limits of the product within tests (of a call, of a connection) follow the machine: a busy one that reaches a
 * limit is no failure of the product. No test asserts how long something took.
 */

/** How much slower than a quiet machine this one started a process before the tests, at least 1: vitest.config.ts. */
const slowness = Number(process.env.DUO_EVAL_TEST_SLOWNESS ?? 1);

/** A limit that must not be reached. @param quiet enough, in ms, on a quiet machine @returns ms */
export const patient = (quiet: number): number => Math.ceil(quiet * slowness);

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits, as long as the test may take, until it holds. */
export async function until(holds: () => boolean | Promise<boolean>, everyMs = 20): Promise<void> {
  while (!(await holds())) await pause(everyMs);
}
