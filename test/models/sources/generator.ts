/** Repeatable uniforms of [0, 1) for making test material (a 32-bit linear congruential generator's upper bits). */
export function generator(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 11n) / 2 ** 53;
  };
}
