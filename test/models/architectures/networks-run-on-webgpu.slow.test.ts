import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Feeds, TensorData } from '../../../src/models/feeds.js';
import { probeProvider } from '../../../src/models/provider.js';
import { startSession } from '../../../src/models/session.js';
import { emptyPast, type Form, largestDifference, networkGraph, oracle } from './networks.js';

/** A Vulkan driver in software; a real one is taken where it is not there. */
const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (existsSync(softwareVulkan)) vi.stubEnv('VK_DRIVER_FILES', softwareVulkan);
const { works } = await probeProvider('webgpu');

const { dimensions, inputIds, sigma } = oracle;
const batch = inputIds.length;
const length = inputIds[0].length;
const ids = (rows: number[][]): TensorData => ({
  type: 'int64',
  data: BigInt64Array.from(rows.flat(), BigInt),
  dims: [batch, length],
});
const inputs: Record<Form, Feeds> = {
  dit: { sigma: { type: 'float32', data: Float32Array.from(sigma), dims: [batch] } },
  causal: {},
  cached: {
    attention_mask: ids(inputIds.map((row) => row.map(() => 1))),
    position_ids: ids(inputIds.map((row) => row.map((_, i) => i))),
    ...Object.fromEntries(
      Object.entries(emptyPast(dimensions, batch)).map(([name, { dims }]) => [
        name,
        { type: 'float32' as const, data: new Float32Array(0), dims },
      ]),
    ),
  },
};

describe.skipIf(!works)('on webgpu (where a Vulkan driver works)', () => {
  beforeAll(() => expect(works).toBe(true));
  afterAll(() => vi.unstubAllEnvs());

  it.each([
    ['dit', oracle.dit],
    ['cached', oracle.causal],
  ] as const)('the %s network gives the logits of an independent implementation', async (form, expected) => {
    const session = await startSession({
      graph: (await networkGraph(form, dimensions)).toBytes(),
      folder: '',
      provider: 'webgpu',
      label: form,
    });
    const feeds = { input_ids: ids(inputIds), ...inputs[form] };
    const { logits } = await session.run(feeds, { label: 'call' }).finally(() => session.close());
    expect(largestDifference(logits.data as Float32Array, expected.flat(2))).toBeLessThan(1e-4);
  });
});
