import ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { HEAD } from '../../src/diffusion/heads/head.js';
import { gradients } from '../../src/graph/differentiate/gradients.js';
import { prune } from '../../src/graph/prune.js';
import { fillWeights } from '../../src/graph/write.js';
import { bytesOfSource } from '../../src/models/weights/weight-source.js';
import { MIXTURE, type Mixture } from '../../src/training/mixture.js';
import { objectiveGraph, TOKEN_WEIGHTS } from '../../src/training/objective.js';
import { oracleWeight } from './oracle-weights.js';

const [batch, length, vocabSize] = [2, 5, 9];
const dimensions = { hiddenSize: 8, conditionSize: 6, blocks: 1, heads: 2, vocabSize, length };
const tokens = batch * length;
const z = Array.from({ length: tokens }, (_, i) => (i * 5 + 2) % vocabSize);
const x = z.map((token, i) => (i % 3 === 0 ? (token + 1) % vocabSize : token));

const int64 = (values: number[], dims: number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
const float32 = (values: number[], dims: number[]) =>
  new ort.Tensor('float32', Float32Array.from(values), dims);

const shared = {
  input_ids: int64(z, [batch, length]),
  sigma: float32([0.3, 1.2], [batch]),
  [HEAD.targets]: int64(x, [batch, length]),
  [HEAD.oneMinusAlpha]: new ort.Tensor('float64', Float64Array.of(0.26, 0.7), [batch]),
  [TOKEN_WEIGHTS]: float32(Array(tokens).fill(1 / tokens), [batch, length]),
};

/** Objective and gradients, all in one list. */
async function evaluate(reads: 'tokens' | Mixture, feeds: Record<string, ort.Tensor>): Promise<number[]> {
  const { graph, objective, parameters } = objectiveGraph({
    family: 'duo',
    dimensions,
    maskTokenId: null,
    batch,
    length,
    reads,
  });
  const made = gradients(
    objective,
    parameters.map(({ name }) => graph.value(name, 'float32')),
  );
  graph.output(objective, 'objective');
  for (const [i, gradient] of made.entries()) graph.output(gradient, `gradient.${i}`);
  prune(graph.proto);
  await fillWeights(
    graph,
    bytesOfSource(parameters, (parameter) => [oracleWeight(parameter, parameters.indexOf(parameter))]),
  );
  const session = await ort.InferenceSession.create(graph.toBytes(), { logSeverityLevel: 4 });
  const outputs = await session.run({ ...shared, ...feeds });
  await session.release();
  return session.outputNames.flatMap((name) => [...(outputs[name].data as Float32Array)]);
}

const largestDifference = (a: number[], b: number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i])), Math.abs(a.length - b.length));

it('with all its share on z a mixture gives the loss and the gradients of z', async () => {
  const byToken = await evaluate('tokens', {});
  const sharpest = await evaluate(
    { mixture: 'kept', kept: 2 },
    {
      [MIXTURE.tokens]: int64(
        z.flatMap((token) => [(token + 3) % vocabSize, token]),
        [batch, length, 2],
      ),
      [MIXTURE.shares]: float32(
        z.flatMap(() => [0, 1]),
        [batch, length, 2],
      ),
    },
  );
  expect(largestDifference(sharpest, byToken)).toBeLessThan(1e-5);
  const latent = z.flatMap((token) => Array.from({ length: vocabSize }, (_, v) => Number(v === token)));
  const cold = await evaluate(
    { mixture: 'whole' },
    {
      [MIXTURE.latent]: float32(latent, [batch, length, vocabSize]),
      [MIXTURE.inverseTemperature]: float32([200], []),
    },
  );
  expect(largestDifference(cold, byToken)).toBeLessThan(1e-5);
});

it('with every entry kept it is the softmax of the whole', async () => {
  const latent = Array.from({ length: tokens * vocabSize }, (_, i) => Math.sin(i * i));
  const rows = z.map((_, i) => {
    const powers = latent.slice(i * vocabSize, (i + 1) * vocabSize).map((w) => Math.exp(2 * w));
    const total = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / total);
  });
  const whole = await evaluate(
    { mixture: 'whole' },
    {
      [MIXTURE.latent]: float32(latent, [batch, length, vocabSize]),
      [MIXTURE.inverseTemperature]: float32([2], []),
    },
  );
  const order = Array.from({ length: vocabSize }, (_, v) => (v * 4) % vocabSize);
  const kept = await evaluate(
    { mixture: 'kept', kept: vocabSize },
    {
      [MIXTURE.tokens]: int64(
        rows.flatMap(() => order),
        [batch, length, vocabSize],
      ),
      [MIXTURE.shares]: float32(
        rows.flatMap((row) => order.map((v) => row[v])),
        [batch, length, vocabSize],
      ),
    },
  );
  expect(largestDifference(kept, whole)).toBeLessThan(1e-5);
});
