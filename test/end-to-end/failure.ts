/** What every failure owes its reader. */
import { expect } from 'vitest';
import type { Ran } from '../support/run.js';

export interface Expected {
  /** Exit status. */
  exit: number;
  says: string | RegExp;
  hint?: string | RegExp;
}

/** A sentence and a hint on stderr, the exit status, nothing on stdout, and nothing that looks like a stack trace. */
export function expectFailure({ code, stdout, stderr }: Ran, { exit, says, hint }: Expected): void {
  const errors = stderr.split('\n').filter((line) => line.startsWith('Error: '));
  expect(errors, stderr).toHaveLength(1);
  if (typeof says === 'string') expect(errors[0]).toContain(says);
  else expect(errors[0]).toMatch(says);
  expect(errors[0]).toMatch(/[.!?…]$/);
  const advice = /^Error: .*\n {2}(\S.*)/m.exec(stderr)?.[1];
  expect(advice, `a hint in: ${stderr}`).toBeTruthy();
  if (typeof hint === 'string') expect(advice).toContain(hint);
  else if (hint) expect(advice).toMatch(hint);
  expectNoTrace(stderr);
  expect(stdout).toBe('');
  expect(code).toBe(exit);
}

/** Neither frames of a stack nor the places in source that the runtime and Node put into their messages. */
export function expectNoTrace(text: string): void {
  expect(text).not.toMatch(/^\s+at /m);
  expect(text).not.toMatch(/node:internal|file:\/\/|\.(js|ts|cc|cpp|h):\d+/);
  expect(text).not.toMatch(/undefined|\[object|TypeError|RangeError/);
}
