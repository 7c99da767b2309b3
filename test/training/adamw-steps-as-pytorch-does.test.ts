import { readFileSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Mul } from '../../src/graph/operators.js';
import {
  type AdamWOptions,
  adamWInputs,
  adamWScalars,
  adamWStep,
  clippingFactor,
  globalNorm,
} from '../../src/training/optimizer.js';
import { hashed } from './oracle-weights.js';

const SIZE = 12;
const { cases } = JSON.parse(readFileSync(new URL('../oracles/adamw.json', import.meta.url), 'utf8')) as {
  cases: (AdamWOptions & { norms: number[]; weights: number[] })[];
};

const vector = (values: Float64Array) => new ort.Tensor('float32', Float32Array.from(values), [SIZE]);

it.each(cases)('with β = ($beta1, $beta2), ε = $epsilon, λ = $weightDecay', async (options) => {
  const graph = Graph.create('adamw');
  const input = (name: string) => graph.input(name, 'float32', [SIZE]);
  const state = { weights: input('weights'), first: input('first'), second: input('second') };
  const gradient = input('gradient');
  const norm = globalNorm(gradient);
  const next = adamWStep(state, Mul(gradient, clippingFactor(norm, 1)), adamWInputs(graph), options);
  graph.output(norm, 'norm');
  for (const [name, value] of Object.entries(next)) graph.output(value, `next_${name}`);
  const session = await ort.InferenceSession.create(graph.toBytes(), { logSeverityLevel: 4 });

  const zeros = () => vector(new Float64Array(SIZE));
  let [weights, first, second]: ort.Tensor[] = [vector(hashed(SIZE, 0).map((h) => 4 * h)), zeros(), zeros()];
  for (const [i, expected] of options.norms.entries()) {
    const t = i + 1;
    const scalars = Object.entries(adamWScalars(options, t, 0.05 / t)).map(([name, value]) => [
      name,
      new ort.Tensor('float32', Float32Array.of(value), []),
    ]);
    const outputs = await session.run({
      ...Object.fromEntries(scalars),
      weights,
      first,
      second,
      gradient: vector(hashed(SIZE, t).map((h) => (6 * h) / t)),
    });
    expect(Number(outputs.norm.data[0])).toBeCloseTo(expected, 5);
    [weights, first, second] = [outputs.next_weights, outputs.next_first, outputs.next_second];
  }
  await session.release();
  const differences = options.weights.map((weight, i) => Math.abs(weight - Number(weights.data[i])));
  expect(Math.max(...differences)).toBeLessThan(1e-6);
});
