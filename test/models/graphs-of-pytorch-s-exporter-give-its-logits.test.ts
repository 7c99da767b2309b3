/** About src/models/exported-names.ts, src/models/checkpoint.ts and src/models/importers/onnx-checkpoint.ts */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type CheckpointOverrides, openCheckpoint } from '../../src/models/checkpoint.js';
import { networkFeeds } from '../../src/models/feeds.js';
import { importCheckpoint } from '../../src/models/importers/import-checkpoint.js';
import { startSession } from '../../src/models/session.js';
import { temporaryFolder } from '../support/folder.js';

const exported = (name: string) => fileURLToPath(new URL(`exported/${name}`, import.meta.url));
const oracle = JSON.parse(readFileSync(exported('expected.json'), 'utf8'));
const ids: number[][] = oracle.inputIds;

async function logitsOf(path: string, overrides: CheckpointOverrides): Promise<number[]> {
  const checkpoint = await openCheckpoint(path, overrides);
  const graph = checkpoint.graph().toBytes();
  const session = await startSession({ graph, folder: checkpoint.folder, threads: 1, label: 'it' });
  const inputIds = BigInt64Array.from(ids.flat(), BigInt);
  const sequences = { inputIds, batch: ids.length, length: ids[0].length, sigma: null };
  const { logits } = await session.run(networkFeeds(checkpoint.signature, sequences), { label: 'it' });
  await session.close();
  return [...(logits.data as Float32Array)];
}

const largestDifference = (logits: number[], expected: number[][][]): number =>
  Math.max(...expected.flat(2).map((value, i) => Math.abs(value - logits[i])));

const cases: [name: string, overrides: CheckpointOverrides][] = [
  ['llama', { family: 'ar' }],
  ['qwen3', { family: 'ar' }],
  ['llama-int32', { family: 'ar' }],
  ['bert', { family: 'mdlm', maskTokenId: 3 }],
];

describe.each(cases)('%s of PyTorch’s exporter', (name, overrides) => {
  it('gives PyTorch’s logits', async () => {
    const path = exported(`${name}.onnx`);
    expect(largestDifference(await logitsOf(path, overrides), oracle[name])).toBeLessThan(2e-5);
    const { signature } = await openCheckpoint(path, overrides);
    expect(signature.inputs[0]).toMatchObject({ name: 'input_ids', dtype: 'int64' });
  });

  it('gives them from float32 again, and near ones from fewer bits', async () => {
    const folder = temporaryFolder().root;
    for (const [dtype, most] of [
      ['float32', 2e-5],
      ['float16', 2e-5], // the weights are exact in it
      ['int8', 0.5],
    ] as const) {
      const out = join(folder, `${dtype}.onnx`);
      await importCheckpoint({ source: exported(`${name}.onnx`), out, dtype });
      const difference = largestDifference(await logitsOf(out, overrides), oracle[name]);
      expect(difference).toBeLessThan(most);
      if (dtype === 'int8') expect(difference).toBeGreaterThan(1e-5);
    }
  });
});
