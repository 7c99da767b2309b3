import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hubEndpoint } from '../../src/datasets/hub/endpoint.js';
import { sendJson, sha256 } from '../support/hub.js';
import { fetching, PTB, PTB_FILE, sentences } from './fetching.js';

const { hub, fetch, cachePath, connection } = await fetching();
const TOKEN = 'hf_SecretSecretSecret';
const withToken = () => ({ connection: connection({ token: TOKEN }) });
const tokens = (server: 'hub' | 'store') => [
  ...new Set(hub.asked.filter((asked) => asked.server === server).map(({ token }) => token)),
];

describe('the token', () => {
  it('goes to the hub and not to the store that the hub redirects to', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]);
    await fetch('ptb', withToken());
    expect(tokens('hub')).toEqual([`Bearer ${TOKEN}`]);
    expect(tokens('store')).toEqual([null]);
  });

  it('goes along when the hub redirects to itself, as for a repository that was renamed', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    hub.answer = (request, response) => {
      const isOld = (request.url ?? '').startsWith('/api/') && !(request.url ?? '').includes('moved=1');
      if (isOld) response.writeHead(307, { location: `${request.url}&moved=1` }).end();
      return isOld;
    };
    await fetch('ptb', withToken());
    expect(hub.asked.some(({ url }) => url.includes('moved=1'))).toBe(true);
    expect(tokens('hub')).toEqual([`Bearer ${TOKEN}`]);
  });

  it('does not come back with a redirect that leads back', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]);
    hub.answer = (_request, response, server) => {
      if (server === 'store')
        response.writeHead(302, { location: `${hub.url}/back/${sha256(sentences)}` }).end();
      return server === 'store';
    };
    await expect(fetch('ptb', withToken())).rejects.toMatchObject({ code: 'hub-not-found' });
    expect(hub.asked.at(-1)).toMatchObject({
      server: 'hub',
      url: expect.stringMatching(/^\/back/),
      token: null,
    });
  });

  it('does not follow a next page to another host', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    hub.answer = (request, response, server) => {
      if (server === 'store') {
        sendJson(response, []);
        return true;
      }
      if (!(request.url ?? '').includes('/tree/')) return false;
      response.setHeader('link', `<${hub.storeUrl}/next>; rel="next"`);
      return false;
    };
    await fetch('ptb', withToken());
    expect(hub.asked.find(({ server }) => server === 'store')).toMatchObject({ url: '/next', token: null });
  });

  it('is in no record, and in no message', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]);
    await fetch('ptb', withToken());
    const folder = cachePath('datasets', 'ptb');
    for (const name of readdirSync(folder)) {
      expect(readFileSync(join(folder, name), 'latin1')).not.toMatch(/hf_Secret|127\.0\.0\.1|X-Signature/);
    }
    for (const status of [401, 403, 404, 500]) {
      hub.answer = (request, response) => {
        response.writeHead(status).end(request.headers.authorization);
        return true;
      };
      const failure = await fetch('ptb', { ...withToken(), update: true }).catch((error) => error);
      expect(`${failure.message} ${failure.hint} ${failure.stack}`).not.toContain('hf_Secret');
      if (status < 404) expect(failure.hint).toContain('Check HF_TOKEN');
    }
  });
});

describe('a redirect', () => {
  it.each([
    ['without end', (url: string) => url],
    ['to a file of this machine', () => 'file:///etc/passwd'],
    ['to nowhere', () => 'http://'],
  ])('%s is not followed', async (_what, target) => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    hub.answer = (request, response) => {
      response.writeHead(302, { location: target(request.url ?? '') }).end();
      return true;
    };
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'hub-answer', exitCode: 4 });
    expect(hub.asked.length).toBeLessThan(20);
  });

  it('to a host that is not there shows nothing of the signature in its address', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    hub.answer = (_request, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/x?X-Signature=secret' }).end();
      return true;
    };
    const failure = await fetch('ptb').catch((error) => error);
    expect(failure.code).toBe('hub-unreachable');
    expect(`${failure.message} ${failure.hint}`).not.toMatch(/secret|Signature/);
  });
});

describe('HF_ENDPOINT and HF_TOKEN', () => {
  it('name the public hub when they are not set, and take a path and a slash', () => {
    expect(hubEndpoint({})).toEqual({ url: 'https://huggingface.co', host: 'huggingface.co', token: null });
    expect(hubEndpoint({ HF_ENDPOINT: ' https://mirror.example/hub/ ', HF_TOKEN: ' hf_x\n' })).toEqual({
      url: 'https://mirror.example/hub',
      host: 'mirror.example',
      token: 'hf_x',
    });
  });

  it.each([
    [{ HF_ENDPOINT: 'https://user:hf_Secret@mirror.example' }, 'invalid-endpoint'],
    [{ HF_ENDPOINT: 'https://mirror.example?key=hf_Secret' }, 'invalid-endpoint'],
    [{ HF_ENDPOINT: 'file:///hf_Secret' }, 'invalid-endpoint'],
    [{ HF_ENDPOINT: 'hf_Secret' }, 'invalid-endpoint'],
    [{ HF_TOKEN: 'hf_Secret\nx-header: 1' }, 'invalid-token'],
    [{ HF_TOKEN: 'hf_Secret ü' }, 'invalid-token'],
    [{ HF_TOKEN: 'hf_Secret', HF_ENDPOINT: 'http://mirror.example' }, 'insecure-endpoint'],
  ])('%j is refused without being repeated', (env, code) => {
    const refusal = (() => {
      try {
        return hubEndpoint(env);
      } catch (error) {
        return error as Error & { hint: string };
      }
    })();
    expect(refusal).toMatchObject({ code, exitCode: 2 });
    expect(JSON.stringify(refusal) + (refusal as Error).message).not.toContain('hf_Secret');
  });
});
