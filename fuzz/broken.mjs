/** Something was accepted that is not sound, or sound input came out wrong: what the campaign looks for. */
export class BrokenStructure extends Error {}

/** @param {unknown} condition @param {string} what */
export function expect(condition, what) {
  if (!condition) throw new BrokenStructure(what);
}
