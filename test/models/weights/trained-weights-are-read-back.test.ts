import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { networkParameters } from '../../../src/models/architectures/parameters.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { saveCheckpoint } from '../../../src/models/save-checkpoint.js';
import { ditWeights } from '../../../src/models/weights/checkpoint-weights.js';
import { randomWeights } from '../../../src/models/weights/random-weights.js';
import type { StorageType } from '../../../src/models/weights/storage-names.js';
import { sharedIsThere, sharedModel } from '../../end-to-end/shared.js';
import { temporaryFolder } from '../../support/folder.js';

const dimensions = { hiddenSize: 24, conditionSize: 8, blocks: 2, heads: 3, vocabSize: 40, length: 16 };
const source = randomWeights({ seed: 4, zeroed: false });
const parameters = networkParameters(dimensions, { adaLN: true });
const written = parameters.flatMap((p) => [...(source(p) as Iterable<Float32Array>)].flatMap((x) => [...x]));

async function saved(dtype: StorageType, largestInline?: number): Promise<string> {
  const folder = temporaryFolder().root;
  const path = join(folder, 'duo.onnx');
  const content = { architecture: 'dit', dimensions, source, card: { family: 'duo' }, dtype } as const;
  await saveCheckpoint(path, content, { largestInline });
  return path;
}

it.each([
  ['in the file', undefined],
  ['in a file of their own', 0],
])('float32 %s: to the bit', async (_where, largestInline) => {
  const path = await saved('float32', largestInline);
  expect(existsSync(`${path}.data`)).toBe(largestInline === 0);
  const found = ditWeights(await openCheckpoint(path));
  expect(found.dimensions).toEqual(dimensions);
  expect([...found.weights]).toEqual(written);
});

it('float16: to half a unit of its last place', async () => {
  const { weights } = ditWeights(await openCheckpoint(await saved('float16')));
  expect(weights.length).toBe(written.length);
  for (const [i, weight] of weights.entries())
    expect(Math.abs(weight - written[i])).toBeLessThanOrEqual(2 ** -11 * Math.abs(written[i]) + 2 ** -25);
});

it('the sizes may be said by the metadata alone', async () => {
  const path = await saved('float32');
  rmSync(path.replace('.onnx', '.card.json'));
  expect(ditWeights(await openCheckpoint(path)).dimensions).toEqual(dimensions);
});

it('int8 is refused, since steps of training would be lost in it', async () => {
  const checkpoint = await openCheckpoint(await saved('int8'));
  expect(() => ditWeights(checkpoint)).toThrow(
    expect.objectContaining({ code: 'weights-of-int8', message: expect.stringContaining('vocab_embed') }),
  );
});

it('names the weights that are not there', async () => {
  const path = await saved('float32');
  const cardPath = path.replace('.onnx', '.card.json');
  const card = JSON.parse(readFileSync(cardPath, 'utf8'));
  card.architecture.blocks = 3;
  writeFileSync(cardPath, JSON.stringify(card));
  const checkpoint = await openCheckpoint(path);
  expect(() => ditWeights(checkpoint)).toThrow(
    expect.objectContaining({
      code: 'foreign-network',
      message: expect.stringContaining('10 are not in the file, "blocks.2.norm1.weight"'),
    }),
  );
});

it.skipIf(!sharedIsThere)('a file of another exporter is refused, with what it lacks', async () => {
  const checkpoint = await openCheckpoint(sharedModel('duo'));
  expect(() => ditWeights(checkpoint)).toThrow(
    expect.objectContaining({
      code: 'foreign-network',
      message: expect.stringContaining('no card says "architecture"'),
    }),
  );
});
