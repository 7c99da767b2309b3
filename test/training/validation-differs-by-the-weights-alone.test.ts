import { expect, it } from 'vitest';
import { train } from '../../src/training/train.js';
import { Validation } from '../../src/training/validation.js';
import { type ToyFamily, temporaryState, toySettings, toyText } from './toy-run.js';

it.each<ToyFamily>(['ar', 'mdlm', 'sedd', 'duo'])('%s', async (family) => {
  const settings = toySettings(family, { steps: 60 });
  const run = { settings, text: toyText, statePath: temporaryState(), saveEvery: 1000, threads: 1 };
  const stop = new AbortController();
  stop.abort();
  const untrained = (await train({ ...run, signal: stop.signal })).vectors;
  const trained = (await train(run)).vectors;

  const validation = await Validation.start(settings, toyText, { sequences: 38, threads: 1 });
  const before = await validation.loss(untrained.weights);
  const after = await validation.loss(trained.weights);
  expect(await validation.loss(untrained.weights)).toEqual(before);
  await validation.close();

  expect(before.sequences).toBe(38); // nine batches of four, and half a batch
  expect(after.stderr).toBeGreaterThan(0);
  expect(after.nelbo).toBeLessThan(before.nelbo);
  // The last layer starts at 0: every token of text equally likely, which costs ln K; for ar without noise.
  const tokens = settings.problem.maskTokenId === null ? 9 : 8;
  expect(before.stderr).toBeLessThan(0.25);
  expect(Math.abs(before.nelbo - Math.log(tokens))).toBeLessThan(3 * before.stderr + 1e-5);
});
