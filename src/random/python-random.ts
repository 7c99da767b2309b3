/**
 * Python's `random.Random(seed).sample`, number for number: lm-evaluation-harness chooses few-shot examples with it, and only the same
 * choice gives the same prompts. The generator is MT19937 (Matsumoto and Nishimura, ACM TOMACS 8, 1998), seeded by its authors' rule
 * for arrays; `sample` follows the rule of CPython's documentation: a pool for small populations, rejection for large ones. Everything
 * else in this program draws from Philox.
 */
const N = 624;
const M = 397;

export class PythonRandom {
  private readonly state = new Uint32Array(N);
  private index = N;

  /** @param seed a whole number from 0 to 2^32 − 1 */
  constructor(seed: number) {
    this.seedWith([seed >>> 0]);
  }

  private seedWith(key: readonly number[]): void {
    const { state } = this;
    state[0] = 19_650_218;
    for (let i = 1; i < N; i++) state[i] = Math.imul(1_812_433_253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    const wrap = (i: number) => {
      if (i < N) return i;
      state[0] = state[N - 1];
      return 1;
    };
    let i = 1;
    for (let k = Math.max(N, key.length), j = 0; k > 0; k--, j = (j + 1) % key.length) {
      state[i] = (state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1_664_525)) + key[j] + j;
      i = wrap(i + 1);
    }
    for (let k = N - 1; k > 0; k--) {
      state[i] = (state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1_566_083_941)) - i;
      i = wrap(i + 1);
    }
    state[0] = 0x8000_0000;
  }

  /** 32 random bits. */
  private next(): number {
    const { state } = this;
    if (this.index === N) {
      for (let i = 0; i < N; i++) {
        const y = (state[i] & 0x8000_0000) | (state[(i + 1) % N] & 0x7fff_ffff);
        state[i] = state[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
      }
      this.index = 0;
    }
    let y = state[this.index++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Uniform in 0 … n − 1, by rejection. @param n 1 to 2^31 */
  private below(n: number): number {
    const bits = 32 - Math.clz32(n);
    let drawn = this.next() >>> (32 - bits);
    while (drawn >= n) drawn = this.next() >>> (32 - bits);
    return drawn;
  }

  /** Indices of k different items of n, in the order in which they are drawn. @param k at most n */
  sample(n: number, k: number): number[] {
    // Where a set would take more room than the list.
    const setSize = 21 + (k > 5 ? 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : 0);
    if (n <= setSize) {
      const pool = Array.from({ length: n }, (_, i) => i);
      return Array.from({ length: k }, (_, i) => {
        const j = this.below(n - i);
        const drawn = pool[j];
        pool[j] = pool[n - i - 1];
        return drawn;
      });
    }
    const chosen = new Set<number>();
    while (chosen.size < k) chosen.add(this.below(n));
    return [...chosen];
  }
}
