import type { Graph, Value } from '../../graph/graph.js';
import {
  Add,
  Cast,
  Concat,
  Div,
  Equal,
  Gather,
  GatherElements,
  Greater,
  Log,
  Mul,
  ReduceSum,
  Slice,
  Softmax,
  Squeeze,
  Sub,
  Unsqueeze,
  Where,
} from '../../graph/operators.js';
import { exactLog, float64, HEAD, type HeadOptions, lossOutput } from './head.js';
import { lossAtPositions } from './rows.js';

/** Up to here, all of a loss over the vocabulary is float64. */
const TOY_VOCABULARY = 64;

/**
 * The uniform-state diffusion loss (The Diffusion Duality, arXiv 2506.10892, eq. 6; UDLM, arXiv 2412.10193), per −dα.
 *
 * With k = Kα/(1−α) and y_v = 1 + k·x_θ(v), the papers' x̄_v = (1−α)·y_v. The y_v sum to K + k, so the only sum over the
 * vocabulary to compute is Λ = Σ_v ln y_v. Its terms vanish with x_θ(v), so nothing cancels. Then
 *
 *     z ≠ x:  S = (K+k)(1/y_z − 1 + ln y_z) − Λ − k·ln y_x + (1+k)·ln(1+k)
 *     z = x:  S = [(K+k)((1+k)/y_z − 1) − Λ + K·ln y_z − (K−1)·ln(1+k)] / (1+k)
 *     loss = S / (Kα)
 *
 * which is Σ_{v≠z}[ρ̂_v − ρ_v − ρ_v ln(ρ̂_v/ρ_v)]/(Kα), a sum of terms ≥ 0, with its known sums carried out. Λ and the two
 * probabilities are float32, all else is float64. The error of float32 is absolute, about 1e-7 nats per token over α. For toy
 * vocabularies, whose tests ask for a small relative error, float64 costs nothing and is used throughout.
 *
 * @param inputIds name of the graph's input that holds z, the noisy tokens
 */
export function appendUniformStateLoss(graph: Graph, options: HeadOptions, inputIds = 'input_ids'): void {
  const K = options.vocabSize;
  const z = graph.value(inputIds, 'int64');
  const x = graph.input(HEAD.targets, 'int64', ['batch', 'length']);
  const oneMinusAlpha = Unsqueeze(graph.input(HEAD.oneMinusAlpha, 'float64', ['batch']), [-1]); // [batch, 1]
  const known: [Value, Value, Value] = [z, x, oneMinusAlpha];
  const loss = lossAtPositions(graph, { ...options, maskTokenId: null }, known, (logits, ...row) =>
    lossOfRows(K, logits, ...row),
  );
  lossOutput(graph, loss, ['batch', 'length']);
}

/** @param logits [rows…, vocab]   @param z [rows…]   @param x [rows…]   @param oneMinusAlpha [rows…], or 1 for the last */
function lossOfRows(K: number, logits: Value, z: Value, x: Value, oneMinusAlpha: Value): Value {
  const alpha = Sub(1, oneMinusAlpha);
  const k = Div(Mul(alpha, K), oneMinusAlpha);

  const { lambda, yAt } = noisedProbabilities(logits, z, x, k, K);
  const y_z = yAt('z');
  const ln_y_z = exactLog(y_z);
  const ln_y_x = exactLog(yAt('x'));
  const onePlusK = Add(k, 1);
  const ln_onePlusK = exactLog(onePlusK);
  const K_k = Add(k, K);

  const differ = Sub(
    Add(Sub(Mul(K_k, Add(Sub(Div(1, y_z), 1), ln_y_z)), lambda), Mul(onePlusK, ln_onePlusK)),
    Mul(k, ln_y_x),
  );
  const same = Div(
    Sub(Add(Sub(Mul(K_k, Sub(Div(onePlusK, y_z), 1)), lambda), Mul(ln_y_z, K)), Mul(ln_onePlusK, K - 1)),
    onePlusK,
  );
  return Div(Where(Equal(x, z), same, differ), Mul(alpha, K));
}

/**
 * Of y_v = 1 + k·p_v, which uniform noise makes of the network's probabilities p: Λ = Σ_v ln y_v, and y at the tokens z and x.
 * @param logits [rows…, vocab]   @param z, x, k [rows…], k float64   @returns float64, [rows…]; y is computed where it is asked for
 */
export function noisedProbabilities(
  logits: Value,
  z: Value,
  x: Value,
  k: Value,
  vocabSize: number,
): { lambda: Value; yAt(token: 'z' | 'x'): Value } {
  const wide = vocabSize > TOY_VOCABULARY ? 'float32' : 'float64';
  const probabilities = Softmax(Cast(logits, { to: wide }));
  const lambda = sumOfLogs(probabilities, Unsqueeze(k, [-1]), vocabSize);
  const atBoth = float64(
    GatherElements(probabilities, Concat([Unsqueeze(z, [-1]), Unsqueeze(x, [-1])], { axis: -1 })),
  );
  return { lambda, yAt: (token) => Add(Mul(Gather(atBoth, token === 'z' ? 0 : 1, { axis: -1 }), k), 1) };
}

/**
 * Λ = Σ_v ln(1 + k·p_v), [batch, length], float64.
 *
 * The runtime's vector logarithm and the scalar one it uses at the ends of a thread's share differ in the last bit, so a
 * float32 sum of them would depend on batch and threads. Logarithms are therefore taken in float64, and the sum is rounded to
 * float32, which drops that bit. To save time they are taken of products of sixteen: of four in float32, and of four such
 * products in float64. A product of four stays in float32's range: it is at least 1 and, since the p_v sum to 1, at most
 * (1 + k/4)⁴. From k = 2³⁰ on, a power of two is divided out.
 *
 * @param k float64 [batch, 1, 1]
 */
function sumOfLogs(probabilities: Value, k: Value, vocabSize: number): Value {
  const { dtype } = probabilities;
  const scale = Where(Greater(k, 2 ** 30), k.graph.constant(2 ** -8, 'float64'), 1);
  const slope = Cast(Mul(k, scale), { to: dtype });
  const offset = Cast(scale, { to: dtype });
  const scaled = (from: number, to: number): Value => Add(Mul(part(probabilities, from, to), slope), offset);
  const sumOf = (values: Value): Value => ReduceSum(Log(values), { axes: [-1], keepdims: false });

  const sixteenth = Math.floor(vocabSize / 16);
  const quarter = 4 * sixteenth;
  const sums: Value[] = [];
  if (sixteenth > 0) {
    const ofFour = float64(productOfQuarters(quarter, scaled));
    sums.push(sumOf(productOfQuarters(sixteenth, (from, to) => part(ofFour, from, to))));
  }
  if (vocabSize > 4 * quarter) sums.push(sumOf(float64(scaled(4 * quarter, vocabSize))));
  const sum = sums.reduce((total, part) => Add(total, part));
  const dividedOut = Mul(exactLog(Squeeze(scale, [-1])), vocabSize);
  return float64(Cast(Sub(sum, dividedOut), { to: 'float32' }));
}

/** Entries [from, to) of the last of three axes. */
const part = (values: Value, from: number, to: number): Value =>
  Slice(values, { starts: [from], ends: [to], axes: [-1] });

/** The product of four adjoining ranges of one size, element by element. */
function productOfQuarters(size: number, range: (from: number, to: number) => Value): Value {
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => range(i * size, (i + 1) * size));
  return Mul(Mul(a, b), Mul(c, d));
}
