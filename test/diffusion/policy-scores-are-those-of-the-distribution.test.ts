/** The head of the exact likelihood over given logits, against float64. */
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { HEAD } from '../../src/diffusion/heads/head.js';
import { appendPolicyHead, POLICY_HEAD } from '../../src/diffusion/heads/policy-score.js';
import { isScored, UNMASKING_ORDERS, type UnmaskingOrder } from '../../src/diffusion/unmasking.js';
import { Graph } from '../../src/graph/graph.js';
import { Identity } from '../../src/graph/operators.js';

const [BATCH, LENGTH, VOCAB, MASK] = [3, 8, 37, 11];
const logits = Float32Array.from({ length: BATCH * LENGTH * VOCAB }, (_, i) => 4 * Math.sin(1.7 * i * i + i));
const rows = Array.from({ length: BATCH * LENGTH }, (_, r) => [Math.floor(r / LENGTH), r % LENGTH]);
const target = (r: number) => (r * 7) % MASK;

async function headOf(order: UnmaskingOrder, some: readonly number[]) {
  const graph = Graph.create('given_logits', { opset: 17 });
  graph.input('input_ids', 'int64', ['batch', 'length']);
  graph.output(Identity(graph.input('given', 'float32', ['batch', 'length', VOCAB])), 'logits');
  appendPolicyHead(graph, order, { logits: 'logits', vocabSize: VOCAB, maskTokenId: MASK });
  const session = await ort.InferenceSession.create(graph.toBytes(), { intraOpNumThreads: 1 });
  const int64 = (values: number[], dims: number[]) =>
    new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  const outputs = await session.run({
    input_ids: int64(
      rows.map(() => 0),
      [BATCH, LENGTH],
    ),
    given: new ort.Tensor('float32', logits, [BATCH, LENGTH, VOCAB]),
    [HEAD.rows]: int64(
      some.flatMap((r) => rows[r]),
      [some.length, 2],
    ),
    [HEAD.targets]: int64(some.map(target), [some.length]),
  });
  await session.release();
  return {
    logProbability: outputs[POLICY_HEAD.logProbability].data as Float64Array,
    score: outputs[POLICY_HEAD.score]?.data as Float32Array | undefined,
  };
}

/** ln p of every token of a row in float64, the mask left out. */
function logProbabilities(r: number): number[] {
  const row = [...logits.subarray(r * VOCAB, (r + 1) * VOCAB)].map((f, v) => (v === MASK ? -Infinity : f));
  const total = Math.log(row.reduce((sum, f) => sum + Math.exp(f), 0));
  return row.map((f) => f - total);
}

const SCORES: Record<string, (lnp: number[]) => number> = {
  'max-probability': (lnp) => Math.exp(Math.max(...lnp)),
  margin: (lnp) => {
    const [first, second] = [...lnp].sort((a, b) => b - a);
    return Math.exp(first) - Math.exp(second);
  },
  'log-margin': (lnp) => {
    const [first, second] = [...lnp].sort((a, b) => b - a);
    return first - second;
  },
  entropy: (lnp) => lnp.reduce((sum, one) => sum + (one === -Infinity ? 0 : Math.exp(one) * one), 0),
};

const all = rows.map((_, r) => r);

describe.each(UNMASKING_ORDERS)('the head of %s', (order) => {
  it('returns ln p of the true tokens, and the score of the distribution where there is one', async () => {
    const { logProbability, score } = await headOf(order, all);
    expect(score !== undefined).toBe(isScored(order));
    for (const r of all) {
      const expected = logProbabilities(r);
      expect(Math.abs(logProbability[r] - expected[target(r)])).toBeLessThan(2e-6);
      if (score) expect(Math.abs(score[r] - SCORES[order](expected))).toBeLessThan(2e-6);
    }
  });

  it('gives a row the same bits whatever the others are', async () => {
    const whole = await headOf(order, all);
    const some = [17, 3, 22, 8, 9, 1, 0, 23];
    const part = await headOf(order, some);
    expect([...part.logProbability]).toEqual(some.map((r) => whole.logProbability[r]));
    if (part.score) expect([...part.score]).toEqual(some.map((r) => whole.score![r]));
  });
});
