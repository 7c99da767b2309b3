import { expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { Graph } from '../../src/graph/graph.js';
import { Gather, Mul, Unsqueeze } from '../../src/graph/operators.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { startDrawSession } from '../../src/sampling/draw-session.js';
import { softmax, someNormals } from '../diffusion/drawn-from.js';
import { checkpoint, drawn, ids, LENGTH, uniforms } from './small-draws.js';

it.each([
  [true, 0.5],
  [false, 0],
])('feeds the noise level as the card says: time conditioning %s', async (timeConditioning, fed) => {
  const graph = Graph.create('warm');
  const sigma = Unsqueeze(graph.input('sigma', 'float32', ['batch']), [1, 2]);
  const table = graph.initializer('table', 'float32', [4, 4], someNormals(16));
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  graph.output(Mul(Gather(table, ids), sigma), 'logits', ['batch', 'length', 4]);
  const model = checkpointOfGraph(graph, { family: 'duo', timeConditioning }, 'warm');
  const session = await startDrawSession({ checkpoint: model, provider: 'cpu', threads: 1 });
  const tokens = Int32Array.of(2);
  const request = { tokens, batch: 1, length: 1, sigma: 0.5, uniforms: Float64Array.of(0.3) };
  const { present } = await session.denoise(request).finally(() => session.close());
  const x = softmax(Array.from(someNormals(16).subarray(8, 12), (f) => f * fed));
  expect(Math.abs(present![0] - x[2])).toBeLessThan(1e-6);
});

it('takes its temperature from call to call in a sweep', async () => {
  const model = checkpoint('duo', {});
  const session = await startDrawSession({ checkpoint: model, provider: 'cpu', threads: 1, sweep: true });
  const request = { tokens: ids(1), batch: 1, length: LENGTH, sigma: 0.5, uniforms: uniforms(LENGTH) };
  const byTemperature: number[][] = [];
  for (const temperature of [1, 0.5, 1]) {
    session.temperature = temperature;
    byTemperature.push([...(await session.denoise(request)).present!]);
  }
  expect(() => {
    session.temperature = 0;
  }).toThrow(UsageError);
  await session.close();
  expect(byTemperature[2]).toEqual(byTemperature[0]);
  expect(byTemperature[1]).not.toEqual(byTemperature[0]);
  expect([...(await drawn({ checkpoint: model, temperature: 0.5 }, 1)).present!]).toEqual(byTemperature[1]);
});

it.each([
  [{ temperature: 0 }, 'temperature-out-of-range'],
  [{ temperature: -1 }, 'temperature-out-of-range'],
  [{ temperature: Number.NaN }, 'temperature-out-of-range'],
  [{ topK: 0 }, 'top-k-out-of-range'],
  [{ topK: 1.5 }, 'top-k-out-of-range'],
  [{ topP: 0 }, 'top-p-out-of-range'],
  [{ topP: 1.1 }, 'top-p-out-of-range'],
])('refuses %j', async (settings, code) => {
  const options = { checkpoint: checkpoint('duo', {}), provider: 'cpu' as const, ...settings };
  await expect(startDrawSession(options)).rejects.toMatchObject({ code, exitCode: 2 });
});

it('says where the network gave no numbers', async () => {
  const broken = checkpoint('duo', { sigma: true });
  const session = await startDrawSession({ checkpoint: broken, provider: 'cpu', threads: 1 });
  const request = { tokens: ids(2), batch: 2, length: LENGTH, uniforms: uniforms(2 * LENGTH) };
  await expect(session.denoise({ ...request, sigma: Number.NaN })).rejects.toMatchObject({
    code: 'not-finite',
    message: expect.stringContaining('sample 0'),
  });
  await session.close();
});
