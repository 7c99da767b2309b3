/** Results as `gen` makes them: two models' texts and real text beside them. */
import type { GenerativeResult } from '../../../src/evals/generation/record.js';

export function generativeResult(name = 'duo', entropy = 4.25, genPpl = 84.5): GenerativeResult {
  const figure = (value: number, stderr: number) => ({
    value,
    stderr,
    ci95: [value - 2 * stderr, value + 2 * stderr] as [number, number],
  });
  const alone = (value: number) => ({ value, stderr: null, ci95: null });
  return {
    eval: 'gen',
    model: { name, family: 'duo', sha256: 'ab'.repeat(32), path: `models/${name}.onnx` },
    samples: {
      name,
      path: `${name}.jsonl`,
      sha256: 'cd'.repeat(32),
      count: 64,
      length: 128,
      tokenizerSha256: 'ef'.repeat(32),
      sampler: { name: 'psi', options: { kappa: 'pure-posterior' }, steps: 8 },
      seed: 1,
      temperature: 1,
      topK: null,
      topP: 0.9,
      prompt: false,
      nfe: 9,
      seconds: 12.5,
    },
    dataset: null,
    judge: {
      name: 'gpt2',
      family: 'ar',
      sha256: '12'.repeat(32),
      path: 'gpt2.onnx',
      tokenizerSha256: 'ef'.repeat(32),
      context: 1024,
    },
    protocol: {
      name: 'duo',
      version: 2,
      seed: 1,
      resamples: 2000,
      interval: 'bootstrap-t',
      compressionLevel: 9,
    },
    metrics: {
      genPpl: figure(genPpl, 2.1),
      genNll: figure(Math.log(genPpl), 2.1 / genPpl),
      entropy: figure(entropy, 0.011),
      distinct1: alone(0.031),
      distinct2: alone(0.41),
      distinct3: alone(0.82),
      repetition4: figure(0.0123, 0.0011),
      compressionRatio: alone(2.31),
    },
    cost: { sequences: 64, tokens: 8128, modelCalls: 64, wallSeconds: 3, tokensPerSecond: 2709 },
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

/** Real text: no model, no sampler, no calls. */
export function realText(entropy = 4.3): GenerativeResult {
  const result = generativeResult('sotu', entropy, 21.5);
  Object.assign(result.samples, {
    path: null,
    sampler: null,
    seed: null,
    temperature: null,
    topK: null,
    topP: null,
    prompt: null,
    nfe: null,
    seconds: null,
  });
  const dataset = {
    name: 'sotu',
    split: 'evaluation',
    sha256: '34'.repeat(32),
    sourceSha256: '56'.repeat(32),
    texts: 19,
    tokens: 9000,
    sequences: 70,
  };
  return { ...result, model: null, dataset };
}
