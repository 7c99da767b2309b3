/** About src/models/checkpoint.ts, src/diffusion/heads/head.ts and src/evals/perplexity/row-probe.ts. */
import { describe, expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { loadTokenizer } from '../../../src/datasets/tokenizer.js';
import { probeInspection } from '../../../src/evals/perplexity/inspection-probe.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { PolicyNetwork } from '../../../src/evals/perplexity/policy-network.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { Graph, type Value } from '../../../src/graph/graph.js';
import { Concat, CumSum, Gather, MatMul, Mul, ReduceSum, Slice, Sub } from '../../../src/graph/operators.js';
import {
  type Checkpoint,
  checkpointOf,
  checkpointOfGraph,
  describeCheckpoint,
} from '../../../src/models/checkpoint.js';
import { startDrawSession } from '../../../src/sampling/draw-session.js';
import { entry } from '../../../src/statistics/numbers.js';

const on = { provider: 'cpu', threads: 1 } as const;
const VOCABULARY = 24;
const MASK = 23;

/** Logits that depend on all tokens. @param late row i of the logits stands at row i − 1, as shifted networks are exported */
function network({ late = false, width = VOCABULARY, causal = false } = {}): Graph {
  const graph = Graph.create('network');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const weights = (rows: number, columns: number, phase: number) =>
    graph.initializer(
      'weights',
      'float32',
      [rows, columns],
      Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(phase + i * 1.7)),
    );
  const embedded = Gather(weights(width, 8, 0), ids);
  const summed = CumSum(embedded, 1);
  let states: Value = Mul(summed, 0.3);
  if (!causal) {
    const later = Sub(ReduceSum(embedded, { axes: [1], keepdims: true }), summed);
    states = Mul(Concat([embedded, summed, later], { axis: 2 }), 0.3);
  }
  if (late) {
    const [rest, last] = [
      Slice(states, { starts: [1], ends: [2 ** 31], axes: [1] }),
      Slice(states, { starts: [-1], ends: [2 ** 31], axes: [1] }),
    ];
    states = Concat([rest, last], { axis: 1 });
  }
  graph.output(MatMul(states, weights(causal ? 8 : 24, width, 1)), 'logits', ['batch', 'length', width]);
  return graph;
}

const own = () => checkpointOfGraph(network(), { family: 'mdlm', maskTokenId: MASK }, 'own rows');
const late = () =>
  checkpointOfGraph(
    network({ late: true }),
    { family: 'mdlm', maskTokenId: MASK, shiftLogits: true },
    'late rows',
  );

const texts = Array.from({ length: 5 }, (_, i) =>
  Int32Array.from({ length: 12 }, (_, l) => (l * l + 5 * i) % 20),
);
const options = {
  protocol: 'strict',
  draws: 4,
  seed: 1,
  estimator: 'plain',
  batch: null,
  until: null,
  sequences: true,
} as const;

async function perplexity(checkpoint: Checkpoint) {
  const source = await LossSession.start({ checkpoint, ...on });
  try {
    return await zeroShotPerplexity(source, packedTokens('text', texts), options);
  } finally {
    await source.close();
  }
}

describe('a graph whose rows stand one before their tokens', () => {
  // Row 0 stands nowhere in such a graph: the first token gets row 0 of what is there.
  const masked = [2, 5, 6, 11];
  const tokens = texts[0].map((token, l) => (masked.includes(l) ? MASK : token));

  it('has the log-probabilities of the graph whose rows stand at them', async () => {
    const asked = async (checkpoint: Checkpoint) => {
      const model = await PolicyNetwork.start({ checkpoint, ...on }, 'left-to-right');
      const targets = masked.map((l) => texts[0][l]);
      const [{ logProbability }] = await model.ask(
        [{ tokens, x: texts[0], positions: masked, targets, left: 4 }],
        'it',
      );
      await model.close();
      return Array.from(logProbability);
    };
    expect(await asked(late())).toEqual(await asked(own()));
  });

  it('has its draws', async () => {
    const drawn = async (checkpoint: Checkpoint) => {
      const session = await startDrawSession({ checkpoint, ...on });
      const uniforms = Float64Array.from(tokens, (_, l) => ((l + 1) * 0.618) % 1);
      const answer = await session.denoise({ tokens, batch: 1, length: 12, sigma: 0, uniforms });
      await session.close();
      return answer;
    };
    expect(await drawn(late())).toEqual(await drawn(own()));
  });

  it('has its losses, BOS apart', async () => {
    const losses = async (checkpoint: Checkpoint) => {
      const session = await LossSession.start({ checkpoint, ...on });
      const level = { t: null, alpha: 0.5, oneMinusAlpha: 0.5, sigma: 0, weight: 1 };
      const model = { ...batchModelOf(checkpoint, { seed: 3, wrapped: false }), neverMasked: [0] };
      const calls = texts.map((x, sequence) => ({ sequence, draw: 0, x, level }));
      const found = await session.losses(calls, model);
      await session.close();
      return found;
    };
    expect(await losses(late())).toEqual(await losses(own()));
  });
});

describe('a model that never masks the first token', () => {
  const given = () =>
    checkpointOfGraph(network(), { family: 'mdlm', maskTokenId: MASK, neverMasked: [0] }, 'given');

  it('scores the others alone', async () => {
    const { tokens, bySequence } = await perplexity(given());
    expect(tokens).toBe(5 * 11);
    expect(bySequence?.tokens).toEqual([11, 11, 11, 11, 11]);
    expect((await perplexity(own())).tokens).toBe(60);
  });

  it('has the same bound from exact counts as from masks of a probability', async () => {
    const estimate = async (estimator: 'plain' | 'exact-count') => {
      const source = await LossSession.start({ checkpoint: given(), ...on });
      const found = await zeroShotPerplexity(source, packedTokens('text', texts), {
        ...options,
        estimator,
        draws: 600,
      });
      await source.close();
      return found.metrics.nll;
    };
    const [plain, counted] = [await estimate('plain'), await estimate('exact-count')];
    const error = Math.hypot(plain.mcStderr ?? 0, counted.mcStderr ?? 0);
    expect(error).toBeLessThan(0.05);
    expect(Math.abs((plain.value ?? 0) - (counted.value ?? 0))).toBeLessThan(4 * error);
  });
});

describe('padding of the vocabulary', () => {
  it.each(['ar', 'mdlm'] as const)('takes no probability: %s', async (family) => {
    const causal = family === 'ar';
    const model = (textVocabSize?: number) =>
      checkpointOfGraph(
        network({ causal, width: 32 }),
        { family, maskTokenId: MASK, textVocabSize },
        'model',
      );
    const losses = async (checkpoint: Checkpoint) => (await perplexity(checkpoint)).losses.nats;
    const [cut, whole] = [await losses(model(VOCABULARY)), await losses(model())];
    for (let i = 0; i < texts.length; i++) expect(entry(cut, i)).toBeLessThan(entry(whole, i) - 0.5);
    const same = await losses(model(32));
    for (let i = 0; i < texts.length; i++) expect(entry(same, i)).toBe(entry(whole, i));
  });

  it('gives the rest what it had: the softmax of the tokens alone', async () => {
    const checkpoint = checkpointOfGraph(
      network({ width: 32 }),
      { family: 'mdlm', maskTokenId: MASK, textVocabSize: VOCABULARY },
      'model',
    );
    const model = await PolicyNetwork.start({ checkpoint, ...on }, 'left-to-right');
    const tokens = texts[0].map((token, l) => (l === 4 ? MASK : token));
    let sum = 0;
    for (let target = 0; target < MASK; target++) {
      const [{ logProbability }] = await model.ask(
        [{ tokens, x: tokens, positions: [4], targets: [target], left: 1 }],
        'it',
      );
      sum += Math.exp(logProbability[0]);
    }
    await model.close();
    expect(sum).toBeCloseTo(1, 6);
  });

  it('is no text', async () => {
    const checkpoint = checkpointOfGraph(
      network(),
      { family: 'mdlm', maskTokenId: MASK, textVocabSize: 10 },
      'cut',
    );
    await expect(perplexity(checkpoint)).rejects.toMatchObject({ code: 'token-outside-vocabulary' });
  });
});

describe('inspect asks', () => {
  const trained = (shiftLogits: boolean) =>
    checkpointOf(describeCheckpoint('fixtures/mdlm.onnx', { shiftLogits }));
  const tokenizer = () => loadTokenizer(trained(false).fields.tokenizer.value ?? '');
  const said = async (checkpoint: Checkpoint, withText = true) =>
    (await probeInspection(checkpoint, withText ? await tokenizer() : null)).remarks
      .map(({ message }) => message)
      .join('\n');

  it('whether rows are read where they stand', async () => {
    expect(await said(trained(false))).not.toMatch(/row (before|after)/);
    expect(await said(trained(true))).toMatch(
      /the row after a masked token's own knows it better, by \d\.\d nats/,
    );
    expect(await said(trained(true), false)).not.toMatch(/row (before|after)/);
  });

  it('whether a shift is missing', async () => {
    const checkpoint = trained(false);
    const moved = { ...checkpoint, graph: () => movedUp(checkpoint.graph()) };
    expect(await said(moved)).toMatch(/the row before a masked token's own/);
  });

  it('whether a token sees later ones', async () => {
    expect(await said(trained(false))).toMatch(/sees tokens on both sides/);
    const model = (attention: 'causal' | 'full', causal: boolean) =>
      checkpointOfGraph(network({ causal }), { family: 'mdlm', maskTokenId: MASK, attention }, 'model');
    expect(await said(model('causal', true))).toMatch(/sees no later token/);
    expect(await said(model('full', true))).toMatch(/The network is causal/);
    expect(await said(model('causal', false))).toMatch(/but the card says that attention is causal/);
  });
});

/** The graph with its rows one earlier, as a network that was trained with a shift is exported. */
function movedUp(graph: Graph): Graph {
  const logits = graph.value('logits', 'float32');
  const part = (starts: number) => Slice(logits, { starts: [starts], ends: [2 ** 31], axes: [1] });
  const moved = Concat([part(1), part(-1)], { axis: 1 });
  const before = 'logits_before';
  for (const node of graph.proto.node) {
    node.output = node.output.map((name) => (name === 'logits' ? before : name));
    node.input = node.input.map((name) => (name === 'logits' ? before : name));
  }
  graph.proto.node[graph.proto.node.length - 1].output = ['logits'];
  expect(moved.dtype).toBe('float32');
  return graph;
}
