import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add } from '../../src/graph/operators.js';
import { type ModelSession, startSession } from '../../src/models/session.js';
import { loopGraph, times } from './loop-graph.js';
import { vector } from './small-network.js';

let session: ModelSession;

beforeAll(async () => {
  const graph = Graph.create('plus');
  graph.output(Add(graph.input('x', 'float32', ['n']), 1), 'y', ['n']);
  session = await startSession({ graph: graph.toBytes(), folder: '', threads: 1, label: 'plus' });
});
afterAll(() => session.close());

describe('a session', () => {
  it('answers many calls at once, each with its own outputs', async () => {
    const calls = Array.from({ length: 50 }, (_, i) =>
      session.run(vector([i, 2 * i]), { label: `sequence ${i}` }),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ y }) => Array.from(y.data as Float32Array))).toEqual(
      answers.map((_, i) => [i + 1, 2 * i + 1]),
    );
    expect(answers[0].y).toMatchObject({ type: 'float32', dims: [2] });
  });

  it('says where it ran, on how many threads, and how long', () => {
    expect(session).toMatchObject({ provider: 'cpu', threads: 1 });
    expect(session.createSeconds).toBeGreaterThan(0);
    expect(session.runs).toBeGreaterThanOrEqual(50);
    expect(session.runSeconds).toBeGreaterThan(0);
  });

  it('copies what it is fed, unless it is large and handed over', async () => {
    const large = Array.from({ length: 2 ** 14 }, (_, i) => i);
    const kept = vector(large);
    await session.run(kept, { label: 'kept' });
    expect(kept.x.data).toHaveLength(large.length);
    const given = vector(large);
    const { y } = await session.run(given, { label: 'given', transfer: true });
    expect(given.x.data).toHaveLength(0);
    expect(y.data[100]).toBe(101);
  });

  it('hands one memory over once, though two calls asked for together read it', async () => {
    const { x } = vector(Array.from({ length: 2 ** 14 }, (_, i) => i));
    const calls = [1, 2].map((i) => session.run({ x }, { label: `call ${i}`, transfer: true }));
    for (const { y } of await Promise.all(calls)) expect(y.data[100]).toBe(101);
  });

  it('takes a view of a larger array for what it shows, and leaves the rest alone', async () => {
    const large = Float32Array.from({ length: 1000 }, (_, i) => i);
    const x = { type: 'float32' as const, data: large.subarray(500, 502), dims: [2] };
    const { y } = await session.run({ x }, { label: 'view', transfer: true });
    expect(Array.from(y.data as Float32Array)).toEqual([501, 502]);
    expect(large).toHaveLength(1000);
  });

  it('keeps the thread that asked free', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const busy = await startSession({ graph: loopGraph(), folder: '', threads: 1, label: 'busy' });
    ticks = 0;
    await busy.run(times(300_000), { label: 'sequence 0' });
    clearInterval(timer);
    await busy.close();
    expect(ticks).toBeGreaterThan(3);
  });
});
