import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { ditWeights } from '../../src/models/weights/checkpoint-weights.js';
import { train } from '../../src/training/train.js';
import { saveTrained } from '../../src/training/trained-checkpoint.js';
import { logitsOf } from '../models/importers/published.js';
import { temporaryState, toySettings, toyText } from './toy-run.js';

it('float16 on disk: the logits are those of the rounded weights in float32', async () => {
  const statePath = temporaryState();
  const settings = toySettings('duo');
  const { vectors } = await train({ settings, text: toyText, statePath, saveEvery: 100, threads: 1 });
  const at = (name: string) => join(dirname(statePath), name);
  const half = await saveTrained(at('half.onnx'), settings, vectors.average, {}, 'float16');
  const whole = await saveTrained(at('whole.onnx'), settings, vectors.average, {});
  expect(JSON.parse(readFileSync(half.cardPath, 'utf8')).storedAs).toBe('float16');
  expect(statSync(half.path).size).toBeLessThan(statSync(whole.path).size);

  const rounded = ditWeights(await openCheckpoint(half.path)).weights;
  const off = rounded.map((weight, i) => Math.abs(weight - vectors.average[i]));
  expect(Math.max(...off)).toBeGreaterThan(0);
  // Half a unit of the last of 11 bits; of what lies below the normal numbers, half of the smallest.
  for (const [i, by] of off.entries())
    expect(by).toBeLessThanOrEqual(Math.max(2 ** -11 * Math.abs(vectors.average[i]), 2 ** -25));

  const same = await saveTrained(at('rounded.onnx'), settings, rounded, {});
  const given = { ids: [[...toyText.sequence(3).slice(0, 12)]], sigma: [0.7] };
  const [ofHalf, ofRounded, ofWhole] = await Promise.all(
    [half, same, whole].map(async ({ path }) => (await logitsOf(path, given)).data as Float32Array),
  );
  expect([...ofHalf]).toEqual([...ofRounded]);
  expect([...ofHalf]).not.toEqual([...ofWhole]);
});
