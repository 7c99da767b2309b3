/** About src/models/importers/onnx-checkpoint.ts and src/commands/convert.ts */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../src/graph/graph.js';
import { Add, Gather, MatMul, Transpose } from '../../../src/graph/operators.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { importCheckpoint } from '../../../src/models/importers/import-checkpoint.js';
import { saveCheckpoint } from '../../../src/models/save-checkpoint.js';
import { storedWeights } from '../../../src/models/stored-weights.js';
import { randomWeights } from '../../../src/models/weights/random-weights.js';
import type { StorageType } from '../../../src/models/weights/storage-names.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture } from '../../support/run.js';
import { logitsOf } from './published.js';

const folder = temporaryFolder().root;
const dimensions = { hiddenSize: 64, conditionSize: 32, blocks: 1, heads: 4, vocabSize: 90, length: 16 };
const ids = [[3, 89, 0, 41, 41, 7]];
const logits = async (path: string) => (await logitsOf(path, { ids, sigma: [0.4] })) as ort.Tensor;
const data = async (path: string) => [...((await logits(path)).data as Float32Array)];

let made = 0;
const out = () => join(folder, String(made++), 'm.onnx');
async function direct(dtype: StorageType): Promise<string> {
  const path = out();
  const source = randomWeights({ seed: 2, zeroed: false });
  const card = { family: 'duo', trainedOn: 'nothing', storedAs: dtype, sha256: undefined } as const;
  await saveCheckpoint(path, { architecture: 'dit', dimensions, source, card, dtype });
  return path;
}
const again = async (source: string, dtype: StorageType) => {
  const { path } = await importCheckpoint({ source, out: out(), dtype });
  return path;
};

describe('a checkpoint of this program, converted to', () => {
  it.each(['float32', 'float16', 'int8', 'int4'] as const)('%s is what its weights make', async (dtype) => {
    const path = await again(await direct('float32'), dtype);
    expect(await data(path)).toEqual(await data(await direct(dtype)));
    const { fields, unknownKeys } = await openCheckpoint(path);
    expect(fields.family).toEqual({ value: 'duo', from: 'card' });
    expect(fields.trainedOn.value).toBe('nothing');
    expect(unknownKeys.storedAs).toBe(dtype === 'float32' ? undefined : dtype);
    expect(unknownKeys.architecture).toMatchObject({ name: 'dit', hiddenSize: 64 });
  });

  it('float32 from float16 has the same logits, and so has float16 again', async () => {
    const half = await direct('float16');
    const wide = await again(half, 'float32');
    expect(await data(wide)).toEqual(await data(half));
    expect(await data(await again(wide, 'float16'))).toEqual(await data(half));
    const types = (path: string) => storedWeights(Graph.fromBytes(readFileSync(path))).map(({ as }) => as);
    expect(types(half)).toEqual(['float16', 'float32']);
    expect(types(wide)).toEqual(['float32']);
  });

  it('its tokenizer is found from the new place, and a digest of the old file is left behind', async () => {
    const { path } = await importCheckpoint({ source: fixture('mdlm.onnx'), out: out(), dtype: 'int8' });
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint.fields.tokenizer.value).toMatch(/bpe-1024/);
    expect(checkpoint.fields.sha256.value).toBeNull();
  });
});

describe('a graph of an exporter', () => {
  /** The embedding is transposed in the graph for the head; a table of integers lies outside, too. */
  function exported(): Graph {
    const graph = Graph.create('exported');
    const wave = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * i));
    const tokens = graph.input('input_ids', 'int64', ['batch', 'length']);
    const embedding = graph.initializer('embed.weight', 'float32', [90, 64], wave(90 * 64));
    const other = BigInt64Array.from({ length: 400 }, (_, i) => BigInt((i * 7) % 90));
    const table = graph.initializer('table', 'int64', [400], new Uint8Array(other.buffer));
    const weight = graph.initializer('proj.weight', 'float32', [64, 64], wave(64 * 64));
    const states = MatMul(
      Add(Gather(embedding, tokens), Gather(embedding, Gather(table, tokens))),
      Transpose(weight, { perm: [1, 0] }),
    );
    const all = Add(MatMul(states, Transpose(embedding, { perm: [1, 0] })), 0.5);
    graph.output(all, 'logits', ['batch', 'length', 90]);
    return graph;
  }
  function written(): string {
    const path = out();
    mkdirSync(join(path, '..'));
    writeFileSync(path, exported().toBytes());
    writeFileSync(path.replace('.onnx', '.card.json'), '{"family": "ar"}');
    return path;
  }

  it('keeps its network and its integers in other weights', async () => {
    const path = written();
    const exact = await data(path);
    expect(await data(await again(path, 'float32'))).toEqual(exact);
    const size = Math.max(...exact.map(Math.abs));
    for (const [dtype, most] of [
      ['float16', 2e-3],
      ['int8', 0.03],
      ['int4', 0.4],
    ] as const) {
      const found = await data(await again(path, dtype));
      const difference = Math.max(...found.map((value, i) => Math.abs(value - exact[i])));
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(most * size);
    }
  });

  it('whose matrices are in blocks already has nothing to convert', async () => {
    const quantized = await again(written(), 'int4');
    await expect(again(quantized, 'int8')).rejects.toMatchObject({ code: 'nothing-to-convert', exitCode: 3 });
  });

  it('is not written over itself', async () => {
    const path = written();
    await expect(importCheckpoint({ source: path, out: path })).rejects.toMatchObject({
      code: 'out-is-source',
    });
  });
});
