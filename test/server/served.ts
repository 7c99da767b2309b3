/** A server of a fixture, in this process; the network's is the built one. */

import { openCheckpoint } from '../../src/library/checkpoints.js';
import type { Checkpoint } from '../../src/models/checkpoint.js';
import type { Network } from '../../src/server/network.js';
import { type ServeRequest, serve } from '../../src/server/serve.js';
import { afterUse } from '../support/after-use.js';
import { patient } from '../support/patience.js';
import { fixture } from '../support/run.js';

export interface Served {
  url: string;
  port: number;
  network: Network;
  checkpoint: Checkpoint;
  /** What the server told whoever started it. */
  told: string[];
  post(
    path: string,
    body: unknown,
    options?: RequestInit,
  ): Promise<{ status: number; headers: Headers; body: never }>;
  close(graceMs: number): Promise<number>;
}

export async function served(name: string, options: Partial<ServeRequest> = {}): Promise<Served> {
  const spec = fixture(`${name}.onnx`);
  const checkpoint = await openCheckpoint(spec);
  const told: string[] = [];
  const { close, url, port, network } = await serve(
    {
      ...{ checkpoint, spec, overrides: {}, host: '127.0.0.1', port: 0, token: null, places: 64 },
      ...{ timeoutMs: patient(300_000), bodyBytes: 2 ** 20, bos: 'always', tail: 'none', method: 'policy' },
      provider: 'cpu',
      threads: 1,
      ...options,
    },
    { warn: (text) => told.push(text) },
  );
  afterUse(() => close(0));
  return {
    ...{ url, port, network, checkpoint, told, close },
    async post(path, body, init = {}) {
      const answer = await fetch(url + path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
        headers: { 'content-type': 'application/json', ...init.headers },
      });
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as never };
    },
  };
}

/** A failure's body. */
export interface FailureBody {
  error: { message: string; type: string; code: string };
}

export interface CompletionBody {
  choices: {
    index: number;
    text: string;
    finish_reason: string;
    logprobs: {
      tokens: string[];
      token_logprobs: (number | null)[];
      top_logprobs: (Record<string, number> | null)[];
      text_offset: number[];
    };
  }[];
  usage: { prompt_tokens: number; completion_tokens: number };
  duo_eval: { truncated: number[]; tail: string; seed: number };
}
