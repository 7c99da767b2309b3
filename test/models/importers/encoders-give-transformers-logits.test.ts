/** About src/models/architectures/bert.ts and modernbert.ts, src/models/importers/bert.ts, modernbert.ts and masked-encoder.ts */
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { fillWeights } from '../../../src/graph/write.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { bertLayout } from '../../../src/models/importers/bert.js';
import { modernBertLayout } from '../../../src/models/importers/modernbert.js';
import { readSafetensors } from '../../../src/models/importers/safetensors.js';
import { bytesOfSource } from '../../../src/models/weights/weight-source.js';
import { type CaseName, cases, encoderFolder, MASK, weightsOf, wordPiece } from './encoders.js';
import { converted, largestDifference, logitsOf, maskedLosses, renamedTensors } from './published.js';

const names = Object.keys(cases) as CaseName[];
const layouts = { bert: bertLayout, modernbert: modernBertLayout } as const;

describe.each(names)('%s', (name) => {
  const { inputIds: ids, logits, config } = cases[name];

  it.each([
    ['float32', 1e-5],
    ['float16', 0.02],
    ['int8', 0.3],
  ] as const)('kept as %s gives the logits of transformers to %d', async (dtype, tolerance) => {
    const { path } = await converted(encoderFolder(name), { dtype, ...MASK });
    expect(largestDifference(await logitsOf(path, { ids }), logits)).toBeLessThan(tolerance);
  });

  it('gives them without fused operators, too', async () => {
    const folder = encoderFolder(name);
    const layout = layouts[config.model_type as keyof typeof layouts];
    const { parameters, graph, source } = layout.read({
      where: folder,
      name: 'it',
      tensors: readSafetensors(join(folder, 'model.safetensors')),
      config: { path: 'config.json', json: config },
      isTraining: false,
      tokenizer: null,
      ...MASK,
    });
    const plain = graph({ fused: false });
    expect(plain.proto.node.map(({ opType }) => opType)).not.toContain('LayerNormalization');
    await fillWeights(plain, bytesOfSource(parameters, source));
    const session = await ort.InferenceSession.create(plain.toBytes(), { logSeverityLevel: 4 });
    const input = new ort.Tensor('int64', BigInt64Array.from(ids.flat(), BigInt), [2, ids[0].length]);
    expect(largestDifference((await session.run({ input_ids: input })).logits, logits)).toBeLessThan(1e-5);
  });

  it('has the loss of masked diffusion at its masks: −ln softmax(logits)(x)/(1−α), without the mask’s own logit', async () => {
    const mask = MASK.overrides.maskTokenId;
    const { path } = await converted(encoderFolder(name), MASK);
    const noisy = ids.map((row) => row.map((token, l) => (l % 2 === 1 ? mask : token)));
    const losses = await maskedLosses(path, { noisy, clean: ids, oneMinusAlpha: [0.5, 0.25] });
    const rows = await logitsOf(path, { ids: noisy });
    const width = rows.dims[2];
    for (const [b, row] of ids.entries()) {
      for (const [l, token] of row.entries()) {
        const at = (b * row.length + l) * width;
        const of = Array.from(rows.data as Float32Array).slice(at, at + width);
        const sum = of.reduce((total, value, v) => total + (v === mask ? 0 : Math.exp(value)), 0);
        const nats = token === mask ? Number.POSITIVE_INFINITY : Math.log(sum) - of[token];
        const wanted = noisy[b][l] === mask ? nats / [0.5, 0.25][b] : 0;
        if (Number.isFinite(wanted)) expect(Math.abs(losses[b][l] - wanted)).toBeLessThan(1e-4);
      }
    }
  });
});

it('the first files of BERT, with gamma, beta and the head of its other task, are read', async () => {
  const weights = renamedTensors(weightsOf('bert'), (name) =>
    name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
  );
  const { path } = await converted(encoderFolder('bert', { weights }), MASK);
  const { inputIds: ids, logits } = cases.bert;
  expect(largestDifference(await logitsOf(path, { ids }), logits)).toBeLessThan(1e-5);
});

it.each([
  [
    'the keys of version 4',
    {
      layer_types: undefined,
      rope_parameters: undefined,
      global_attn_every_n_layers: 3,
      global_rope_theta: 160_000,
      local_rope_theta: 10_000,
    },
  ],
  ['none of them, which are the usual ones', { layer_types: undefined, rope_parameters: undefined }],
])('ModernBERT with %s is the same', async (_keys, config) => {
  const { path } = await converted(encoderFolder('modernBert', { config }), MASK);
  const { inputIds: ids, logits } = cases.modernBert;
  expect(largestDifference(await logitsOf(path, { ids }), logits)).toBeLessThan(1e-5);
});

it.each([
  ['a window of one more on either side', { local_attention: 7 }],
  [
    'other blocks that see all',
    { layer_types: ['full_attention', 'full_attention', 'sliding_attention', 'full_attention'] },
  ],
  [
    'another base of local positions',
    { rope_parameters: { full_attention: { rope_theta: 160_000 }, sliding_attention: { rope_theta: 20 } } },
  ],
])('ModernBERT with %s is another', async (_what, config) => {
  const { path } = await converted(encoderFolder('modernBert', { config }), MASK);
  const { inputIds: ids, logits } = cases.modernBert;
  expect(largestDifference(await logitsOf(path, { ids }), logits)).toBeGreaterThan(1e-3);
});

it('the card takes [MASK], [CLS] and [SEP] from the tokenizer, and never masks what a text begins with', async () => {
  const { path, card, notices } = await converted(
    encoderFolder('bert', { files: { 'tokenizer.json': wordPiece() } }),
  );
  expect(card).toMatchObject({
    family: 'mdlm',
    vocabSize: 19,
    length: 12,
    bosTokenId: 2,
    eosTokenId: 3,
    maskTokenId: 4,
    schedule: { type: 'log-linear', eps: 1e-3 },
    timeConditioning: false,
    neverMasked: [0],
    tokenizer: 'model.tokenizer',
    architecture: { name: 'bert', hiddenSize: 12, blocks: 2, heads: 3, mlpSize: 16, types: 2, tied: true },
  });
  expect(notices).toEqual([]);
  const checkpoint = await openCheckpoint(path);
  expect(checkpoint).toMatchObject({ family: 'mdlm', maskTokenId: 4 });
  expect(checkpoint.signature.sigma).toBeNull();
});

it('without a tokenizer, the configuration says what a text begins and ends with', async () => {
  const { card } = await converted(encoderFolder('modernBert'), MASK);
  expect(card).toMatchObject({ bosTokenId: 1, eosTokenId: 2, maskTokenId: 18, neverMasked: [0] });
});

it('a longer context than usual is shortened, which is said, and --length takes it back', async () => {
  const long = encoderFolder('modernBert', { config: { max_position_embeddings: 8192 } });
  const { card, notices } = await converted(long, MASK);
  expect(card.length).toBe(2048);
  expect(notices).toEqual([expect.stringMatching(/Its context is 8192 tokens/)]);
  const whole = await converted(long, { overrides: { ...MASK.overrides, length: 8192 } });
  expect(whole.card.length).toBe(8192);
});
