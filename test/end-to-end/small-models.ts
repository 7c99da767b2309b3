/** Small checkpoints made for a test: logits that depend on the token alone, over the bytes and one boundary token. */
import { Graph, type Value } from '../../src/graph/graph.js';
import { Add, Cast, Gather, MatMul, Mul, Unsqueeze } from '../../src/graph/operators.js';
import type { Card } from '../../src/models/card.js';
import { onesAdded } from '../models/loop-graph.js';
import { fixture } from '../support/run.js';
import type { Workspace } from '../support/workspace.js';

/** Tokens of fixtures/tokenizer: 256 bytes and the boundary. */
export const byteTokens = 257;

export interface SmallModel {
  vocabSize?: number;
  batch?: number | string;
  length?: number | string;
  /** Name of the output. */
  output?: string;
  /** Logit of token w where token v is read. */
  logit?: (read: number, scored: number) => number;
  /** Adds `sigma · slope[w]` to the logit of token w; without it the graph has no input sigma. */
  sigmaSlope?: (scored: number) => number;
}

/** A bigram table as a graph. */
export function smallModel(options: SmallModel = {}): Graph {
  const { vocabSize = byteTokens, batch = 'batch', length = 'length', output = 'logits' } = options;
  const logit = options.logit ?? ((read, scored) => Math.sin(3 * read + scored));
  const graph = Graph.create('small');
  const ids = graph.input('input_ids', 'int64', [batch, length]);
  const sigma = options.sigmaSlope ? graph.input('sigma', 'float32', [batch]) : null;
  const table = Float32Array.from({ length: vocabSize * vocabSize }, (_, i) =>
    logit(Math.floor(i / vocabSize), i % vocabSize),
  );
  let logits: Value = Gather(graph.initializer('table', 'float32', [vocabSize, vocabSize], table), ids);
  if (sigma) {
    const slope = Float32Array.from({ length: vocabSize }, (_, w) => options.sigmaSlope!(w));
    const slopes = graph.initializer('slope', 'float32', [vocabSize], slope);
    logits = Add(logits, Mul(Unsqueeze(Cast(sigma, { to: 'float32' }), [1, 2]), slopes));
  }
  graph.output(logits, output, [batch, length, vocabSize]);
  return graph;
}

/** Logits, and the states that they come from, that wait for a `Loop` whose condition is always true. */
export function endless(): Graph {
  const graph = Graph.create('endless');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const first = Cast(Gather(Gather(ids, 0), 0), { to: 'float32' });
  const y = onesAdded(graph, first, null);
  const zeros = new Float32Array(2 * byteTokens);
  const states = Add(Gather(graph.initializer('table', 'float32', [byteTokens, 2], zeros), ids), Mul(y, 0));
  const logits = MatMul(states, graph.initializer('words', 'float32', [2, byteTokens], zeros));
  graph.output(logits, 'logits', ['batch', 'length', byteTokens]);
  return graph;
}

/** What a card of such a model says, unless told otherwise. */
export const smallCard = (card: Card = {}): Card => ({
  family: 'ar',
  tokenizer: fixture('tokenizer'),
  length: 16,
  bosTokenId: 256,
  eosTokenId: 256,
  ...card,
});

/** Writes `name.onnx` and its card. @returns the name of the model file */
export function writeModel(space: Workspace, name: string, graph: Graph, card: Card = {}): string {
  space.write(`${name}.card.json`, JSON.stringify(smallCard(card)));
  return space.write(`${name}.onnx`, graph.toBytes());
}
