/** What the benches of variances share. */

export function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function variance(values) {
  const mean = average(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

/** Uniforms of [0, 1): a 32-bit Weyl sequence, scrambled. */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let bits = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
  };
}
