/** About src/server/chat.ts, src/server/completions.ts, src/server/writing.ts, src/server/routes.ts */
import OpenAI from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Served, served } from './served.js';

const TOKEN = 'a-token-of-some-length';
const clientOf = ({ url }: Served, apiKey = TOKEN) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const messages = [{ role: 'user' as const, content: 'Of the war' }];

describe.each(['ar', 'mdlm', 'duo'])('the client of OpenAI, with %s', (model) => {
  let server: Served;
  let client: OpenAI;
  beforeAll(async () => {
    server = await served(model, { token: TOKEN });
    client = clientOf(server);
  });

  it('lists and finds the model', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual([model]);
    expect((await client.models.retrieve(model)).id).toBe(model);
    await expect(client.models.retrieve('gpt-4')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });

  it('completes, and streams the same text in pieces', async () => {
    const asked = { model, prompt: 'My fellow citizens', max_tokens: 20, seed: 5, temperature: 0.8 };
    const whole = await client.completions.create(asked);
    let streamed = '';
    let finish: string | null = null;
    for await (const { choices } of await client.completions.create({ ...asked, stream: true })) {
      streamed += choices[0]?.text ?? '';
      finish = choices[0]?.finish_reason ?? finish;
    }
    expect(streamed).toBe(whole.choices[0].text);
    expect(finish).toBe(whole.choices[0].finish_reason);
    expect(whole.usage?.prompt_tokens).toBeGreaterThan(0);
  });

  it('chats, and streams the same answer, with its usage', async () => {
    const asked = { model, messages, max_tokens: 40, seed: 5 };
    const whole = await client.chat.completions.create(asked);
    const deltas: string[] = [];
    let tokens = 0;
    const stream = await client.chat.completions.create({
      ...{ ...asked, stream: true },
      stream_options: { include_usage: true },
    });
    for await (const { choices, usage } of stream) {
      if (choices[0]?.delta.content) deltas.push(choices[0].delta.content);
      tokens = usage?.completion_tokens ?? tokens;
    }
    expect(deltas.join('')).toBe(whole.choices[0].message.content);
    expect(tokens).toBe(whole.usage?.completion_tokens);
    // Uniform states change every token until the end; the others tell what is settled.
    if (model === 'duo') expect(deltas).toHaveLength(1);
    else expect(deltas.length).toBeGreaterThan(2);
  });

  it('ends a text before a stop sequence, told in pieces or whole', async () => {
    const asked = { model, prompt: 'My fellow citizens', max_tokens: 30, seed: 5, temperature: 0.8 };
    const free = (await client.completions.create(asked)).choices[0].text;
    const stop = free.slice(6, 9);
    const ended = await client.completions.create({ ...asked, stop });
    expect(ended.choices[0]).toMatchObject({
      text: free.slice(0, free.indexOf(stop)),
      finish_reason: 'stop',
    });
    let streamed = '';
    for await (const { choices } of await client.completions.create({ ...asked, stop, stream: true }))
      streamed += choices[0]?.text ?? '';
    expect(streamed).toBe(ended.choices[0].text);
  });

  it('gets errors as its own classes', async () => {
    const wrong = client.completions.create({ model, prompt: 'a', max_tokens: -1 });
    await expect(wrong).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(wrong).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('max_tokens'),
    });
    const stranger = clientOf(server, 'another-token-of-length').models.list();
    await expect(stranger).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });
});

describe('a gap', () => {
  it('is filled before a suffix by a model that sees what follows, and refused by one that does not', async () => {
    const asked = { prompt: 'The Congress of the', suffix: ' of America.', max_tokens: 4, seed: 1 };
    const masked = await served('mdlm');
    const client = clientOf(masked);
    const { choices } = await client.completions.create({ model: 'mdlm', ...asked });
    expect(choices[0].text.length).toBeGreaterThan(0);
    const causal = clientOf(await served('ar')).completions.create({ model: 'ar', ...asked });
    await expect(causal).rejects.toMatchObject({ status: 400, code: 'infill-from-left' });
  });
});
