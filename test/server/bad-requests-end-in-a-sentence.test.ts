/** About src/server/server.ts, src/server/requests.ts, src/server/failures.ts, src/server/routes.ts */
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FailureBody, type Served, served } from './served.js';

let server: Served;
beforeAll(async () => {
  server = await served('mdlm');
});

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const completion = (fields: object) => ({ prompt: 'The war', ...fields });

const CASES: [string, string, unknown, number, RegExp][] = [
  ['JSON that is cut off', '/v1/completions', '{"prompt": "a', 400, /no usable JSON/],
  ['JSON of great depth', '/v1/completions', `{"prompt": ${nested(100_000)}}`, 400, /nested|levels deep/],
  ['NaN', '/v1/completions', '{"prompt": "a", "temperature": NaN}', 400, /no usable JSON/],
  ['bytes that are no UTF-8', '/v1/completions', '\ud800', 400, /JSON/],
  ['a list in the place of an object', '/v1/completions', '[1, 2]', 400, /body/i],
  ['null', '/v1/completions', 'null', 400, /JSON object/],
  [
    'a prompt of null ids',
    '/v1/completions',
    completion({ prompt: [[null, 5]] }),
    400,
    /null.*neither BOS nor EOS/,
  ],
  [
    'ids outside the vocabulary',
    '/v1/completions',
    completion({ prompt: [99_999] }),
    400,
    /99999 is none of mdlm/,
  ],
  ['the mask as an id', '/v1/completions', completion({ prompt: [1024] }), 400, /mask/],
  ['negative ids', '/v1/completions', completion({ prompt: [-3] }), 400, /-3/],
  ['half an id', '/v1/completions', completion({ prompt: [1.5] }), 400, /1\.5/],
  ['an empty list of prompts', '/v1/completions', completion({ prompt: [] }), 400, /not empty/],
  ['prompts of many kinds', '/v1/completions', completion({ prompt: ['a', 3] }), 400, /prompt\.1/],
  ['negative max_tokens', '/v1/completions', completion({ max_tokens: -1 }), 400, /max_tokens/],
  ['more tokens than the model has', '/v1/completions', completion({ max_tokens: 4000 }), 400, /no room/],
  ['a temperature of words', '/v1/completions', completion({ temperature: 'hot' }), 400, /temperature/],
  ['an unknown parameter', '/v1/completions', completion({ max_token: 3 }), 400, /Did you mean "max_tokens"/],
  [
    'a penalty',
    '/v1/completions',
    completion({ presence_penalty: 1 }),
    400,
    /presence_penalty" is not offered/,
  ],
  ['a sampler that is a path', '/v1/completions', completion({ sampler: './mine.mjs' }), 400, /no sampler/],
  ['a sampler of another family', '/v1/completions', completion({ sampler: 'ar' }), 400, /for ar models/],
  ['another model', '/v1/completions', completion({ model: 'gpt-4' }), 404, /serves the model "mdlm"/],
  ['a seed that is none', '/v1/completions', completion({ seed: -1 }), 400, /seed/],
  ['a chat without messages', '/v1/chat/completions', { messages: [] }, 400, /messages/],
  [
    'tools',
    '/v1/chat/completions',
    { messages: [{ role: 'user', content: 'a' }], tools: [{}] },
    400,
    /tools/,
  ],
  [
    'a continuation without tokens',
    '/v1/loglikelihood',
    [{ context: 'a', continuation: '' }],
    400,
    /no tokens/,
  ],
  ['an item without a continuation', '/v1/loglikelihood', [{ context: 'a' }], 400, /continuation/],
  ['no open token', '/v1/denoise', { tokens: [5, 6] }, 400, /Every token is given/],
  ['tokens that are no ids', '/detokenize', { tokens: [5000] }, 400, /5000/],
  ['an unknown route', '/v1/completion', {}, 404, /Did you mean \/v1\/completions/],
  [
    'a body that is too large',
    '/v1/completions',
    completion({ prompt: 'a'.repeat(10 * 2 ** 20) }),
    413,
    /larger than 1 MiB/,
  ],
];

describe('a request', () => {
  it.each(CASES)('with %s', async (_, path, request, status, message) => {
    const answer = await server.post(path, request);
    const { error } = answer.body as FailureBody;
    expect([answer.status, error.message]).toEqual([status, expect.stringMatching(message)]);
    expect(error.code).toMatch(/^[a-z_-]+$/);
    expect(error.type).toMatch(/_error$/);
  });

  it('with another method is told the right one', async () => {
    const answer = await fetch(`${server.url}/v1/completions`);
    expect(answer.status).toBe(405);
    expect(((await answer.json()) as FailureBody).error.message).toContain('POST');
  });

  it('that is no JSON by its head is refused, since a page of another site could send it', async () => {
    const headers = { 'content-type': 'text/plain' };
    expect((await server.post('/v1/completions', { prompt: 'a' }, { headers })).status).toBe(415);
  });

  it('for a host of another name is refused, since a page of another site could bring it about', async () => {
    const answer = await exchange(
      server,
      `GET /v1/models HTTP/1.1\r\nHost: evil.example:${server.port}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 [\s\S]*host-not-local/);
  });

  it('that never ends is ended, and others are answered meanwhile', async () => {
    const impatient = await served('ar', { sendMs: { head: 500, all: 1000 } });
    const slow = exchange(
      impatient,
      'POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    expect((await fetch(`${impatient.url}/healthz`)).status).toBe(200);
    expect(await slow).toMatch(/^(HTTP\/1\.1 408|$)/);
    const silent = exchange(impatient, 'POST /v1/completions HTTP/1.1\r\nHost: loc');
    expect(await silent).toMatch(/^(HTTP\/1\.1 408|$)/);
  });

  it('among many connections is answered', async () => {
    const answers = Array.from({ length: 200 }, () => server.post('/tokenize', { prompt: 'The war' }));
    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true);
  });
});

/** Sends bytes and reads until the other side ends. */
function exchange({ port }: Served, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {}); // the other side may end it in the middle
    socket.on('close', () => resolve(text));
  });
}
