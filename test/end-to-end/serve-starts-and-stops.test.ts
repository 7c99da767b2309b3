/** About src/commands/serve.ts, src/server/serve.ts */
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { finished, fixture, startDuoEval } from '../support/run.js';
import { workspace } from '../support/workspace.js';

const model = ['--model', fixture('markov-mdlm.onnx')];

/** A server as a process, once it listens. */
async function started(args: string[], env: Record<string, string> = {}) {
  const space = workspace();
  const child = startDuoEval(['serve', ...model, '--port', '0', ...args], { folder: space.folder, env });
  let printed = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  const end = finished(child);
  await until(() => /http:\/\/\S+/.test(printed) || child.exitCode !== null);
  const url = /http:\/\/\S+/.exec(printed)?.[0] ?? '';
  return { child, end, url, port: new URL(url).port };
}

describe('duo-eval serve', () => {
  it('prints where it listens, and at SIGTERM finishes what is under way and ends with status 0', async () => {
    const { child, end, url } = await started(['--stop-timeout', '600', '--timeout', '600']);
    const body = JSON.stringify({ prompt: 'a', max_tokens: 100, n: 4, seed: 1, ignore_eos: true });
    const headers = { 'content-type': 'application/json' };
    const underWay = fetch(`${url}/v1/completions`, { method: 'POST', headers, body });
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    await until(async () => /^duo_eval_requests_active 1$/m.test(await metrics()));
    child.kill('SIGTERM');
    const answer = await underWay;
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { choices: Array(4).fill({ finish_reason: 'length' }) },
    ]);
    const { code, stderr } = await end;
    expect(code).toBe(0);
    expect(stderr).toMatch(/Finishing what is under way/);
  });

  it('ends with its network, and leaves no process', async () => {
    const { child, end, url } = await started([]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    child.kill('SIGKILL');
    await end;
    // Its standard error is that of the network's process too, and is closed when both have ended.
    expect(child.stderr?.readableEnded || child.stderr?.closed).toBe(true);
  });

  it('asks for the token of a file or of the variable, and warns where it listens for others', async () => {
    const space = workspace();
    space.write('token.txt', 'a-token-of-some-length\n');
    const { child, end, port } = await started(['--token-file', space.at('token.txt'), '--host', '0.0.0.0']);
    const url = `http://127.0.0.1:${port}`;
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
    const headers = { authorization: 'Bearer a-token-of-some-length' };
    expect((await fetch(`${url}/v1/models`, { headers })).status).toBe(200);
    child.kill('SIGINT');
    const { stderr, stdout } = await end;
    expect(stderr).toMatch(/listens on 0\.0\.0\.0 and does not encrypt/);
    expect(stderr + stdout).not.toContain('a-token-of-some-length');
    const other = await started([], { DUO_EVAL_TOKEN: 'another-token-of-length' });
    expect((await fetch(`${other.url}/v1/models`, { headers })).status).toBe(401);
    other.child.kill('SIGINT');
    await other.end;
  });

  it('says what keeps it from serving', async () => {
    const space = workspace();
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const { code, stderr } = await space.run(['serve', ...model, '--port', String(port)]);
    taken.close();
    expect([code, stderr]).toEqual([2, expect.stringMatching(/another program listens there/)]);
    space.write('short.txt', 'guess');
    const short = await space.run(['serve', ...model, '--token-file', 'short.txt']);
    expect([short.code, short.stderr]).toEqual([2, expect.stringMatching(/at least 16/)]);
    const lost = await space.run(['serve', ...model, '--token-file', 'nowhere.txt']);
    expect([lost.code, lost.stderr]).toEqual([2, expect.stringMatching(/nowhere\.txt cannot be read/)]);
    const absent = await space.run(['serve', '--model', 'nowhere.onnx']);
    expect(absent.code).toBe(3);
  });
});
