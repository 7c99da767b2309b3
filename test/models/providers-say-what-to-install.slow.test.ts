import { existsSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add } from '../../src/graph/operators.js';
import { type Provider, probeProvider, resolveProvider } from '../../src/models/provider.js';
import { startSession } from '../../src/models/session.js';

/** A Vulkan driver in software, where Chromium is installed. */
const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';

function plusOne(provider: Provider) {
  const graph = Graph.create('plus');
  graph.output(Add(graph.input('x', 'float32', ['n']), 1), 'y', ['n']);
  return startSession({ graph: graph.toBytes(), folder: '', provider, threads: 1, label: 'plus' });
}

describe('a provider', () => {
  it('cpu works everywhere', async () => {
    expect(await probeProvider('cpu')).toMatchObject({ provider: 'cpu', works: true });
  });

  it.each(['cuda', 'webgpu'] as const)('%s works, or says why not and what to install', async (provider) => {
    const report = await probeProvider(provider);
    if (report.works) return expect((await plusOne(provider)).provider).toBe(provider);
    expect(report.reason).toMatch(/\.$/);
    expect(report.remedy).toMatch(/Install|onnxruntime-node/);
    const error = await plusOne(provider).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'provider-unavailable', exitCode: 3 });
    expect(error.message).toContain(provider);
    expect(error.hint).toContain(report.remedy);
    expect(error.hint).toContain('--provider cpu');
  });

  it('auto is the cpu where nothing else works, and else one that works', async () => {
    const chosen = await resolveProvider({ provider: 'auto' });
    const others = await Promise.all([probeProvider('cuda'), probeProvider('webgpu')]);
    const working = ['cpu', ...others.filter(({ works }) => works).map(({ provider }) => provider)];
    expect(working).toContain(chosen);
  });

  it('named is taken at its word', async () => {
    expect(await resolveProvider({ provider: 'cuda' })).toBe('cuda');
  });

  it.skipIf(!existsSync(softwareVulkan))(
    'webgpu computes (needs Chromium’s software Vulkan driver)',
    async () => {
      vi.stubEnv('VK_DRIVER_FILES', softwareVulkan);
      expect(await probeProvider('webgpu')).toMatchObject({ works: true });
      vi.unstubAllEnvs();
    },
  );
});
