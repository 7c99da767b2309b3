import { describe, expect, it } from 'vitest';
import type { FrontierResult } from '../../../src/evals/frontier/record.js';
import type { GenerativeResult } from '../../../src/evals/generation/record.js';
import { Paces } from '../../../src/evals/suite/sampling-pace.js';
import { estimateOf } from '../../../src/evals/suite/sampling-work.js';
import type { SampleRequest } from '../../../src/sampling/sample-request.js';

const silent = { note() {}, warn() {} };
/** Its checkpoint has a name and nothing that could be run: a trial would throw. */
const request = (name: string, length: number) => ({ checkpoint: { name }, length }) as SampleRequest;
const judge = { path: 'judge.onnx', provider: 'cpu', fresh: false } as const;

const generated = {
  eval: 'gen',
  model: { name: 'uniform' },
  judge: { name: 'judge' },
  samples: { count: 4, length: 32, nfe: 8, seconds: 6.4 },
  cost: { modelCalls: 4, wallSeconds: 2 },
} as unknown as GenerativeResult;
const swept = {
  eval: 'frontier',
  model: { name: 'masked' },
  judge: { name: 'judge' },
  length: 32,
  nfe: 4,
  tokensPerSecond: 16,
} as unknown as FrontierResult;

describe('the pace of a model', () => {
  it('is that of its samples that are kept: seconds over samples and model calls', async () => {
    const paces = new Paces(silent);
    paces.learnSamples(generated);
    paces.learnSweep(swept);
    expect((await paces.ofStep(request('uniform', 32)))?.each).toBeCloseTo(6.4 / 4 / 8, 12);
    expect((await paces.ofStep(request('masked', 32)))?.each).toBeCloseTo(32 / 16 / 4, 12);
    expect((await paces.ofText(judge, 'judge', 32))?.each).toBeCloseTo(2 / 4, 12);
  });

  it('is not that of another model, nor of another length', async () => {
    const paces = new Paces(silent);
    paces.learnSamples(generated);
    await expect(paces.ofStep(request('masked', 32))).rejects.toThrow();
    await expect(paces.ofStep(request('uniform', 64))).rejects.toThrow();
  });
});

describe('an estimate', () => {
  const work = { request: { ...request('uniform', 32), steps: 10 }, samples: 20, texts: 5, described: 8 };
  const works = [{ ...work, starts: 0, processes: 0 }];
  const suite = { provider: 'cpu', fresh: false } as const;
  const learned = () => {
    const paces = new Paces(silent);
    paces.learnSamples(generated);
    return paces;
  };
  const drawn = 20 * 10 * (6.4 / 4 / 8);

  it('counts texts that are judged and those that the model of MAUVE reads', async () => {
    const readers = { judge: null, mauve: null };
    expect(await estimateOf(works, readers, suite, learned())()).toBeCloseTo(drawn, 9);
    const both = { judge: { path: 'judge.onnx' }, mauve: { path: 'm.onnx', name: 'judge' } };
    expect(await estimateOf(works, both, suite, learned())()).toBeCloseTo(drawn + (5 + 8) * (2 / 4), 9);
  });
});
