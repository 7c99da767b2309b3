/** About src/models/device.ts, src/models/provider.ts, src/models/session-options.ts, src/cli/provider-flags.ts */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { checkShown, deviceFromEnvironment } from '../../src/models/device.js';
import {
  type Placement,
  parseProvider,
  providerFailure,
  providerOf,
  resolveProvider,
} from '../../src/models/provider.js';
import { sessionOptions } from '../../src/models/session-options.js';
import { duoEval, fixture } from '../support/run.js';

const LOCAL_RANKS = [
  'LOCAL_RANK',
  'OMPI_COMM_WORLD_LOCAL_RANK',
  'MV2_COMM_WORLD_LOCAL_RANK',
  'MPI_LOCALRANKID',
  'PMI_LOCAL_RANK',
  'SLURM_LOCALID',
];

afterEach(() => vi.unstubAllEnvs());

describe('a provider with its card', () => {
  it('is read, and the first card of webgpu is the one that the runtime takes', () => {
    expect(['cpu', 'webgpu', 'cuda', 'auto', 'cuda:0', 'cuda:7'].map(parseProvider)).toEqual([
      'cpu',
      'webgpu',
      'cuda',
      'auto',
      'cuda:0',
      'cuda:7',
    ]);
    expect(parseProvider('webgpu:0')).toBe('webgpu');
  });

  it.each([
    ['rocm', /no provider "rocm"/],
    ['cuda:', /"cuda:" names no card/],
    ['cuda:x', /"cuda:x" names no card/],
    ['cuda:-1', /"cuda:-1" names no card/],
    ['cuda:1\n', /names no card/],
    ['cuda:1:2', /names no card/],
    ['cuda:99999', /names no card/],
    ['cpu:0', /cpu has no card 0/],
    ['auto:1', /auto takes no card/],
    ['webgpu:1', /webgpu:1 cannot be had: the runtime takes the fastest card/],
  ])('%j is refused', (text, message) => {
    expect(() => parseProvider(text)).toThrow(message);
  });

  it('reaches the runtime as the number of a card, which it takes for CUDA alone', () => {
    const providersOf = (provider: Placement) =>
      sessionOptions({ folder: '', provider, threads: 1, memoryPattern: false }).executionProviders;
    expect(providersOf('cuda:3')).toEqual([{ name: 'cuda', deviceId: 3 }, 'cpu']);
    expect(providersOf('cuda')).toEqual(['cuda', 'cpu']);
    expect(providersOf('webgpu')).toEqual(['webgpu', 'cpu']);
    expect(providersOf('cpu')).toEqual(['cpu']);
  });

  it('is the provider alone in results and keys', () => {
    expect((['cuda:3', 'cuda', 'webgpu', 'cpu'] as const).map(providerOf)).toEqual([
      'cuda',
      'cuda',
      'webgpu',
      'cpu',
    ]);
  });

  it('that the machine lacks is named in the sentence', () => {
    const raw = 'CUDA failure 101: invalid device ordinal ; GPU=7 ; hostname=h ; expr=cudaSetDevice(7);';
    expect(providerFailure('cuda:7', raw)).toMatchObject({
      code: 'no-such-device',
      exitCode: 3,
      message: expect.stringContaining('There is no cuda:7 on this machine'),
    });
    expect(providerFailure('cuda:7', 'Failed to load shared library')).toMatchObject({
      code: 'provider-unavailable',
      message: expect.stringContaining('The provider cuda:7 does not work'),
    });
    expect(providerFailure('cuda:7', 'Node (x) has no kernel')).toBeNull();
  });

  it('that CUDA does not show is refused before anything runs', () => {
    for (const [list, device, shown] of [
      ['0,1', 2, '2 cards, cuda:0 to cuda:1'],
      ['3', 1, 'one card, cuda:0'],
      ['', 0, 'no card'],
      ['-1', 0, 'no card'],
      ['0,-1,1', 1, 'one card, cuda:0'],
      ['GPU-8f2e,MIG-77aa', 2, '2 cards, cuda:0 to cuda:1'],
    ] as const) {
      expect(() => checkShown(device, { CUDA_VISIBLE_DEVICES: list })).toThrow(`shows ${shown}.`);
      if (device > 0) checkShown(device - 1, { CUDA_VISIBLE_DEVICES: list });
    }
    checkShown(7, {});
  });

  it('is resolved only where CUDA shows it, and read anywhere', async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '0');
    expect(parseProvider('cuda:1')).toBe('cuda:1');
    await expect(resolveProvider({ provider: 'cuda:1' })).rejects.toThrow('There is no cuda:1');
    expect(await resolveProvider({ provider: 'cuda:0' })).toBe('cuda:0');
  });
});

describe('--device auto', () => {
  it.each(LOCAL_RANKS)('takes the card of %s', (name) => {
    expect(deviceFromEnvironment({ [name]: '2' })).toBe(2);
    expect(deviceFromEnvironment({ [name]: '2', CUDA_VISIBLE_DEVICES: '4,5,6,7' })).toBe(2);
  });

  it('takes the only card that a scheduler shows, whatever the rank', () => {
    expect(deviceFromEnvironment({ SLURM_LOCALID: '3', CUDA_VISIBLE_DEVICES: '3' })).toBe(0);
  });

  it('takes the first where nothing is said, and is not led by an index in the whole job', () => {
    expect(deviceFromEnvironment({})).toBe(0);
    expect(
      deviceFromEnvironment({
        ...{ JOB_COMPLETION_INDEX: '5', RANK: '9', SLURM_PROCID: '7', SLURM_ARRAY_TASK_ID: '3' },
        CUDA_VISIBLE_DEVICES: '0,1',
      }),
    ).toBe(0);
  });

  it('takes a launcher at its word before the scheduler that started it', () => {
    expect(deviceFromEnvironment({ SLURM_LOCALID: '0', LOCAL_RANK: '1' })).toBe(1);
  });

  it.each([
    [{ LOCAL_RANK: '4', CUDA_VISIBLE_DEVICES: '0,1' }, /LOCAL_RANK is "4", and .* shows 2 cards/],
    [{ LOCAL_RANK: '0', CUDA_VISIBLE_DEVICES: '' }, /shows no card/],
    [{ LOCAL_RANK: 'first' }, /LOCAL_RANK is "first", which is no place on a machine/],
    [{ LOCAL_RANK: '1e0' }, /no place on a machine/],
  ])('says why %j names no card', (env, message) => {
    expect(() => deviceFromEnvironment(env)).toThrow(message);
  });

  it('and a number place a provider, but not one that has no cards to choose from', async () => {
    for (const name of [...LOCAL_RANKS, 'CUDA_VISIBLE_DEVICES']) vi.stubEnv(name, undefined);
    vi.stubEnv('LOCAL_RANK', '1');
    expect(await resolveProvider({ provider: 'cuda', device: 'auto' })).toBe('cuda:1');
    expect(await resolveProvider({ provider: 'cuda', device: 5 })).toBe('cuda:5');
    expect(await resolveProvider({ provider: 'webgpu', device: 0 })).toBe('webgpu');
    expect(await resolveProvider({ provider: 'cpu', device: 'auto' })).toBe('cpu');
    expect(await resolveProvider({ device: 'auto' })).toBe('cpu');
    await expect(resolveProvider({ provider: 'webgpu', device: 'auto' })).rejects.toThrow(/webgpu:1 cannot/);
    await expect(resolveProvider({ provider: 'cpu', device: 0 })).rejects.toThrow(/cpu has no card 0/);
    await expect(resolveProvider({ provider: 'cuda:1', device: 'auto' })).rejects.toThrow(
      /--provider cuda:1 names a card, and so does --device auto/,
    );
  });
});

describe('commands', () => {
  const ppl = (flags: string[], env: Record<string, string> = {}) =>
    duoEval(['ppl', '--model', fixture('ar.onnx'), '--dataset', 'sotu', '--limit', '2', ...flags], { env });

  it.each([
    [['--provider', 'gpu'], 'Did you mean webgpu or cuda?'],
    [['--provider', 'webgpu:1'], 'webgpu:1 cannot be had'],
    [
      ['--provider', 'cuda', '--device', 'first'],
      '--device takes the number of a card, or auto, not "first"',
    ],
    [['--device', '1'], 'The provider cpu has no card 1'],
  ])('refuse %j with status 2 and a sentence', async (flags, message) => {
    const { code, stderr } = await ppl(flags);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(code).toBe(2);
  });

  it('refuse a card that is hidden, and take both flags from the environment', async () => {
    const { code, stderr } = await ppl([], {
      ...{ DUO_EVAL_PROVIDER: 'cuda', DUO_EVAL_DEVICE: 'auto' },
      ...{ CUDA_VISIBLE_DEVICES: '0,1', LOCAL_RANK: '2' },
    });
    expect(stderr).toContain('LOCAL_RANK is "2"');
    expect(code).toBe(2);
  });
});
