/**
 * What lm-evaluation-harness reads of an echoed prompt: from any token on, the sum of the rest is ln p of it given what is before.
 * About src/server/completions.ts, src/server/served-model.ts, src/server/network-process.ts
 */
import { describe, expect, it } from 'vitest';
import { openScoring, scoreContinuations } from '../../src/evals/likelihood/scoring-session.js';
import { tokenizerOf } from '../../src/sampling/prepare-sampling.js';
import { afterUse } from '../support/after-use.js';
import { type CompletionBody, type FailureBody, type Served, served } from './served.js';

const TEXT = 'My fellow citizens, the war';
const sum = (values: readonly (number | null)[]) =>
  values.reduce<number>((total, value) => total + (value ?? Number.NaN), 0);

async function echoed(server: Served, prompt: unknown, more: object = {}): Promise<CompletionBody> {
  const request = { prompt, max_tokens: 1, temperature: 0, logprobs: 1, echo: true, seed: 1234, ...more };
  const { status, body } = await server.post('/v1/completions', request);
  expect(status).toBe(200);
  return body;
}

describe.each(['ar', 'mdlm', 'bd3lm'])('of %s', (name) => {
  it('the sums are the likelihoods of the engine that evaluations use, for texts and for ids', async () => {
    const server = await served(name);
    const tokenizer = await tokenizerOf(server.checkpoint, undefined);
    const session = await openScoring({ checkpoint: server.checkpoint, provider: 'cpu', threads: 1 });
    afterUse(() => session.close());
    const ids = tokenizer.encode(TEXT);
    const [ofText] = (await echoed(server, TEXT)).choices;
    const [ofIds] = (await echoed(server, [ids])).choices;
    expect(ofIds).toEqual(ofText);
    const { token_logprobs: logprobs, tokens, top_logprobs: tops } = ofText.logprobs;
    expect(logprobs).toHaveLength(ids.length + 1);
    expect(tops).toHaveLength(ids.length + 1);
    expect([logprobs[0], tops[0]]).toEqual([null, null]);
    expect(tokens.join('')).toBe(ofText.text);
    expect(ofText.text.startsWith(TEXT)).toBe(true);
    for (const boundary of [1, 3, ids.length - 1]) {
      const context = [tokenizer.bosTokenId!, ...ids.slice(0, boundary)]; // the fixtures have one
      const [score] = await scoreContinuations(session, [{ context, continuation: ids.slice(boundary) }]);
      expect(Math.abs(sum(logprobs.slice(boundary, -1)) - score.logLikelihood)).toBeLessThan(1e-4);
      const isGreedy = logprobs
        .slice(boundary, -1)
        .every((logprob, i) => logprob === Math.max(...Object.values(tops[boundary + i]!))); // known after the first
      expect(isGreedy).toBe(score.isGreedy);
    }
  });
});

describe('completions', () => {
  it('of several prompts come by index, and with as many tokens as are asked for', async () => {
    const server = await served('mdlm');
    const prompts = ['The war', 'My fellow citizens', 'Of'];
    const { choices, usage } = await echoed(server, prompts, { max_tokens: 3, n: 2 });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { index, text, logprobs } of choices) {
      expect(text.startsWith(prompts[Math.floor(index / 2)])).toBe(true);
      expect(logprobs.token_logprobs.slice(1).every((value) => value !== null && value < 0)).toBe(true);
    }
    expect(usage.completion_tokens).toBeGreaterThan(0);
  });

  it.each([
    ['mdlm', { max_tokens: 6, seed: 3, n: 2 }],
    ['ar', { max_tokens: 6, seed: 3, n: 1 }],
    ['mdlm', { max_tokens: 1, temperature: 0 }],
    ['mdlm', { max_tokens: 0 }],
  ])('of %s with %j stream the log-probabilities that they have whole', async (name, more) => {
    const server = await served(name);
    const request = { prompt: [TEXT, 'Of'], logprobs: 2, echo: true, seed: 1234, ...more };
    const whole = (await server.post('/v1/completions', request)).body as CompletionBody;
    const response = await fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, stream: true }),
    });
    const chunks = (await response.text())
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .flatMap((event) => (JSON.parse(event.slice('data: '.length)) as CompletionBody).choices);
    expect(whole.choices.length).toBeGreaterThan(1);
    for (const choice of whole.choices) {
      const own = chunks.filter(({ index }) => index === choice.index);
      expect(own.map(({ text }) => text).join('')).toBe(choice.text);
      expect(own.filter(({ logprobs }) => logprobs !== null)).toHaveLength(1);
      const last = own.at(-1)!; // one has log-probabilities
      expect(last.finish_reason).toBe(choice.finish_reason);
      expect({ ...last.logprobs, token_logprobs: null }).toEqual({
        ...choice.logprobs,
        token_logprobs: null,
      });
      expect(last.logprobs.token_logprobs).toHaveLength(choice.logprobs.token_logprobs.length);
      for (const [i, value] of last.logprobs.token_logprobs.entries())
        expect(value ?? 0).toBeCloseTo(choice.logprobs.token_logprobs[i] ?? 0, 5);
    }
  });

  it('of uniform states refuse log-probabilities and name the route that has them', async () => {
    const server = await served('duo');
    const { status, body } = await server.post('/v1/completions', { prompt: TEXT, logprobs: 1, echo: true });
    expect(status).toBe(400);
    const { error } = body as FailureBody;
    expect(error.code).toBe('no-chain-rule');
    expect(error.message).toContain('/v1/loglikelihood');
    const scored = await server.post('/v1/loglikelihood', [
      { context: 'My fellow', continuation: ' citizens' },
    ]);
    const [first] = (scored.body as { data: { loglikelihood: number; error: number; is_greedy: null }[] })
      .data;
    expect(first.loglikelihood).toBeLessThan(0);
    expect(first.error).toBeGreaterThan(0);
    expect(first.is_greedy).toBe(null);
  });

  it('of prompts that are too long are cut from the left, and say so', async () => {
    const server = await served('ar');
    const ids = Array.from({ length: 140 }, (_, i) => 60 + (i % 40));
    const { choices, duo_eval: facts } = await echoed(server, [ids]);
    const [{ logprobs }] = choices;
    expect(facts.truncated).toEqual([12]);
    expect(logprobs.token_logprobs).toHaveLength(141);
    expect(logprobs.token_logprobs.slice(0, 13).every((value) => value === null)).toBe(true);
    expect(logprobs.token_logprobs.slice(13).every((value) => value !== null)).toBe(true);
  });
});
