/** About src/server/admission.ts, src/server/server.ts, src/server/metrics.ts */
import { describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { type FailureBody, type Served, served } from './served.js';

/** Takes seconds: one call of the network for each of many tokens. */
const LONG = { prompt: 'The war', max_tokens: 100, n: 32, seed: 1 };

const figure = async ({ url }: Served, name: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
};
const isEmpty = async (server: Served) => (await figure(server, 'duo_eval_requests_active')) === 0;

describe('a server with two places', () => {
  it('sends a third request away with 429 and a time to come again, and frees the place of a client that leaves', async () => {
    const server = await served('mdlm', { places: 2 });
    const leaving = new AbortController();
    const gone = [1, 2].map(() =>
      server.post('/v1/completions', LONG, { signal: leaving.signal }).catch(() => null),
    );
    await until(async () => (await figure(server, 'duo_eval_requests_active')) === 2);
    const refused = await server.post('/v1/completions', { prompt: 'a' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((refused.body as FailureBody).error).toMatchObject({
      type: 'rate_limit_error',
      code: 'queue-full',
    });
    // What needs no network is answered.
    expect((await server.post('/tokenize', { prompt: 'a' })).status).toBe(200);
    leaving.abort();
    expect(await Promise.all(gone)).toEqual([null, null]);
    await until(() => isEmpty(server));
    expect(await figure(server, 'duo_eval_clients_left_total')).toBe(2);
    expect((await server.post('/v1/completions', { prompt: 'a', max_tokens: 1 })).status).toBe(200);
  });

  it('gives a request up after its time, and another is answered', async () => {
    const server = await served('mdlm', { timeoutMs: 1500 });
    await server.post('/v1/completions', { prompt: 'a', max_tokens: 1 });
    const late = await server.post('/v1/completions', { ...LONG, n: 128 });
    expect(late.status).toBe(504);
    expect((late.body as FailureBody).error.code).toBe('request-timeout');
    await until(() => isEmpty(server));
  });

  it('that is stopped finishes what is under way, and takes nothing more', async () => {
    const server = await served('mdlm');
    const underWay = server.post('/v1/completions', { prompt: 'The war', max_tokens: 60, seed: 1 });
    await until(async () => (await figure(server, 'duo_eval_requests_active')) === 1);
    const closed = server.close(600_000);
    expect((await underWay).status).toBe(200);
    expect(await closed).toBe(0);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it('that is stopped at once says so to whom it sends away', async () => {
    const server = await served('mdlm');
    const underWay = server.post('/v1/completions', { ...LONG, n: 128 });
    await until(async () => (await figure(server, 'duo_eval_requests_active')) === 1);
    const closed = server.close(0);
    expect(await underWay).toMatchObject({ status: 503, body: { error: { code: 'server-stops' } } });
    expect(await closed).toBe(1);
  });
});
