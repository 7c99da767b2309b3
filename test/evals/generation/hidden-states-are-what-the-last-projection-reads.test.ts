import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { HiddenStates } from '../../../src/evals/generation/hidden-states.js';
import { projection } from '../../../src/graph/rows.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { networkFeeds } from '../../../src/models/feeds.js';
import { startHeadSession } from '../../../src/models/head-session.js';
import type { Signature } from '../../../src/models/signature.js';
import { fixture } from '../../support/run.js';

const texts = [[5, 9, 300], [1, 2, 3, 4, 5, 6, 7], [77], [8, 8, 8], [400, 401, 402]].map((ids) =>
  Int32Array.from(ids),
);

/** The row of logits behind the last token of each text, from the bare network. */
async function lastLogits(path: string, signature: Signature): Promise<Float32Array[]> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1 });
  const rows: Float32Array[] = [];
  for (const ids of texts) {
    const inputIds = BigInt64Array.from(ids, BigInt);
    const feeds = networkFeeds(signature, { inputIds, batch: 1, length: ids.length, sigma: null });
    const tensors = Object.entries(feeds).map(
      ([name, { type, data, dims }]) => [name, new Tensor(type, data as never, dims)] as const,
    );
    const { logits } = await session.run(Object.fromEntries(tensors));
    rows.push((logits.data as Float32Array).slice(-logits.dims[2]));
  }
  await session.release();
  return rows;
}

it('a state behind the last token, projected, is that row of logits, whatever its batch', async () => {
  const path = fixture('ar.onnx');
  const checkpoint = await openCheckpoint(path);
  const states = await HiddenStates.start(
    { checkpoint, context: 128, provider: 'cpu', threads: 1, batch: 2 },
    {},
  );
  const { data, rows, width } = await states.ofTexts('texts', texts);
  await states.close();
  expect([rows, width]).toEqual([5, 128]);

  const graph = checkpoint.graph();
  const product = projection(graph, 'logits')?.project(graph.input('states', 'float32', ['rows', 'width']));
  graph.clearOutputs();
  // ar.onnx ends in a product with its vocabulary matrix
  graph.output(product!, 'product');
  const session = await startHeadSession(graph, { checkpoint, provider: 'cpu', threads: 1 });
  const fed = { type: 'float32' as const, data: Float32Array.from(data), dims: [rows, width] };
  const unread = networkFeeds(checkpoint.signature, {
    ...{ inputIds: BigInt64Array.of(0n), batch: 1, length: 1, sigma: null },
  });
  const outputs = await session.run({ states: fed, ...unread }, { label: 'states' });
  await session.close();
  const projected = outputs.product.data as Float32Array;
  for (const [i, expected] of (await lastLogits(path, checkpoint.signature)).entries()) {
    const got = projected.subarray(i * expected.length, (i + 1) * expected.length);
    const furthest = expected.reduce((most, logit, v) => Math.max(most, Math.abs(logit - got[v])), 0);
    expect(furthest).toBeLessThan(1e-3);
  }
});
