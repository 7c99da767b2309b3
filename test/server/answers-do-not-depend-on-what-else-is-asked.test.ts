/** About src/server/draw-pool.ts, src/server/turns.ts, src/server/served-model.ts, src/sampling/generate.ts */
import { describe, expect, it } from 'vitest';
import { openScoring, scoreContinuations } from '../../src/evals/likelihood/scoring-session.js';
import { prepareSampling, tokenizerOf } from '../../src/sampling/prepare-sampling.js';
import { openSampleRun } from '../../src/sampling/sample-run.js';
import { afterUse } from '../support/after-use.js';
import { type CompletionBody, type Served, served } from './served.js';

const PROMPTS = ['My fellow citizens', 'The war', 'Of the Treasury', 'It is a', 'The'];

const written = async (server: Served, prompt: string, seed: number, more: object = {}): Promise<string> => {
  const request = { prompt, seed, max_tokens: 24, ...more };
  return ((await server.post('/v1/completions', request)).body as CompletionBody).choices[0].text;
};

describe.each(['ar', 'mdlm', 'bd3lm', 'duo'])('a text of %s', (name) => {
  it('with its seed is the same alone and in a crowd', async () => {
    const server = await served(name);
    const alone: string[] = [];
    for (const [i, prompt] of PROMPTS.entries()) alone.push(await written(server, prompt, i));
    const others = Array.from({ length: 12 }, (_, i) => written(server, PROMPTS[i % 5], 100 + i));
    const crowd = await Promise.all(PROMPTS.map((prompt, i) => written(server, prompt, i)));
    await Promise.all(others);
    expect(crowd).toEqual(alone);
    expect(new Set(alone).size).toBe(PROMPTS.length);
  });
});

describe('a likelihood of duo, which is drawn', () => {
  it('is the same alone and in a crowd, by its context or by the number of its question', async () => {
    const server = await served('duo', { draws: 8 });
    const { checkpoint } = server;
    const scored = async (item: object): Promise<number> => {
      const { body } = await server.post('/v1/loglikelihood', [item]);
      return (body as { data: { loglikelihood: number }[] }).data[0].loglikelihood;
    };
    const item = (i: number) => ({ context: PROMPTS[i], continuation: ' of the' });
    const items = [item(0), item(1), { ...item(2), question: 7 }, { ...item(3), question: 7 }];
    const alone: number[] = [];
    for (const one of items) alone.push(await scored(one));
    expect(await Promise.all(items.map(scored))).toEqual(alone);
    const tokenizer = await tokenizerOf(checkpoint, undefined);
    const session = await openScoring({
      ...{ checkpoint, provider: 'cpu', threads: 1, draws: 8 },
      tokenizer: async () => tokenizer,
    });
    afterUse(() => session.close());
    for (const [i, one] of items.entries()) {
      const [{ logLikelihood }] = await scoreContinuations(session, [one]);
      expect(Math.abs(alone[i] - logLikelihood)).toBeLessThan(1e-4);
    }
  });
});

describe('a text of mdlm', () => {
  it('is the one that duo-eval sample writes with the same seed, sampler and steps', async () => {
    const server = await served('mdlm');
    const { checkpoint } = server;
    const request = await prepareSampling({
      ...{
        checkpoint,
        sampler: 'unmask',
        samplerOptions: [],
        steps: 24,
        samples: 1,
        seed: 3,
        prompt: PROMPTS[0],
      },
      ...{
        temperature: 1,
        topK: null,
        topP: null,
        protocol: 'strict',
        provider: 'cpu',
        fresh: true,
        traced: false,
      },
      length: 31,
    });
    const run = await openSampleRun(request, {});
    const texts: string[] = [];
    for await (const { record } of run.records()) texts.push(record.text);
    await run.finish();
    await run.close();
    const text = await written(server, PROMPTS[0], 3, { steps: 24, ignore_eos: true });
    expect(texts[0]).toBe(`<|endoftext|>${PROMPTS[0]}${text}`);
  });
});
