/** Results of `gen` as records, for what reads rows. */
export function generatedResult(
  model: string,
  steps: number,
  perplexity: number,
  entropy: number,
  seconds = 10,
): object {
  const figure = (value: number) => ({ value, stderr: value / 50, ci95: [value * 0.96, value * 1.04] });
  const alone = (value: number | null) => ({ value, stderr: null, ci95: null });
  return {
    eval: 'gen',
    model: { name: model, family: 'duo', sha256: null, path: `${model}.onnx` },
    samples: {
      name: `${model}-${steps}`,
      path: `${model}-${steps}.jsonl`,
      sha256: 'ab'.repeat(32),
      count: 64,
      length: 1024,
      tokenizerSha256: null,
      sampler: { name: 'ancestral', options: {}, steps },
      seed: 1,
      temperature: 1,
      topK: null,
      topP: null,
      prompt: false,
      nfe: steps + 1,
      seconds,
    },
    dataset: null,
    judge: {
      name: 'gpt2-large',
      family: 'ar',
      sha256: null,
      path: 'gpt2.onnx',
      tokenizerSha256: 'ab',
      context: 1024,
    },
    protocol: {
      name: 'duo',
      version: 1,
      seed: 1,
      resamples: 2000,
      interval: 'percentile',
      compressionLevel: 9,
    },
    metrics: {
      genPpl: figure(perplexity),
      genNll: figure(Math.log(perplexity)),
      entropy: figure(entropy),
      distinct1: alone(null),
      distinct2: alone(0.9),
      distinct3: alone(null),
      repetition4: alone(null),
      compressionRatio: alone(null),
    },
    cost: { sequences: 64, tokens: 65536, modelCalls: 64, wallSeconds: 3, tokensPerSecond: 1 },
    environment: {
      tool: 'duo-eval/0.1.0',
      node: '20',
      onnxruntime: null,
      provider: 'cpu',
      threads: 2,
      cpu: null,
    },
  };
}
