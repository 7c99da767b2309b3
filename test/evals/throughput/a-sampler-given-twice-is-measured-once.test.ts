import { expect, it } from 'vitest';
import { configurations } from '../../../src/evals/throughput/configurations.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { fixture } from '../../support/run.js';

const flags = {
  samplerOptions: [],
  samples: 2,
  length: 16,
  batch: 2,
  seed: 1,
  temperature: 1,
  topK: null,
  topP: null,
  protocol: 'duo' as const,
  provider: 'cpu' as const,
  fresh: false,
  traced: false,
};
const named = async (samplers: { spec: string; options?: string[] }[], steps = [2]) => {
  const path = fixture('markov-duo.onnx');
  const models = [{ checkpoint: await openCheckpoint(path, {}, undefined), path }];
  return (await configurations({ models, samplers, steps, flags })).map(({ name }) => name);
};

it('a sampler that is given twice is one configuration', async () => {
  expect(await named([{ spec: 'ancestral' }, { spec: 'ancestral' }])).toEqual(['markov-duo 2']);
  expect(await named([{ spec: 'ancestral' }, { spec: 'psi' }, { spec: 'ancestral' }])).toEqual([
    'markov-duo ancestral 2',
    'markov-duo psi 2',
  ]);
});

it('with other options it is another', async () => {
  const told = ['eta=0.1', 'eta=0.2'].map((option) => ({ spec: 'gaussian', options: [option] }));
  expect(await named(told)).toHaveLength(2);
});

it('more steps than can be walked are refused', async () => {
  await expect(named([], [1e12])).rejects.toThrow(/--steps takes at most 100000 steps, not 1000000000000/);
});
