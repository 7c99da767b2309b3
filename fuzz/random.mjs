/**
 * The numbers a case is made of: a function of (seed, index) alone, so that one case can be made again without the
 * others. A small generator of its own (sfc32), so that a fault in the program's generator cannot hide here.
 */

/** @param {number} seed @param {number} index */
export function randomOf(seed, index) {
  let [a, b, c, counter] = [seed >>> 0, index >>> 0, Math.floor(seed / 2 ** 32) ^ 0x9e3779b9, 1];
  const next = () => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  /** A whole number in [0, end). */
  const below = (end) => Math.floor((next() / 2 ** 32) * end);
  return {
    below,
    /** A whole number in [from, to]. */
    between: (from, to) => from + below(to - from + 1),
    chance: (probability) => next() / 2 ** 32 < probability,
    /** One of a list. */
    of: (list) => list[below(list.length)],
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  };
}

/** @typedef {ReturnType<typeof randomOf>} Random */
