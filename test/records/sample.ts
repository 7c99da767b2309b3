/** A results file as `ppl` makes it: three models on two data sets, with unknowns among the facts. */
import type { PerplexityResult } from '../../src/evals/perplexity/record.js';
import type { Comparison, ResultsFile } from '../../src/records/record.js';
import { resultsFile } from '../../src/records/record.js';
import { perplexityMetrics } from '../../src/records/text-figures.js';

export function sampleResult(name = 'duo', dataset = 'sotu', nll = 4.9786): PerplexityResult {
  const n = 64;
  const nats = Float64Array.from({ length: n }, (_, i) => 128 * (nll + 0.12 * Math.sin(7 * i + name.length)));
  const exact = name === 'ar';
  return {
    eval: 'ppl',
    model: { name, family: name, sha256: 'ab'.repeat(32), path: `models/${name}.onnx` },
    dataset: {
      name: dataset,
      split: 'evaluation',
      sha256: 'cd'.repeat(32),
      sourceSha256: null,
      texts: 19,
      tokens: 183_883,
      sequences: 1458,
      droppedTokens: 91,
      limit: n,
      selection: 'spread',
    },
    protocol: {
      name: 'duo',
      version: 2,
      length: 128,
      tokenizerSha256: null,
      timeRange: exact ? null : [0.001, 1],
      draws: exact ? 1 : 20,
      estimator: exact ? 'exact' : 'control-variate',
      seed: 1,
      mcDegreesOfFreedom: exact ? null : 24,
      integration: exact ? null : 'comparable with published figures, not a bound',
    },
    metrics: perplexityMetrics(
      {
        nats,
        tokens: new Float64Array(n).fill(128),
        textBytes: new Float64Array(n).fill(260),
        natsMcStderr: exact ? 0 : 34.3,
      },
      1,
    ),
    cost: {
      sequences: n,
      tokens: 8192,
      modelCalls: exact ? 64 : 1280,
      wallSeconds: 31.25,
      tokensPerSecond: 5242.88,
    },
    environment: {
      tool: 'duo-eval/0.1.0',
      node: '20.20.2',
      onnxruntime: '1.30.0',
      provider: 'cpu',
      threads: 2,
      cpu: null,
    },
  };
}

export const SAMPLE_COMPARISONS: Comparison[] = [
  {
    a: 'ar',
    b: 'mdlm',
    dataset: 'sotu',
    deltaNll: -0.6232,
    stderr: 0.0211,
    ci95: [-0.6654, -0.581],
    significant: true,
    ...{ unit: 'block', units: 64, blockLength: 1, designEffect: 1 },
  },
  {
    a: 'mdlm',
    b: 'duo',
    dataset: 'sotu',
    deltaNll: -0.0121,
    stderr: 0.0094,
    ci95: [-0.0309, 0.0067],
    significant: false,
    ...{ unit: 'block', units: 64, blockLength: 1, designEffect: 1 },
  },
];

export function sampleFile(): ResultsFile<PerplexityResult> {
  const results = ['sotu', 'moby-dick'].flatMap((dataset) => [
    sampleResult('ar', dataset, 4.0519),
    sampleResult('mdlm', dataset, 4.6751),
    sampleResult('duo', dataset, 4.9786),
  ]);
  return resultsFile(results, structuredClone(SAMPLE_COMPARISONS));
}
