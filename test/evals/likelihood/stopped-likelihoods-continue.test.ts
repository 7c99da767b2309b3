/** About src/evals/likelihood/run.ts and src/evals/likelihood/likelihood-journal.ts */
import { beforeEach, describe, expect, it } from 'vitest';
import { readItems } from '../../../src/evals/likelihood/items.js';
import type { LikelihoodRequest } from '../../../src/evals/likelihood/request.js';
import { runLikelihoods } from '../../../src/evals/likelihood/run.js';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import { type Checkpoint, openCheckpoint } from '../../../src/models/checkpoint.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture } from '../../support/run.js';

const prompts = [
  { context: [1023, 40, 60], continuation: [70, 80, 90, 100, 110] },
  { context: [1023, 40], continuation: [70] },
  { context: [1023, 40], continuation: [71] },
  { context: [1023, 40], continuation: [72] },
  { context: [1023, 40, 60], continuation: [70, 81, 90, 100, 110] },
  { context: [1023], continuation: [40, 70], tail: [1023] },
];
let request: LikelihoodRequest;
beforeEach(async () => {
  process.env.DUO_EVAL_CACHE = temporaryFolder().root;
  const checkpoint: Checkpoint = await openCheckpoint(fixture('mdlm.onnx'));
  const items = await readItems(
    prompts.map((prompt) => ({ prompt, where: 'here' })),
    { checkpoint, tokenizer: async () => Promise.reject(new Error('no text here')), tail: 'none' },
  );
  request = {
    checkpoint,
    items,
    subsetsUpTo: 12,
    longer: null,
    batch: 4,
    provider: 'cpu',
    threads: 1,
    fresh: false,
  };
});

describe('a run', () => {
  it('that was stopped continues after its finished calls, at any batch, to the same likelihoods', async () => {
    const whole = await runLikelihoods({ ...request, bySubset: true });
    whole.finish();

    const stop = new AbortController();
    const stopped = runLikelihoods(
      { ...request, batch: 3 },
      { signal: stop.signal, progress: (_, done) => done > 30 && stop.abort(new Error('stopped')) },
    );
    await expect(stopped).rejects.toThrow('stopped');

    const notes: string[] = [];
    const counts: number[] = [];
    const continued = await runLikelihoods(
      { ...request, batch: 7, bySubset: true },
      { note: (text) => notes.push(text), progress: (_, done) => counts.push(done) },
    );
    continued.finish();
    expect(notes).toEqual([expect.stringMatching(/^Continuing; an earlier run made \d+ calls/)]);
    expect(Number(/\d+/.exec(notes[0])?.[0])).toBeGreaterThan(6);
    expect(continued.likelihoods).toEqual(whole.likelihoods);
    expect(continued.modelCalls).toBe(whole.modelCalls);

    const anew = await runLikelihoods(request, { note: (text) => notes.push(text) });
    anew.finish();
    expect(notes).toHaveLength(1);
  });

  it.each([
    { kind: 'policy', likelihood: exactLikelihood({ policy: 'margin' }), seed: 1 },
    { kind: 'exact-count', draws: 8, seed: 1 },
  ] as const)('with $kind for longer texts continues after its finished texts', async (longer) => {
    const asked = { ...request, subsetsUpTo: 1, longer };
    const whole = await runLikelihoods(asked);
    whole.finish();

    const stop = new AbortController();
    const stopped = runLikelihoods(asked, {
      signal: stop.signal,
      // Three texts of one token, then one of the others.
      progress: (_, done) => done > 3 && stop.abort(new Error('stopped')),
    });
    await expect(stopped).rejects.toThrow('stopped');

    const notes: string[] = [];
    const continued = await runLikelihoods({ ...asked, batch: 2 }, { note: (text) => notes.push(text) });
    continued.finish();
    expect(notes[0]).toMatch(/finished [1-9] longer items/);
    expect(continued.likelihoods).toEqual(whole.likelihoods);
    expect(continued.modelCalls).toBe(whole.modelCalls);
  });

  it('shares calls that show the network the same tokens', async () => {
    const { modelCalls, close } = await runLikelihoods(request);
    close();
    // Two texts of 5 tokens that differ in the second share the 16 − 1 subsets without it … and those of 1 token all.
    const alone = [31, 1, 1, 1, 31, 3].reduce((sum, one) => sum + one, 0);
    const withoutTheSecond = 16;
    expect(modelCalls).toBe(alone - withoutTheSecond - 2);
  });
});
