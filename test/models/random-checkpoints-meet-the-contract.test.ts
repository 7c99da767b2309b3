import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LossSession } from '../../src/evals/perplexity/loss-session.js';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { networkFeeds } from '../../src/models/feeds.js';
import { type RandomCheckpointRequest, randomCheckpoint } from '../../src/models/random-checkpoint.js';
import { startSession } from '../../src/models/session.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder().root;

const small: Omit<RandomCheckpointRequest, 'out' | 'architecture'> = {
  seed: 7,
  size: 'tiny',
  changes: { hiddenSize: 32, heads: 2, blocks: 2, conditionSize: 16 },
  vocabSize: 40,
  length: 24,
  tokenizer: join(folder, 'tokenizer'),
};
let made = 0;
async function checkpoint(
  request: Partial<RandomCheckpointRequest> & Pick<RandomCheckpointRequest, 'architecture'>,
) {
  const out = join(folder, `${made++}.onnx`);
  await randomCheckpoint({ ...small, ...request, out });
  return out;
}

describe('a checkpoint with random weights', () => {
  it.each(['float16', 'int8', 'float32'] as const)('says that it is stored as %s', async (dtype) => {
    const opened = await openCheckpoint(await checkpoint({ architecture: 'dit', dtype }));
    expect(opened.unknownKeys.storedAs).toBe(dtype === 'float32' ? undefined : dtype);
  });

  it.each([
    ['dit', undefined, { family: 'duo', timeConditioning: true, maskTokenId: null }],
    ['dit', 'mdlm', { family: 'mdlm', timeConditioning: false, maskTokenId: 39 }],
    ['dit', 'sedd', { family: 'sedd', timeConditioning: true, maskTokenId: 39 }],
    ['causal', undefined, { family: 'ar', timeConditioning: false, maskTokenId: null }],
  ] as const)(
    '%s of the family %s opens, says what it is, and starts with its loss',
    async (architecture, family, says) => {
      const path = await checkpoint({ architecture, family });
      const opened = await openCheckpoint(path);
      const { fields } = opened;
      expect({
        family: fields.family.value,
        timeConditioning: fields.timeConditioning.value,
        maskTokenId: fields.maskTokenId.value,
      }).toEqual(says);
      expect([fields.vocabSize.value, fields.length.value]).toEqual([40, 24]);
      expect(opened.unknownKeys.architecture).toEqual({
        name: architecture,
        hiddenSize: 32,
        conditionSize: 16,
        blocks: 2,
        heads: 2,
      });
      const session = await LossSession.start({ checkpoint: opened, provider: 'cpu', threads: 1 });
      await session.close();
    },
  );

  it.each(['dit', 'causal'] as const)(
    '%s takes any batch and length, and depends on its inputs',
    async (architecture) => {
      const opened = await openCheckpoint(await checkpoint({ architecture }));
      const session = await startSession({
        graph: opened.graph().toBytes(),
        folder: opened.folder,
        label: 'it',
        threads: 1,
      });
      const seen = new Set<number>();
      for (const [batch, length] of [
        [1, 1],
        [3, 24],
        [2, 5],
      ]) {
        const inputIds = BigInt64Array.from({ length: batch * length }, (_, i) =>
          BigInt((i * 11 + batch) % 40),
        );
        const sigma = Float32Array.from({ length: batch }, (_, b) => 0.1 + b);
        const { logits } = await session.run(
          networkFeeds(opened.signature, { inputIds, batch, length, sigma }),
          { label: 'call' },
        );
        expect(logits.dims).toEqual([batch, length, 40]);
        for (const value of logits.data) seen.add(Number(value));
      }
      await session.close();
      expect(seen.has(Number.NaN)).toBe(false);
      expect(seen.size).toBeGreaterThan(3000);
    },
  );

  it('is the same file for the same seed, another for another', async () => {
    const [a, b, c] = [
      await checkpoint({ architecture: 'dit' }),
      await checkpoint({ architecture: 'dit' }),
      await checkpoint({ architecture: 'dit', seed: 8 }),
    ].map((path) => readFileSync(path));
    expect(a.equals(b)).toBe(true);
    expect(a.equals(c)).toBe(false);
  });

  it.each([
    [{ architecture: 'dit', changes: { heads: 7 } }, 'heads-do-not-divide'],
    [{ architecture: 'dit', changes: { hiddenSize: 6, heads: 2 } }, 'odd-rotary-size'],
    [{ architecture: 'causal', family: 'duo' }, 'family-of-causal'],
  ] as const)('%j is a mistake of usage', async (request, code) => {
    await expect(checkpoint(request)).rejects.toMatchObject({ code, exitCode: 2 });
  });

  it('has a name that ends with .onnx', async () => {
    const request = { ...small, architecture: 'dit', out: join(folder, 'x.bin') } as const;
    await expect(randomCheckpoint(request)).rejects.toMatchObject({ code: 'not-onnx-name', exitCode: 2 });
  });
});
