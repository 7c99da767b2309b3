import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { ConstantOfShape, Gather, MatMul } from '../../src/graph/operators.js';
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
