import { Graph, type Value } from '../../src/graph/graph.js';
import { Add, Identity } from '../../src/graph/operators.js';
import type { Feeds } from '../../src/models/feeds.js';

/** `first` and 1, `count` times, one by one; without a count, for ever. */
export function onesAdded(graph: Graph, first: Value, count: Value | null): Value {
  const body = graph.body('body');
  body.input('iteration', 'int64', []);
  const goOn = body.input('go_on', 'bool', []);
  const sum = body.input('sum', 'float32', []);
  body.output(Identity(goOn), 'go_on_next');
  body.output(Add(sum, 1), 'sum_next');
  const always = graph.initializer('always', 'bool', [], [1]);
  const [y] = graph.node('Loop', [count, always, first], { outputs: ['float32'], attributes: { body } });
  return y;
}

/** y = 1 + … + 1, `count` times: a call that takes as long as one likes (about 1 s a million). */
export function loopGraph(): Uint8Array {
  const graph = Graph.create('loop');
  const count = graph.input('count', 'int64', []);
  graph.output(onesAdded(graph, graph.constant(0, 'float32'), count), 'y', []);
  return graph.toBytes();
}

export const times = (count: number): Feeds => ({
  count: { type: 'int64', data: BigInt64Array.of(BigInt(count)), dims: [] },
});
