import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/evals/registry.js';
import type { SuiteObserver } from '../../../src/evals/suite/run-suite.js';
import { Paces } from '../../../src/evals/suite/sampling-pace.js';
import type { SampleRequest } from '../../../src/sampling/sample-request.js';

const silent = { note() {}, warn() {}, finished() {} } satisfies SuiteObserver;
/** Its checkpoint has a name and nothing that could be run: a trial would throw. */
const request = (name: string, length: number) => ({ checkpoint: { name }, length }) as SampleRequest;
const judge = { path: 'judge.onnx', provider: 'cpu', fresh: false } as const;

const generated = {
  eval: 'gen',
  model: { name: 'uniform' },
  judge: { name: 'judge' },
  samples: { count: 4, length: 32, nfe: 8, seconds: 6.4 },
  cost: { modelCalls: 4, wallSeconds: 2 },
} as unknown as Result;
const swept = {
  eval: 'frontier',
  model: { name: 'masked' },
  judge: { name: 'judge' },
  length: 32,
  nfe: 4,
  tokensPerSecond: 16,
} as unknown as Result;

describe('the pace of a model', () => {
  it('is that of its samples that are kept: seconds over samples and model calls', async () => {
    const paces = new Paces(silent);
    paces.learn([generated, swept]);
    expect((await paces.ofStep(request('uniform', 32)))?.each).toBeCloseTo(6.4 / 4 / 8, 12);
    expect((await paces.ofStep(request('masked', 32)))?.each).toBeCloseTo(32 / 16 / 4, 12);
    expect((await paces.ofText(judge, 'judge', 32))?.each).toBeCloseTo(2 / 4, 12);
  });

  it('is not that of another model, nor of another length', async () => {
    const paces = new Paces(silent);
    paces.learn([generated]);
    await expect(paces.ofStep(request('masked', 32))).rejects.toThrow();
    await expect(paces.ofStep(request('uniform', 64))).rejects.toThrow();
  });
});
