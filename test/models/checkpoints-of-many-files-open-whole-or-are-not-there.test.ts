/** About src/graph/write.ts, src/models/save-checkpoint.ts, src/models/checkpoint.ts and src/storage/atomic-file.ts */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { networkFeeds } from '../../src/models/feeds.js';
import { saveCheckpoint } from '../../src/models/save-checkpoint.js';
import { startSession } from '../../src/models/session.js';
import { randomWeights } from '../../src/models/weights/random-weights.js';
import type { StorageType } from '../../src/models/weights/storage-names.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder().root;
const dimensions = { hiddenSize: 64, conditionSize: 32, blocks: 2, heads: 4, vocabSize: 200, length: 16 };
const SHARD = 60_000;
let made = 0;

async function saved(
  dtype: StorageType,
  options: { largestShard?: number; largestInline?: number },
  at?: string,
) {
  const path = join(at ?? join(folder, String(made++)), 'm.onnx');
  const source = randomWeights({ seed: 5, zeroed: false });
  const content = {
    architecture: 'dit',
    dimensions,
    source,
    card: { family: 'mdlm', maskTokenId: 199 },
    dtype,
  } as const;
  return saveCheckpoint(path, content, options);
}

async function logitsOf(path: string): Promise<Float32Array> {
  const checkpoint = await openCheckpoint(path);
  const session = await startSession({
    graph: checkpoint.graph().toBytes(),
    folder: checkpoint.folder,
    threads: 1,
    label: checkpoint.name,
  });
  const sequences = { inputIds: BigInt64Array.of(1n, 199n, 7n, 150n), batch: 1, length: 4, sigma: null };
  const { logits } = await session.run(networkFeeds(checkpoint.signature, sequences), { label: 'it' });
  await session.close();
  return logits.data as Float32Array;
}

describe.each(['float32', 'float16', 'int8', 'int4'] as const)(
  'a checkpoint of %s in files of a stated size',
  (dtype) => {
    it('has several of at most that size, and the logits of one file', async () => {
      const whole = await saved(dtype, {});
      const cut = await saved(dtype, { largestInline: 0, largestShard: SHARD });
      expect(whole.dataPaths).toEqual([]);
      expect(cut.dataPaths.length).toBeGreaterThan(1);
      const names = ['m.onnx.data', ...cut.dataPaths.slice(1).map((_, i) => `m.onnx.data_${i + 1}`)];
      const place = join(cut.path, '..');
      expect(readdirSync(place).sort()).toEqual(['m.card.json', 'm.onnx', ...names].sort());
      // One that is larger alone has a file of its own; here, the vocabulary of float32.
      const largest = Math.max(SHARD, dtype === 'float32' ? 4 * 64 * 4 * 64 : 0);
      for (const path of cut.dataPaths) expect(statSync(path).size).toBeLessThanOrEqual(largest);
      expect(cut.bytes).toBe(
        [cut.path, ...cut.dataPaths].reduce((sum, path) => sum + statSync(path).size, 0),
      );
      expect(await logitsOf(cut.path)).toEqual(await logitsOf(whole.path));
    });
  },
);

it('every file counts for the digest, and one that changes is noticed', async () => {
  const { path, dataPaths } = await saved('int4', { largestInline: 0, largestShard: SHARD });
  const checkpoint = await openCheckpoint(path);
  const before = await checkpoint.sha256();
  expect(checkpoint.dataFiles.map((file) => file.replace(/^.*m\.onnx/, ''))).toEqual([
    '',
    ...dataPaths.map((each) => each.replace(/^.*m\.onnx/, '')),
  ]);
  const file = openSync(dataPaths[1], 'r+');
  writeSync(file, Uint8Array.of(255), 0, 1, 17);
  closeSync(file);
  expect(() => checkpoint.verifyUnchanged()).toThrow(expect.objectContaining({ code: 'model-changed' }));
  expect(await (await openCheckpoint(path)).sha256()).not.toBe(before);
});

describe.skipIf(!existsSync('/dev/full'))('a disk that is full', () => {
  it.each([
    ['in the middle', 'm.onnx.data_1'],
    ['at the model', 'm.onnx'],
    ['at the card', 'm.card.json'],
  ])('%s leaves nothing behind', async (_where, name) => {
    const place = join(folder, String(made++));
    mkdirSync(place);
    symlinkSync('/dev/full', join(place, name));
    const writing = saved('float16', { largestInline: 0, largestShard: SHARD }, place);
    await expect(writing).rejects.toMatchObject({ code: 'disk-full', exitCode: 6 });
    expect(readdirSync(place)).toEqual([name]);
  });
});

it('files that cannot all take their places are all withdrawn', async () => {
  const place = join(folder, String(made++));
  // The last shard's place is taken by a folder while the others are written.
  const writing = saved('float32', { largestInline: 0, largestShard: SHARD }, place);
  mkdirSync(join(place, 'm.onnx'), { recursive: true });
  await expect(writing).rejects.toMatchObject({ exitCode: 6 });
  expect(readdirSync(place)).toEqual(['m.onnx']);
});

it('files of weights that an earlier conversion left are gone with it, and others stay', async () => {
  const at = join(folder, 'again');
  const { dataPaths } = await saved('float32', { largestInline: 0, largestShard: SHARD }, at);
  expect(dataPaths.length).toBeGreaterThan(2);
  const foreign = join(at, 'm.onnx.data_99');
  writeFileSync(foreign, 'not of this model');
  const fewer = await saved('int8', { largestInline: 0, largestShard: 2 * SHARD }, at);
  expect(fewer.dataPaths.length).toBeLessThan(dataPaths.length);
  const names = (paths: readonly string[]) => paths.map((path) => path.replace(/^.*m\.onnx/, '')).sort();
  const there = () => names(readdirSync(at).filter((name) => name.includes('.data')));
  expect(there()).toEqual([...names(fewer.dataPaths), '.data_99'].sort());
  await saved('int8', {}, at);
  expect(there()).toEqual(['.data_99']);
  expect((await logitsOf(join(at, 'm.onnx'))).length).toBe(4 * dimensions.vocabSize);
});
