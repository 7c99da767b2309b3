/** A toy that follows "Add a loss" of CONTRIBUTING.md: cross-entropy with smoothed labels. */
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { HEAD, type HeadOptions, lossOutput } from '../../src/diffusion/heads/head.js';
import { lossAtPositions } from '../../src/diffusion/heads/rows.js';
import { gradients } from '../../src/graph/differentiate/gradients.js';
import { fixAxes } from '../../src/graph/fix-axes.js';
import { Graph } from '../../src/graph/graph.js';
import {
  Add,
  GatherElements,
  Identity,
  LogSoftmax,
  Mul,
  Neg,
  ReduceMean,
  ReduceSum,
  Squeeze,
  Unsqueeze,
} from '../../src/graph/operators.js';

const SMOOTHING = 0.1;
const [BATCH, LENGTH, K] = [2, 3, 5];

// Step 1: the head. Loss of a position: (1−ε)·(−ln p(x)) + ε·mean over v of −ln p(v).
function smoothedLoss(graph: Graph, options: HeadOptions): void {
  const targets = graph.input(HEAD.targets, 'int64', ['batch', 'length']);
  const constant = (name: string, value: number) =>
    graph.initializer(name, 'float32', [], Float32Array.of(value));
  const [share, rest] = [constant('share', 1 - SMOOTHING), constant('rest', SMOOTHING)];
  const loss = lossAtPositions(graph, options, [targets], (logits, target) => {
    const logs = LogSoftmax(logits);
    const atTarget = Squeeze(GatherElements(logs, Unsqueeze(target, [-1])), [-1]);
    const mean = ReduceMean(logs, { axes: [-1], keepdims: false });
    return Neg(Add(Mul(atTarget, share), Mul(mean, rest)));
  });
  lossOutput(graph, loss, ['batch', 'length']);
}

function graphWithLoss(): Graph {
  const graph = Graph.create('toy', { opset: 17 });
  graph.output(Identity(graph.input('given', 'float32', ['batch', 'length', K])), 'logits');
  smoothedLoss(graph, { logits: 'logits', vocabSize: K, maskTokenId: null });
  return graph;
}

const logits = Float32Array.from({ length: BATCH * LENGTH * K }, (_, i) => 2 * Math.sin(1 + 3 * i));
const targets = [0, 3, 1, 4, 4, 2];
const feeds = () => ({
  given: new ort.Tensor('float32', logits, [BATCH, LENGTH, K]),
  [HEAD.targets]: new ort.Tensor('int64', BigInt64Array.from(targets, BigInt), [BATCH, LENGTH]),
});

// Step 2: the formula once more, in float64 and without a graph.
const softmax = (i: number): number[] => {
  const row = Array.from(logits.slice(i * K, (i + 1) * K), Math.exp);
  const sum = row.reduce((a, b) => a + b, 0);
  return row.map((value) => value / sum);
};
const expectedLoss = (x: number, i: number): number => {
  const logs = softmax(i).map(Math.log);
  return -(1 - SMOOTHING) * logs[x] - (SMOOTHING * logs.reduce((a, b) => a + b, 0)) / K;
};

describe('a loss that is added as CONTRIBUTING.md says', () => {
  it('has the values of its formula', async () => {
    const session = await ort.InferenceSession.create(graphWithLoss().toBytes());
    const { [HEAD.loss]: loss } = await session.run(feeds());
    await session.release();
    for (const [i, x] of targets.entries()) expect(loss.data[i]).toBeCloseTo(expectedLoss(x, i), 5);
  });

  // Step 4: training needs its gradient, which follows from the operators.
  it('has a gradient, which is softmax minus the smoothed label', async () => {
    const graph = graphWithLoss();
    graph.clearOutputs();
    const total = ReduceSum(graph.value(HEAD.loss, 'float32'), { axes: [0, 1], keepdims: false });
    fixAxes(graph, { batch: BATCH, length: LENGTH });
    const [gradient] = gradients(total, [graph.value('given', 'float32')]);
    graph.output(gradient, 'gradient', [BATCH, LENGTH, K]);
    const session = await ort.InferenceSession.create(graph.toBytes());
    const result = await session.run(feeds());
    await session.release();
    for (const [i, x] of targets.entries())
      for (const [v, probability] of softmax(i).entries()) {
        const label = SMOOTHING / K + (v === x ? 1 - SMOOTHING : 0);
        expect(result.gradient.data[i * K + v]).toBeCloseTo(probability - label, 5);
      }
  });
});
