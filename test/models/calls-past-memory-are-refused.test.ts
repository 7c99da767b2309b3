/** About src/models/memory-budget.ts, src/models/stored-weights.ts and src/models/session-options.ts */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add, Cast, Gather, MatMul, Mul, ReduceSum, Softmax, Transpose } from '../../src/graph/operators.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { checkMemory } from '../../src/models/memory-budget.js';
import { startSession } from '../../src/models/session.js';
import { sessionOptions } from '../../src/models/session-options.js';
import { weightMemory } from '../../src/models/stored-weights.js';
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

  it('is told from weights that cannot, with what would help', () => {
    const graph = smallNetwork();
    const [table] = graph.proto.initializer;
    table.dims = [32n, 1_000_000_000n];
    expect(() => checkMemory(opened(graph), { length: 8 }, 16 * GB)).toThrow(
      expect.objectContaining({
        code: 'weights-past-memory',
        message: expect.stringContaining('its weights need at least 128 GB once they are loaded'),
        hint: expect.stringContaining('--dtype int8 or int4'),
      }),
    );
  });
});

/** y = x·(W₁ + W₂ + W₃) for matrices of float16 of 1,600 bytes each, with so much memory. */
async function halves(memory: number) {
  const graph = Graph.create('halves');
  const x = graph.input('x', 'float32', [1, 20]);
  const products = [1, 2, 3].map((n) => {
    const bits = Uint16Array.from({ length: 800 }, (_, i) => 0x2800 + 7 * n * (i % 300));
    const weight = graph.initializer(`W${n}`, 'float16', [20, 40], new Uint8Array(bits.buffer));
    return MatMul(x, Cast(weight, { to: 'float32' }));
  });
  graph.output(Add(Add(products[0], products[1]), products[2]), 'y', [1, 40]);
  const bytes = graph.toBytes();
  const session = await startSession({ graph: bytes, folder: '', threads: 1, label: 'halves', memory });
  const data = Float32Array.from({ length: 20 }, (_, i) => Math.sin(i));
  const { y } = await session.run({ x: { type: 'float32', data, dims: [1, 20] } }, { label: 'it' });
  await session.close();
  return { y: [...(y.data as Float32Array)], ...weightMemory(graph, memory) };
}

describe('weights of float16', () => {
  it('are widened at each call where memory is short, and give the same numbers', async () => {
    const [wide, short] = [await halves(GB), await halves(12_000)];
    expect(wide).toMatchObject({ bytes: 3 * 3200, widensAtEachCall: false });
    // As stored, and one matrix as float32.
    expect(short).toMatchObject({ bytes: 3 * 1600 + 3200, widensAtEachCall: true });
    expect(short.y).toEqual(wide.y);
    expect(Math.max(...wide.y)).toBeGreaterThan(0.1);
  });

  it('are laid out so by the runtime: its session then keeps the casts', () => {
    const options = { folder: '', provider: 'cpu', threads: 1, memoryPattern: false } as const;
    expect(sessionOptions({ ...options, widensAtEachCall: true }).extra).toMatchObject({
      optimization: { disable_specified_optimizers: 'ConstantFolding' },
    });
    expect(sessionOptions(options).extra).toBeUndefined();
  });
});
