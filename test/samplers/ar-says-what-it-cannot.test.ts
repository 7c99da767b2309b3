import { afterAll, describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Cast, Div, Mul, Unsqueeze } from '../../src/graph/operators.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { markovDenoiser } from '../../src/models/sources/markov-denoiser.js';
import { autoregressive } from '../../src/samplers/autoregressive.js';
import type { SamplingRun } from '../../src/samplers/sampler.js';
import { CausalSession, type CausalSessionOptions } from '../../src/sampling/causal-session.js';
import { checkSampleRequest, type SampleRequest } from '../../src/sampling/sample-request.js';
import { unevenChain } from '../models/sources/chains.js';
import { causalSamples } from './causal-samples.js';

const K = 6;
const opened: CausalSession[] = [];
afterAll(() => Promise.all(opened.map((session) => session.close())));

async function started(options: Partial<CausalSessionOptions> = {}, graph?: Graph): Promise<CausalSession> {
  const made = graph ?? markovDenoiser(unevenChain(K, 3), 'ar');
  const checkpoint = checkpointOfGraph(made, { family: 'ar', vocabSize: K }, 'chain');
  const session = await CausalSession.start({ checkpoint, provider: 'cpu', threads: 1, ...options });
  opened.push(session);
  return session;
}

describe('autoregressive sampling', () => {
  it('asks for a first token where none is known, and takes the tokenizer’s', async () => {
    const request = { count: 1, length: 4 };
    await expect(causalSamples(await started(), request)).rejects.toMatchObject({
      code: 'no-bos',
      exitCode: 3,
    });
    const told = await started({ tokenizer: { bosTokenId: 4, eosTokenId: null } });
    expect((await causalSamples(told, request))[0].tokens[0]).toBe(4);
  });

  it('is refused a length that leaves nothing to draw behind the first token', async () => {
    const checkpoint = checkpointOfGraph(
      markovDenoiser(unevenChain(K, 3), 'ar'),
      { family: 'ar', vocabSize: K },
      'chain',
    );
    const request = {
      checkpoint,
      sampler: { sampler: autoregressive },
      options: {},
      given: null,
      temperature: 1,
    };
    const check = (length: number) =>
      checkSampleRequest({ ...request, length, steps: length } as unknown as SampleRequest);
    await expect(check(1)).rejects.toMatchObject({ code: 'nothing-to-draw', exitCode: 2 });
    await expect(check(2)).resolves.toMatchObject({ name: 'chain', family: 'ar' });
  });

  it('cannot fill in before given tokens', async () => {
    const run: Partial<SamplingRun> = {
      family: 'ar',
      batch: 1,
      length: 4,
      tokens: new Int32Array(4),
      fixed: Uint8Array.of(1, 0, 1, 0),
      options: {},
      causal: await started(),
    };
    const sampling = autoregressive.sample(run as SamplingRun).next();
    await expect(sampling).rejects.toMatchObject({ code: 'infill-from-left', exitCode: 2 });
  });

  it('takes no temperature of 0', async () => {
    await expect(started({ temperature: 0 })).rejects.toMatchObject({ exitCode: 2 });
  });

  it('names sample and position where the logits are not finite', async () => {
    const graph = Graph.create('broken');
    const ids = Cast(graph.input('input_ids', 'int64', ['batch', 'length']), { to: 'float32' });
    const slope = graph.initializer(
      'slope',
      'float32',
      [K],
      Float32Array.from({ length: K }, (_, v) => v),
    );
    const zero = Mul(Unsqueeze(ids, [-1]), 0);
    const logits = Mul(slope, Div(zero, zero));
    graph.output(logits, 'logits', ['batch', 'length', K]);
    const model = await started({ tokenizer: { bosTokenId: 3, eosTokenId: null } }, graph);
    const error = await causalSamples(model, { count: 2, length: 4 }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'not-finite', exitCode: 5 });
    expect(error.message).toContain('sample 0 of the batch, position 1');
  });
});
