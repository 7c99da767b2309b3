import { describe, expect, it } from 'vitest';
import { Graph, type Value } from '../../src/graph/graph.js';
import {
  Add,
  ConstantOfShape,
  Gather,
  MatMul,
  Min,
  Range,
  Shape,
  Unsqueeze,
} from '../../src/graph/operators.js';
import type { Feeds } from '../../src/models/feeds.js';
import { runFailed } from '../../src/models/runtime-error.js';
import { startSession } from '../../src/models/session.js';

const ids = (...values: number[]): Feeds => ({
  ids: { type: 'int64', data: BigInt64Array.from(values, BigInt), dims: [values.length] },
});

describe('a call that fails', () => {
  it('names sequence, node and reason in one line, and the session goes on', async () => {
    const graph = Graph.create('g');
    const table = graph.initializer('table', 'float32', [3], [10, 20, 30]);
    graph.scope('embed', () => graph.output(Gather(table, graph.input('ids', 'int64', ['n'])), 'y', ['n']));
    const session = await startSession({ graph: graph.toBytes(), folder: '', threads: 1, label: 'lookup' });
    const error = await session.run(ids(7), { label: 'sequence 12' }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'run-failed', exitCode: 3 });
    expect(error.message).toMatch(/^sequence 12: .*"embed\/Gather_\d+" \(Gather\): .*idx=7/);
    expect(error.message).not.toMatch(/[\n\x1b]/);
    expect(error.hint).toContain('--tokenizer');
    const { y } = await session.run(ids(2), { label: 'sequence 13' });
    expect(Array.from(y.data as Float32Array)).toEqual([30]);
    await session.close();
  });

  /** Two tables of three rows, of tokens and of positions. */
  const embedding = (positions: (from: Value) => Value) => {
    const graph = Graph.create('g');
    const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
    const table = graph.initializer('table', 'float32', [3, 1], [10, 20, 30]);
    const at = positions(Range(0, Gather(Shape(ids), 1), 1));
    graph.output(Add(Gather(table, ids), Unsqueeze(Gather(table, at), [0])), 'y', null);
    return startSession({ graph: graph.toBytes(), folder: '', threads: 1, label: 'lookup' });
  };
  const tooLong = [
    'length-past-model',
    /longer than the model's positions, of which there are 3/,
    '--length 3',
  ] as const;

  it.each<[string, bigint[], (from: Value) => Value, string, RegExp, string]>([
    ['positions past a table', [0n, 0n, 0n, 0n], (from) => Min(from, 9), ...tooLong],
    ['positions past a table that is sliced', [0n, 0n, 0n, 0n], (from) => from, ...tooLong],
    ['tokens past a table', [3n], (from) => from, 'run-failed', /idx=3/, '--tokenizer'],
  ])('tells %s', async (_, data, positions, code, message, hint) => {
    const session = await embedding(positions);
    const tensor = { type: 'int64', data: BigInt64Array.from(data), dims: [1, data.length] } as const;
    const error = await session.run({ input_ids: tensor }, { label: 'sequence 1' }).catch((thrown) => thrown);
    await session.close();
    expect(error).toMatchObject({ code, exitCode: 3, message: expect.stringMatching(message) });
    expect(error.hint).toContain(hint);
  });

  it('for want of memory is told by its code', async () => {
    const graph = Graph.create('g');
    graph.output(ConstantOfShape(graph.input('ids', 'int64', ['n'])), 'y', null);
    const session = await startSession({ graph: graph.toBytes(), folder: '', threads: 1, label: 'zeros' });
    const error = await session.run(ids(2 ** 44), { label: 'sequence 3' }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'out-of-memory' });
    expect(error.message).toContain('sequence 3');
    expect(error.hint).toContain('--batch');
    await session.close();
  });

  it('names the innermost node of a loop', () => {
    const inner =
      "Non-zero status code returned while running Gather node. Name:'body/Gather_1' Status Message: idx";
    const outer = `Non-zero status code returned while running Scan node. Name:'Scan_3' Status Message: ${inner}`;
    expect(runFailed('sequence 1', outer).message).toContain('"body/Gather_1" (Gather): idx');
  });

  it('cannot act on the terminal', () => {
    const evil = "while running X\x1b[2J node. Name:'\x1b]0;title\x07n' Status Message: a\nb\x1b[31mc";
    expect(runFailed('s', evil).message).not.toMatch(/[\x00-\x1f]/);
  });
});

describe('a graph that the runtime does not accept', () => {
  it('is an error of the model that names the node', async () => {
    const graph = Graph.create('g');
    const x = graph.input('x', 'float32', [2, 3]);
    graph.scope('head', () => graph.output(MatMul(x, x), 'y', null));
    const request = { graph: graph.toBytes(), folder: '', threads: 1, label: 'broken' };
    const error = await startSession(request).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'model-rejected', exitCode: 3 });
    expect(error.message).toMatch(/^broken: .*head\/MatMul_\d+/);
  });
});
