/** About src/graph/differentiate/rules/fused.ts and src/models/architectures/decoder.ts */
import ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { gradients } from '../../../src/graph/differentiate/gradients.js';
import { fixAxes } from '../../../src/graph/fix-axes.js';
import { Mul, ReduceSum } from '../../../src/graph/operators.js';
import { prune } from '../../../src/graph/prune.js';
import { fillWeights } from '../../../src/graph/write.js';
import { decoderGraph } from '../../../src/models/architectures/decoder.js';
import {
  type DecoderDimensions,
  decoderParameters,
} from '../../../src/models/architectures/decoder-dimensions.js';
import { bytesOfSource } from '../../../src/models/weights/weight-source.js';
import { kinds } from '../../models/architectures/decoders.js';
import { int64, numbers, oracleWeight } from '../../models/architectures/networks.js';

const ids = [
  [5, 0, 12, 7, 7],
  [3, 9, 1, 11, 2],
];

/** At every parameter, of Σ weight · logit. @param factorOf a parameter, by which its elements are multiplied */
async function gradientsOf(
  dimensions: DecoderDimensions,
  fused: boolean,
  factorOf: (place: number) => number = () => 1,
) {
  const graph = decoderGraph(dimensions, { fused, cached: false });
  const parameters = decoderParameters(dimensions);
  await fillWeights(
    graph,
    bytesOfSource(parameters, (parameter) => {
      const place = parameters.findIndex(({ name }) => name === parameter.name);
      return [oracleWeight(parameter, place).map((value) => value * factorOf(place))];
    }),
  );
  const { vocabSize: V } = dimensions;
  const weights = Float32Array.from({ length: 10 * V }, (_, i) => Math.sin(3 * i + 1));
  const logits = graph.value('logits', 'float32');
  const loss = ReduceSum(Mul(logits, graph.initializer('weights', 'float32', [2, 5, V], weights)), {
    axes: [0, 1, 2],
    keepdims: false,
  });
  graph.clearOutputs();
  fixAxes(graph, { batch: 2, length: 5 });
  const at = gradients(
    loss,
    parameters.map(({ name }) => graph.value(name, 'float32')),
  );
  graph.output(loss, 'loss', []);
  for (const [i, gradient] of at.entries()) graph.output(gradient, `at.${parameters[i].name}`);
  prune(graph.proto);
  const session = await ort.InferenceSession.create(graph.toBytes(), {
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });
  return (await session.run({ input_ids: int64(ids) })) as Record<string, ort.Tensor>;
}

const forms = Object.entries(kinds).flatMap(([name, dimensions]) =>
  (['causal', 'full'] as const).map((attention): [string, string, DecoderDimensions] => [
    name,
    attention,
    { ...dimensions, attention, ...(attention === 'full' && { shift: true }) },
  ]),
);

it.each(forms)(
  'a decoder like %s with %s attention has the same gradients fused and plain',
  async (_name, _attention, form) => {
    const [fused, plain] = [await gradientsOf(form, true), await gradientsOf(form, false)];
    for (const { name } of decoderParameters(form)) {
      const [a, b] = [numbers(fused[`at.${name}`]), numbers(plain[`at.${name}`])];
      const size = Math.max(...b.map(Math.abs));
      const largest = Math.max(...a.map((value, i) => Math.abs(value - b[i])));
      // Keys' biases move all scores of a query alike: their gradient is 0 but for rounding where positions do not turn them.
      expect(largest, name).toBeLessThan(1e-4 * Math.max(size, 1));
    }
  },
);

it.each(forms)(
  'a decoder like %s with %s attention loses what its gradients say when all weights change',
  async (_name, _attention, form) => {
    const step = 1e-3;
    const parameters = decoderParameters(form);
    const at = await gradientsOf(form, true);
    const directionOf = (place: number) => Math.sin(5 * place + 1);
    const terms = parameters.map((parameter, place) => {
      const weight = oracleWeight(parameter, place);
      const gradient = numbers(at[`at.${parameter.name}`]);
      return directionOf(place) * gradient.reduce((sum, value, i) => sum + value * weight[i], 0);
    });
    const lossAt = async (factor: number) =>
      Number((await gradientsOf(form, true, (place) => 1 + factor * directionOf(place))).loss.data[0]);
    const found = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    const expected = terms.reduce((a, b) => a + b);
    const size = Math.max(...terms.map(Math.abs));
    expect(Math.abs(found - expected)).toBeLessThan(0.01 * size);
  },
);
