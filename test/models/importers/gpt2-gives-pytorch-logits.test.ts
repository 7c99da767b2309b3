import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { cacheLayout } from '../../../src/models/key-value-cache.js';
import { converted, folderWith, largestDifference, logitsOf, oracle } from './published.js';

const source = (config: object = {}) =>
  folderWith({ 'model.safetensors': 'gpt2.safetensors', 'config.json': { ...oracle.gpt2Config, ...config } });

describe('GPT-2 from safetensors', () => {
  it.each(['float32', 'float16', 'int8'] as const)('kept as %s gives PyTorch’s logits', async (dtype) => {
    const { path, card } = await converted(source(), { dtype });
    const tolerance = { float32: 1e-4, float16: 0.02, int8: 0.3 }[dtype];
    expect(largestDifference(await logitsOf(path), oracle.gpt2)).toBeLessThan(tolerance);
    expect(card).toMatchObject({
      family: 'ar',
      vocabSize: 13,
      length: 16,
      bosTokenId: 12,
      eosTokenId: 12,
      timeConditioning: false,
      architecture: { name: 'gpt2', hiddenSize: 12, blocks: 2, heads: 3 },
    });
  });

  it('in steps, with cached keys and values, gives them too', async () => {
    const { path } = await converted(source());
    const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 });
    const ids: number[][] = oracle.inputIds;
    const int64 = (rows: number[][]) =>
      new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length]);
    let past: Record<string, ort.Tensor> = {};
    for (const name of session.inputNames.filter((input) => input.startsWith('past')))
      past[name] = new ort.Tensor('float32', new Float32Array(0), [2, 3, 0, 4]);
    for (const [from, to] of [
      [0, 3],
      [3, 4],
      [4, 7],
    ]) {
      const { logits, ...presents } = (await session.run({
        input_ids: int64(ids.map((row) => row.slice(from, to))),
        position_ids: int64(ids.map((row) => row.slice(from, to).map((_, i) => from + i))),
        attention_mask: int64(ids.map((row) => row.slice(0, to).map(() => 1))),
        ...past,
      })) as Record<string, ort.Tensor>;
      const expected = (oracle.gpt2 as number[][][]).map((rows) => rows.slice(from, to));
      expect(largestDifference(logits, expected)).toBeLessThan(1e-4);
      past = Object.fromEntries(
        Object.entries(presents).map(([name, tensor]) => [
          name.replace('present', 'past_key_values'),
          tensor,
        ]),
      );
    }
    await session.release();
  });

  it('is a checkpoint that losses are appended to and whose cache is known', async () => {
    const { path } = await converted(source(), { dtype: 'int8' });
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint.family).toBe('ar');
    expect(cacheLayout('it', checkpoint.signature)).toMatchObject({ heads: 3, headSize: 4 });
    const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
    await session.close();
  });

  it.each([
    [{ activation_function: 'relu' }, 'unknown-architecture', /activation_function "relu"/],
    [{ n_layer: 12 }, 'config-contradicts-tensors', /n_layer is 12, but the tensors say 2/],
    [{ n_head: 5 }, 'heads-do-not-divide', /5 heads do not divide the width 12/],
  ])('with a configuration that says %j is refused', async (config, code, message) => {
    await expect(converted(source(config))).rejects.toMatchObject({
      code,
      exitCode: 3,
      message: expect.stringMatching(message),
    });
  });
});
