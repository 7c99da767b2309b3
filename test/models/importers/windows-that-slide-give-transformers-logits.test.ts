/** About src/models/importers/llama.ts and src/models/architectures/decoder.ts: a Mistral whose tokens see five tokens at most. */
import ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { fillWeights } from '../../../src/graph/write.js';
import { decoderGraph } from '../../../src/models/architectures/decoder.js';
import { decoderParameters } from '../../../src/models/architectures/decoder-dimensions.js';
import { elementCount } from '../../../src/models/architectures/parameters.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { decoderWeights } from '../../../src/models/weights/checkpoint-weights.js';
import { bytesOfSource } from '../../../src/models/weights/weight-source.js';
import { CausalSession } from '../../../src/sampling/causal-session.js';
import { causalSamples } from '../../samplers/causal-samples.js';
import { converted, largestDifference, logitsOf, modelOracle } from './published.js';

const { expected, config, folder } = modelOracle('mistral-window');
const ids: number[][] = expected.inputs.input_ids;

it('its logits are those of transformers, and not those without the window', async () => {
  const { path, card } = await converted(folder());
  expect(card).toMatchObject({ family: 'ar', architecture: { window: { tokens: 5, blocks: [0, 1] } } });
  expect(largestDifference(await logitsOf(path, { ids }), expected.logits)).toBeLessThan(1e-4);
  const wide = await converted(folder({ ...config, sliding_window: null }));
  expect(largestDifference(await logitsOf(wide.path, { ids }), expected.logits)).toBeGreaterThan(1);
  const short = await converted(folder(), { overrides: { length: 5 } });
  expect(short.card.architecture).not.toHaveProperty('window');
});

it('with cached keys and values it writes what it writes by reading all tokens again', async () => {
  const checkpoint = await openCheckpoint((await converted(folder())).path);
  const write = async (cache: boolean) => {
    const model = await CausalSession.start({ checkpoint, provider: 'cpu', threads: 1, cache });
    const samples = await causalSamples(model, { count: 5, length: 40, batch: 5, prompt: (i) => [i + 1, 2] });
    await model.close();
    return samples.map(({ tokens }) => tokens);
  };
  expect(await write(true)).toEqual(await write(false));
});

it('the form for training has the same logits', async () => {
  const { dimensions, weights } = decoderWeights(await openCheckpoint((await converted(folder())).path));
  const parameters = decoderParameters(dimensions);
  let at = 0;
  const parts = new Map(
    parameters.map((parameter) => {
      const part = weights.subarray(at, at + elementCount(parameter));
      at += part.length;
      return [parameter.name, part] as const;
    }),
  );
  const graph = decoderGraph(dimensions, { cached: false });
  await fillWeights(
    graph,
    bytesOfSource(parameters, ({ name }) => [parts.get(name) ?? new Float32Array(0)]),
  );
  const session = await ort.InferenceSession.create(graph.toBytes(), { intraOpNumThreads: 1 });
  const input = new ort.Tensor('int64', BigInt64Array.from(ids.flat(), BigInt), [2, ids[0].length]);
  const { logits } = await session.run({ input_ids: input });
  await session.release();
  expect(largestDifference(logits, expected.logits)).toBeLessThan(1e-4);
});
