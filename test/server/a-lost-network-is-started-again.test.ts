/** About src/server/network.ts, src/server/network-process.ts, src/server/turns.ts, src/server/draw-pool.ts */
import { describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { type CompletionBody, type FailureBody, type Served, served } from './served.js';

const WRITING = { prompt: 'My fellow citizens', max_tokens: 60, seed: 9 };

/** Kills the network's process as the system does where memory is short. */
function kill({ network }: Served): void {
  // a server that answers has one
  process.kill(network.pid!, 'SIGKILL');
}

describe('a network that is killed', () => {
  it('is started again, and what it was working on comes out the same', async () => {
    const server = await served('mdlm');
    const undisturbed = (await server.post('/v1/completions', WRITING)).body as CompletionBody;
    const scored = await server.post('/v1/loglikelihood', [
      { context: 'My', continuation: ' fellow citizens' },
    ]);
    const again = server.post('/v1/completions', { ...WRITING, n: 4 });
    const scoredAgain = server.post('/v1/loglikelihood', [
      { context: 'My', continuation: ' fellow citizens' },
    ]);
    kill(server);
    const { status, body } = await again;
    expect(status).toBe(200);
    expect((body as CompletionBody).choices[0].text).toBe(undisturbed.choices[0].text);
    expect(await scoredAgain).toMatchObject({ status: 200, body: scored.body });
    expect(server.told.join()).toMatch(/was ended by SIGKILL/);
    await until(() => server.network.isOpen);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(server.network.starts).toBe(2);
  });

  it('again and again over one request gives up that request with 503, and answers the next', async () => {
    const server = await served('mdlm');
    const fatal = server.post('/v1/completions', { ...WRITING, max_tokens: 100, n: 128 });
    for (let times = 1; times <= 2; times++) {
      await until(() => server.network.starts === times && server.network.isOpen && server.network.isAsked);
      kill(server);
    }
    const { status, body, headers } = await fatal;
    expect(status).toBe(503);
    expect((body as FailureBody).error.code).toBe('network-lost');
    expect(headers.get('retry-after')).not.toBe(null);
    expect((await server.post('/v1/completions', WRITING)).status).toBe(200);
    // The other 127 texts of the lost request are not drawn first.
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/^duo_eval_drawn_texts_total 1$/m);
  });
});
