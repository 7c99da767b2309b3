/** What this process has kept for a later run to continue from, in words, for the message of a run that was stopped. */
const kept = new Map<string, { what: string; count: number }>();
let added = 0;

/** Something was finished that no later run has to do again. */
export function noteNewWork(): void {
  added++;
}

/** How often that was so: a later number is larger if anything was finished in between. */
export const newWork = (): number => added;

/** @param kind the same for what replaces what was kept before   @param what in words; `finished cells` if they are counted
 *  @param count how many of it, if they are counted */
export function noteKept(kind: string, what = kind, count = 0): void {
  kept.set(kind, { what, count: (kept.get(kind)?.count ?? 0) + count });
}

/** The work is complete, and what was kept of it is gone. */
export function forgetKept(kind: string): void {
  kept.delete(kind);
}

/** Each kind once, in the order in which they were kept. */
export function keptWork(): string[] {
  return [...kept.values()].map(({ what, count }) => (count > 0 ? `${count} ${what}` : what));
}
