import { readFileSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { HEAD } from '../../src/diffusion/heads/head.js';
import { gradients } from '../../src/graph/differentiate/gradients.js';
import { prune } from '../../src/graph/prune.js';
import { fillWeights } from '../../src/graph/write.js';
import type { Dimensions } from '../../src/models/architectures/dimensions.js';
import { bytesOfSource } from '../../src/models/weights/weight-source.js';
import { objectiveGraph, TOKEN_WEIGHTS } from '../../src/training/objective.js';
import { hashed, oracleWeight } from './oracle-weights.js';

interface Case {
  family: 'ar' | 'mdlm' | 'sedd' | 'duo';
  dimensions: Dimensions;
  maskTokenId: number | null;
  x: number[][];
  z: number[][];
  oneMinusAlpha: number[];
  sigma: number[];
  loss: number;
  /** Of each parameter: norm, and two projections. */
  gradients: [number, number, number][];
}
const { cases } = JSON.parse(readFileSync(new URL('../oracles/gradients.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

const int64 = (values: number[], dims: number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);

function feedsOf({ family, maskTokenId, x, z, oneMinusAlpha, sigma }: Case): Record<string, ort.Tensor> {
  const [batch, length] = [x.length, x[0].length];
  const perToken = 1 / (batch * length);
  const weights = (dims: number[]) =>
    new ort.Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)).fill(perToken), dims);
  const level = (values: number[]) => new ort.Tensor('float64', Float64Array.from(values), [values.length]);
  const ids = { input_ids: int64(z.flat(), [batch, length]) };
  if (family === 'ar') {
    return {
      ...ids,
      [HEAD.targets]: int64(x.flat(), [batch, length]),
      [TOKEN_WEIGHTS]: weights([batch, length]),
    };
  }
  const network = { ...ids, sigma: new ort.Tensor('float32', Float32Array.from(sigma), [batch]) };
  if (family === 'duo') {
    return {
      ...network,
      [HEAD.targets]: int64(x.flat(), [batch, length]),
      [HEAD.oneMinusAlpha]: level(oneMinusAlpha),
      [TOKEN_WEIGHTS]: weights([batch, length]),
    };
  }
  const rows = z.flatMap((row, b) => row.flatMap((token, l) => (token === maskTokenId ? [[b, l]] : [])));
  return {
    ...network,
    [HEAD.rows]: int64(rows.flat(), [rows.length, 2]),
    [HEAD.targets]: int64(
      rows.map(([b, l]) => x[b][l]),
      [rows.length],
    ),
    [HEAD.oneMinusAlpha]: level(rows.map(([b]) => oneMinusAlpha[b])),
    [TOKEN_WEIGHTS]: weights([rows.length]),
  };
}

describe.each(cases.map((one) => [one.family, one.dimensions.vocabSize, one] as const))(
  '%s with %i tokens',
  (family, _vocabulary, one) => {
    it.each([
      ['fused', true],
      ['plain', false],
    ])(
      'has the gradient of an independent implementation at every weight, in its %s form',
      async (_form, fused) => {
        const [batch, length] = [one.x.length, one.x[0].length];
        const { dimensions, maskTokenId } = one;
        const { graph, parameters, objective } = objectiveGraph({
          family,
          dimensions,
          maskTokenId,
          batch,
          length,
          fused,
        });
        const weights = parameters.map(({ name }) => graph.value(name, 'float32'));
        const atWeights = gradients(objective, weights);
        graph.output(objective, 'objective', []);
        for (const [i, gradient] of atWeights.entries()) graph.output(gradient, `gradient.${i}`);
        prune(graph.proto);
        await fillWeights(
          graph,
          bytesOfSource(parameters, (parameter) => [oracleWeight(parameter, parameters.indexOf(parameter))]),
        );
        const session = await ort.InferenceSession.create(graph.toBytes(), { logSeverityLevel: 4 });
        const outputs = await session.run(feedsOf(one));
        await session.release();

        expect(Math.abs(Number(outputs.objective.data[0]) / one.loss - 1)).toBeLessThan(1e-5);
        const errors = parameters.map((_, p) => {
          const found = outputs[`gradient.${p}`].data as Float32Array;
          const r = hashed(2 * found.length, 77);
          const sums = [0, 0, 0];
          for (const [i, g] of found.entries()) {
            sums[0] += g * g;
            sums[1] += g * r[i];
            sums[2] += g * r[i + found.length];
          }
          sums[0] = Math.sqrt(sums[0]);
          const norm = one.gradients[p][0];
          return Math.max(...sums.map((sum, i) => Math.abs(sum - one.gradients[p][i]))) / norm;
        });
        expect(Math.max(...errors)).toBeLessThan(1e-4);
      },
    );
  },
);
