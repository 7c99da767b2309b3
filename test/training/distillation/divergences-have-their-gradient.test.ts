import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { gradients } from '../../../src/graph/differentiate/gradients.js';
import { Graph } from '../../../src/graph/graph.js';
import { LogSoftmax, ReduceSum } from '../../../src/graph/operators.js';
import { klDivergence } from '../../../src/training/distillation/objective.js';

const ROWS = 3;
const K = 7;
const logits = [1, 2].map((seed) =>
  Float64Array.from({ length: ROWS * K }, (_, i) => 2 * Math.sin(5 * seed * i + i * i)),
);

const logSoftmax = (row: Float64Array) => {
  const log = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
  return row.map((value) => value - log);
};

/** Σ over rows of Σ p (ln p − ln q). */
function divergence(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < ROWS; row++) {
    const [p, q] = [a, b].map((values) => logSoftmax(values.slice(row * K, (row + 1) * K)));
    for (let v = 0; v < K; v++) sum += Math.exp(p[v]) * (p[v] - q[v]);
  }
  return sum;
}

it('as central differences have it, at either side', async () => {
  const graph = Graph.create('divergence');
  const inputs = ['a', 'b'].map((name) => graph.input(name, 'float64', [ROWS, K]));
  const [p, q] = inputs.map((input) => LogSoftmax(input));
  const total = ReduceSum(klDivergence(p, q), { axes: [0], keepdims: false });
  const atInputs = gradients(total, inputs);
  graph.output(total, 'total', []);
  for (const [i, gradient] of atInputs.entries()) graph.output(gradient, `gradient_${i}`);
  const session = await ort.InferenceSession.create(graph.toBytes(), { logSeverityLevel: 4 });
  const [a, b] = logits.map((values) => new ort.Tensor('float64', values, [ROWS, K]));
  const outputs = await session.run({ a, b });
  await session.release();

  expect(Math.abs(Number(outputs.total.data[0]) - divergence(logits[0], logits[1]))).toBeLessThan(1e-12);
  const h = 1e-5;
  for (const side of [0, 1]) {
    for (let i = 0; i < ROWS * K; i++) {
      const [up, down] = [h, -h].map((by) => {
        const moved = logits.map((values) => values.slice());
        moved[side][i] += by;
        return divergence(moved[0], moved[1]);
      });
      const found = Number(outputs[`gradient_${side}`].data[i]);
      expect(Math.abs(found - (up - down) / (2 * h))).toBeLessThan(1e-8);
    }
  }
});
