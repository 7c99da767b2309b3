/**
 * Likelihoods of a short text under every order of revealing its tokens, exactly. For n unknown tokens and every proper subset
 * S of them, ℓ(i|S) = ln p(x_i | the tokens of S) is one table of 2ⁿ − 1 rows. Recursions over subsets, in place of the n!
 * orders, give all that is asked of the orders (Held and Karp 1962 is the same idea for the best one):
 *
 *   evidence   ln (1/n!) Σ_π ∏_j p(x_{π_j} | x_{π_1..π_{j−1}}), the ln p of a model whose order is uniformly random:
 *              f(∅) = 1,  f(S) = Σ_{i∈S} f(S∖i)·p(x_i | S∖i),  p = f(all)/n!
 *   bound      the mean of the logarithm over the orders, what a continuous-time NELBO estimates:
 *              g(∅) = 0,  g(S) = mean_{i∈S} (g(S∖i) + ℓ(i|S∖i)) = Σ_T |T|!(n−|T|−1)!/n!·Σ_{i∉T} ℓ(i|T) for S = all
 *   best       the largest ln-product of any order, and the order; `worst` the smallest
 *
 * All in float64, products of probabilities as sums of logarithms.
 */

/** Tokens up to which all subsets are asked for: 2¹² − 1 = 4,095 model calls. */
export const MOST_SUBSET_TOKENS = 12;

/** Number of calls: every subset of n tokens but the whole. */
export const properSubsets = (n: number): number => 2 ** n - 1;

/**
 * Figures over all orders of a block, exactly: the bound, the likelihood of the sampler whose order is uniformly random, and an upper
 * bound of that.
 */
export const OVER_ORDERS = ['bound', 'evidence', 'upper-bound'] as const;
export type OverOrders = (typeof OVER_ORDERS)[number];

/** ℓ(i|S) by S, a bit mask whose bit j says that token j is revealed; null for the revealed tokens. [2ⁿ − 1 × n] */
export type SubsetTable = (number | null)[][];

/** One order of revealing the tokens, and the ln p of the text in this order. */
export interface RevealOrder {
  /** ln p in this order, nats. */
  value: number;
  /** Indices of the tokens, 0 the first, in the order in which they are revealed. */
  order: number[];
}

/** All in nats: ln p, negative. */
export interface OrderLikelihoods {
  evidence: number;
  bound: number;
  best: RevealOrder;
  worst: RevealOrder;
  /** ln p in the order 0, 1, … */
  leftToRight: number;
  /** Standard deviation over the orders: of ln p(x|π), nats, and of p(x|π) divided by its mean. */
  sdOfLog: number;
  relativeSd: number;
}

/**
 * @param table ℓ(i|S) at S·n + i, S as in {@link SubsetTable}; entries of revealed tokens and of the whole set are not read,
 *   the others are finite   @param n tokens, 1 to {@link MOST_SUBSET_TOKENS}
 */
export function likelihoodsOverOrders(table: ArrayLike<number>, n: number): OrderLikelihoods {
  const size = 2 ** n;
  const column = () => new Float64Array(size);
  // Over the orders of a subset: ln Σ p, ln Σ p², the mean and the variance of ln p, the largest and the smallest ln p.
  const [sums, squares, means, variances, largest, smallest] = Array.from({ length: 6 }, column);
  const last = { largest: new Uint8Array(size), smallest: new Uint8Array(size) };
  const [sum, square, value] = Array.from({ length: 3 }, () => new Float64Array(n));
  for (let S = 1; S < size; S++) {
    let count = 0;
    let variance = 0;
    largest[S] = Number.NEGATIVE_INFINITY;
    smallest[S] = Number.POSITIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      if ((S & (1 << i)) === 0) continue;
      const rest = S ^ (1 << i);
      const l = table[rest * n + i];
      sum[count] = sums[rest] + l;
      square[count] = squares[rest] + 2 * l;
      value[count] = means[rest] + l;
      variance += variances[rest];
      count++;
      if (largest[rest] + l > largest[S]) {
        largest[S] = largest[rest] + l;
        last.largest[S] = i;
      }
      if (smallest[rest] + l < smallest[S]) {
        smallest[S] = smallest[rest] + l;
        last.smallest[S] = i;
      }
    }
    sums[S] = logSumExp(sum, count);
    squares[S] = logSumExp(square, count);
    // The order's last token is uniform in S: the law of total variance, without a difference of large squares.
    const { mean, variance: between } = momentsOf(value, count);
    means[S] = mean;
    variances[S] = variance / count + between;
  }
  const whole = size - 1;
  const logOrders = logFactorial(n);
  const evidence = sums[whole] - logOrders;
  let leftToRight = 0;
  for (let i = 0; i < n; i++) leftToRight += table[(2 ** i - 1) * n + i];
  return {
    evidence,
    bound: means[whole],
    best: { value: largest[whole], order: orderTo(whole, last.largest) },
    worst: { value: smallest[whole], order: orderTo(whole, last.smallest) },
    leftToRight,
    sdOfLog: Math.sqrt(variances[whole]),
    relativeSd: Math.sqrt(Math.max(0, Math.expm1(squares[whole] - logOrders - 2 * evidence))),
  };
}

/**
 * Likelihoods of a text in blocks that are revealed one after the other, each in every order of its own tokens.
 * @param blocks the likelihoods of each block given the ones before, and the number of tokens before it
 */
export function likelihoodsOfBlocks(
  blocks: readonly (OrderLikelihoods & { before: number })[],
): OrderLikelihoods {
  const total = (of: (block: OrderLikelihoods) => number) =>
    blocks.reduce((sum, block) => sum + of(block), 0);
  const joined = (of: (block: OrderLikelihoods) => RevealOrder): RevealOrder => ({
    value: total((block) => of(block).value),
    order: blocks.flatMap((block) => of(block).order.map((i) => block.before + i)),
  });
  // Orders of different blocks are independent: variances add, and so do the logarithms of E[p²]/E[p]².
  return {
    evidence: total(({ evidence }) => evidence),
    bound: total(({ bound }) => bound),
    best: joined(({ best }) => best),
    worst: joined(({ worst }) => worst),
    leftToRight: total(({ leftToRight }) => leftToRight),
    sdOfLog: Math.sqrt(total(({ sdOfLog }) => sdOfLog ** 2)),
    relativeSd: Math.sqrt(Math.expm1(total(({ relativeSd }) => Math.log1p(relativeSd ** 2)))),
  };
}

/** The table that {@link likelihoodsOverOrders} reads, one row per subset. */
export function subsetTable(table: ArrayLike<number>, n: number): SubsetTable {
  return Array.from({ length: properSubsets(n) }, (_, S) =>
    Array.from({ length: n }, (_, i) => ((S & (1 << i)) === 0 ? table[S * n + i] : null)),
  );
}

/** The tokens of a set in order, from the last one revealed in each set. */
function orderTo(whole: number, last: Uint8Array): number[] {
  const order: number[] = [];
  for (let S = whole; S !== 0; S ^= 1 << last[S]) order.unshift(last[S]);
  return order;
}

function logSumExp(values: Float64Array, count: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) most = Math.max(most, values[i]);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.exp(values[i] - most);
  return most + Math.log(sum);
}

function momentsOf(values: Float64Array, count: number): { mean: number; variance: number } {
  let mean = 0;
  for (let i = 0; i < count; i++) mean += values[i] / count;
  let variance = 0;
  for (let i = 0; i < count; i++) variance += (values[i] - mean) ** 2 / count;
  return { mean, variance };
}

function logFactorial(n: number): number {
  let sum = 0;
  for (let i = 2; i <= n; i++) sum += Math.log(i);
  return sum;
}

/**
 * What ψ of the upper bound may be, each the exponential of a likelihood.
 *
 * left-to-right  one order, named before anything is computed: it knows nothing of the mean over orders that it bounds
 * bound          useless where the bound is more than a nat below ln p: TUBE is then e^gap − 1 − gap above it
 * best, worst    of all orders. ψ = best is at least p, so that its bound lies between ln p and that ψ
 * evidence       p itself: the bound is then equal to ln p, the value and no longer a bound
 */
export const PSI_CHOICES = ['left-to-right', 'bound', 'best', 'worst', 'evidence'] as const;
export type PsiChoice = (typeof PSI_CHOICES)[number];

/**
 * ψ of each block where the upper bounds of many are added up: at least p, so that no bound is above that of the best order. With one
 * order, the few blocks in which it is thousands of times less probable than the others would decide the sum.
 */
export const PSI_OF_SUMS: PsiChoice = 'best';

/**
 * The upper bound ln p ≤ ln ψ + p/ψ − 1 for every ψ > 0 (TUBE, arXiv 2605.24292: the tangent of ln at ψ), with p exact.
 * Equality at ψ = p.
 * @param likelihoods ln p and ln ψ come from here   @returns nats; infinite where p/ψ is too large for a number
 */
export function upperBound(likelihoods: OrderLikelihoods, psi: PsiChoice): number {
  const { evidence } = likelihoods;
  const logPsi = logPsiOf(likelihoods, psi);
  // With e = ln p − ln ψ the bound is ln p + (exp(e) − 1 − e): this way its distance from ln p keeps its digits.
  return evidence + (Math.expm1(evidence - logPsi) - (evidence - logPsi));
}

function logPsiOf(likelihoods: OrderLikelihoods, psi: PsiChoice): number {
  switch (psi) {
    case 'left-to-right':
      return likelihoods.leftToRight;
    case 'bound':
      return likelihoods.bound;
    case 'best':
      return likelihoods.best.value;
    case 'worst':
      return likelihoods.worst.value;
    case 'evidence':
      return likelihoods.evidence;
  }
}
