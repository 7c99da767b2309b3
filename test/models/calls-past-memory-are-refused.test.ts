import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.js';
import { Add, Gather, MatMul, Mul, ReduceSum, Softmax, Transpose } from '../../src/graph/operators.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { checkMemory } from '../../src/models/memory-budget.js';
import { smallNetwork } from '../graph/small-network.js';

const GB = 1e9;
const opened = (graph: Graph) => checkpointOfGraph(graph, { family: 'ar' }, 'small');
const refusal = (message: string) =>
  expect.objectContaining({
    code: 'call-past-memory',
    exitCode: 3,
    message: expect.stringContaining(message),
  });

/** The small network with attention of all positions to all, written out. */
function attending(): Graph {
  const graph = smallNetwork({ logits: 'plain' });
  const ids = graph.value('input_ids', 'int64');
  const states = Gather(graph.value('embedding', 'float32'), ids);
  const seen = MatMul(Softmax(MatMul(states, Transpose(states, { perm: [0, 2, 1] }))), states);
  const influence = Mul(ReduceSum(seen, { axes: [2], keepdims: true }), 0);
  graph.output(Add(graph.value('plain'), influence), 'logits', ['batch', 'length', 32]);
  return graph;
}

describe('a call that cannot fit into memory', () => {
  it('is refused for a batch that the graph insists on', () => {
    const checkpoint = opened(smallNetwork({ batch: 1_000_000 }));
    expect(() => checkMemory(checkpoint, { length: 1024 }, 16 * GB)).toThrow(
      refusal('a call of 1000000 × 1024 tokens needs at least 81.9 GB; this process may use 16 GB'),
    );
    expect(() => checkMemory(checkpoint, { length: 16 }, 16 * GB)).not.toThrow();
  });

  it('is refused for the square of a length that attention is written out for', () => {
    expect(() => checkMemory(opened(attending()), { length: 1_000_000 }, 16 * GB)).toThrow(
      refusal('1 × 1000000 tokens needs at least 4,000 GB'),
    );
    expect(() => checkMemory(opened(attending()), { length: 10_000 }, 16 * GB)).not.toThrow();
    expect(() => checkMemory(opened(smallNetwork()), { length: 1_000_000 }, 16 * GB)).not.toThrow();
  });
});
