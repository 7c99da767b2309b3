/** Results as `bench` and `frontier` make them. */

import type { FrontierResult } from '../../../src/evals/frontier/record.js';
import type { AgainstRecord, BenchResult } from '../../../src/evals/throughput/record.js';
import { interleavedRatio, type TimedPair } from '../../../src/statistics/interleaved-ratio.js';
import { generativeResult } from '../generation/generative-sample.js';

export function benchResult(name = 'duo 8', family = 'duo', tokensPerSecond = 640): BenchResult {
  const result = generativeResult(name);
  return {
    ...result,
    eval: 'bench',
    model: { ...result.model!, name: name.split(' ')[0], family },
    throughput: {
      tokensPerSecond: { value: tokensPerSecond, ci95: [tokensPerSecond - 20, tokensPerSecond + 30] },
      rounds: 8,
      batch: 8,
      warmupSeconds: 0.8,
      speedUpOverAr: 9.1,
      speedUpOverMasked: null,
      harnessShare: 0.024,
      peakMemoryBytes: 130 * 2 ** 20,
      cached: family === 'ar' ? false : null,
      pareto: name === 'duo 8',
    },
  };
}

/** What `--against old.onnx` adds. */
export function against(more: Partial<AgainstRecord> = {}): AgainstRecord {
  const pairs: TimedPair[] = [640, 652, 631, 645].map((own, r) => ({
    first: r % 2 === 0 ? 'own' : 'other',
    own,
    other: 800,
  }));
  return {
    kind: 'checkpoint',
    name: 'old',
    path: 'old.onnx',
    sha256: 'f'.repeat(64),
    tool: 'duo-eval/0.1.0',
    onnxruntime: '1.30.0',
    tokensPerSecond: { value: 800, ci95: null },
    rounds: pairs.length,
    ratio: interleavedRatio(pairs),
    pairs,
    ...more,
  };
}

export function frontierResult(name = 'duo', value: number | null = 480): FrontierResult {
  const { judge, protocol, environment, model, samples } = generativeResult(name);
  const figure = (mean: number) => ({
    value: mean,
    stderr: 20,
    ci95: [mean - 40, mean + 40] as [number, number],
  });
  return {
    eval: 'frontier',
    model: model!,
    sampler: samples.sampler!,
    length: 128,
    tokenizerSha256: samples.tokenizerSha256,
    target: { entropy: 4.3, dataset: 'sotu' },
    metrics: { genPpl: value === null ? { value, stderr: null, ci95: null } : figure(value) },
    temperature: value === null ? null : 0.95,
    outside: value === null ? 1 : 0,
    points: [0.8, 1].map((temperature) => ({
      temperature,
      genPpl: figure(400),
      entropy: figure(3 + temperature),
      tokensPerSecond: 600,
      samples: 64,
    })),
    nfe: 9,
    tokensPerSecond: 600,
    pareto: value !== null,
    judge: judge!,
    protocol,
    environment,
  };
}
