import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { probeProvider } from '../../src/models/provider.js';
import { startDrawSession } from '../../src/sampling/draw-session.js';

/** A Vulkan driver in software; a real one is taken where it is not there. */
const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (existsSync(softwareVulkan)) vi.stubEnv('VK_DRIVER_FILES', softwareVulkan);
const { works } = await probeProvider('webgpu');
afterAll(() => vi.unstubAllEnvs());

const LENGTH = 8;

describe.skipIf(!works)('on webgpu (where a Vulkan driver works)', () => {
  it.each(['mdlm', 'duo'] as const)('%s has the probabilities that the cpu finds', async (family) => {
    const path = fileURLToPath(new URL(`../../fixtures/markov-${family}.onnx`, import.meta.url));
    const checkpoint = await openCheckpoint(path);
    const mask = checkpoint.fields.maskTokenId.value;
    const tokens = Int32Array.from({ length: LENGTH }, (_, l) =>
      family === 'mdlm' && l % 2 ? mask! : 97 + l,
    );
    const request = { tokens, batch: 1, length: LENGTH, sigma: 0.7 };
    const [cpu, gpu] = await Promise.all(
      (['cpu', 'webgpu'] as const).map((provider) => startDrawSession({ checkpoint, provider, threads: 1 })),
    );
    const greedy = [
      await cpu.denoise({ ...request, uniforms: null }),
      await gpu.denoise({ ...request, uniforms: null }),
    ];
    const uniforms = Float64Array.from({ length: LENGTH }, (_, l) => (l + 0.5) / LENGTH);
    const drawn = await gpu.denoise({ ...request, uniforms });
    await Promise.all([cpu.close(), gpu.close()]);
    expect(greedy[1].token).toEqual(greedy[0].token);
    for (let l = 0; l < LENGTH; l++) {
      expect(Math.abs(greedy[1].probability[l] - greedy[0].probability[l])).toBeLessThan(1e-5);
      expect(drawn.probability[l]).toBeLessThan(greedy[0].probability[l] + 1e-5);
      if (greedy[0].present) expect(Math.abs(drawn.present![l] - greedy[0].present[l])).toBeLessThan(1e-5);
    }
    expect(drawn.token).not.toEqual(greedy[1].token);
  });
});
