/** About src/training/initial-network.ts, src/training/run-training.ts and src/commands/train.ts */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { importCheckpoint } from '../../src/models/importers/import-checkpoint.js';
import {
  decoderWeights,
  transformerName,
  transformerWeights,
} from '../../src/models/weights/checkpoint-weights.js';
import { runTraining, type TrainingRequest } from '../../src/training/run-training.js';
import { int64, largestDifference, numbers, sessionOf } from '../models/architectures/networks.js';
import { randomTensors } from '../models/importers/random-tensors.js';
import { temporaryFolder } from '../support/folder.js';

const tokenizer = fileURLToPath(new URL('../../fixtures/tokenizer', import.meta.url));
const TOKENS = 257;
const { path } = temporaryFolder();
const text = path('text.txt');

/** A small Qwen 3 as its files have it. @param rows of the embedding: more than tokens are padding */
async function qwen(name: string, rows: number, more: object = {}): Promise<string> {
  const d = 16;
  const folder = path(name);
  mkdirSync(folder);
  const block = (i: number) => ({
    [`model.layers.${i}.input_layernorm.weight`]: [d],
    [`model.layers.${i}.self_attn.q_proj.weight`]: [32, d],
    [`model.layers.${i}.self_attn.k_proj.weight`]: [16, d],
    [`model.layers.${i}.self_attn.v_proj.weight`]: [16, d],
    [`model.layers.${i}.self_attn.q_norm.weight`]: [8],
    [`model.layers.${i}.self_attn.k_norm.weight`]: [8],
    [`model.layers.${i}.self_attn.o_proj.weight`]: [d, 32],
    [`model.layers.${i}.post_attention_layernorm.weight`]: [d],
    [`model.layers.${i}.mlp.gate_proj.weight`]: [24, d],
    [`model.layers.${i}.mlp.up_proj.weight`]: [24, d],
    [`model.layers.${i}.mlp.down_proj.weight`]: [d, 24],
  });
  const shapes = {
    'model.embed_tokens.weight': [rows, d],
    ...block(0),
    ...block(1),
    'model.norm.weight': [d],
  };
  writeFileSync(join(folder, 'model.safetensors'), randomTensors(shapes));
  const config = {
    model_type: 'qwen3',
    head_dim: 8,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    ...more,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const out = path(`${name}.onnx`);
  await importCheckpoint({ source: folder, out, tokenizer });
  return out;
}

const request = (changes: Partial<TrainingRequest> & { init: string }): TrainingRequest => ({
  family: 'mdlm',
  data: text,
  validation: null,
  textColumn: undefined,
  tokenizer,
  size: 'tiny',
  changes: {},
  length: 16,
  steps: 1,
  batch: 4,
  learningRate: 0.01,
  warmup: 0,
  weightDecay: 0,
  averageDecay: 0,
  curriculumSteps: 0,
  curriculumTemperature: 1e-3,
  curriculumKept: 8,
  seed: 1,
  saveEvery: 1000,
  validationSequences: 8,
  dtype: 'float32',
  shift: false,
  command: 'a test',
  threads: 1,
  out: path(`run-${Math.abs(Number(changes.learningRate ?? 0))}-${changes.family ?? 'mdlm'}-${runs++}`),
  ...changes,
});
let runs = 0;
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}.onnx`, import.meta.url));
const quiet = { resumed() {}, stepped() {}, validated() {}, note() {} };
const trained = (changes: Partial<TrainingRequest> & { init: string }) =>
  runTraining(request(changes), quiet);

let padded: string;
let exact: string;
beforeAll(async () => {
  writeFileSync(text, Array.from({ length: 900 }, (_, i) => `and then ${i % 10}`).join(' '));
  padded = await qwen('padded', 260);
  exact = await qwen('exact', TOKENS);
});

describe('training that starts from an imported Qwen', () => {
  it.each([
    ['its padding has the mask', () => padded, { maskTokenId: 257, vocabSize: 260, textVocabSize: 257 }],
    ['it gets a token more', () => exact, { maskTokenId: 257, vocabSize: 258 }],
  ])(
    'makes a masked model of it, whose mask is the first token that no text has (%s)',
    async (_case, init, card) => {
      const { path: made } = await trained({ init: init(), learningRate: 1e-12, shift: true });
      const checkpoint = await openCheckpoint(made);
      const { maskTokenId, vocabSize, textVocabSize = null } = { textVocabSize: null, ...card };
      expect([
        checkpoint.family,
        checkpoint.maskTokenId,
        checkpoint.vocabSize,
        checkpoint.textVocabSize,
      ]).toEqual(['mdlm', maskTokenId, vocabSize, textVocabSize]);
      const [before, after] = [decoderWeights(await openCheckpoint(init())), decoderWeights(checkpoint)];
      expect(after.dimensions).toMatchObject({ attention: 'full', shift: true, length: 16 });
      // All rows of the embedding but the mask's, and then all else, are those that it starts from.
      const [rows, more] = [16 * before.dimensions.vocabSize, 16 * (vocabSize - before.dimensions.vocabSize)];
      expect(
        largestDifference(after.weights.subarray(0, rows), before.weights.subarray(0, rows)),
      ).toBeLessThan(1e-6);
      expect(
        largestDifference(after.weights.subarray(rows + more), before.weights.subarray(rows)),
      ).toBeLessThan(1e-6);
      const session = await sessionOf(made);
      const { logits } = await session.run({ input_ids: int64([[1, 257, 3, 257]]) });
      expect(logits.dims).toEqual([1, 4, vocabSize]);
      expect(numbers(logits).every(Number.isFinite)).toBe(true);
    },
  );

  it.each<[TrainingRequest['family'], Partial<TrainingRequest>]>([
    ['ar', {}],
    ['mdlm', { shift: true }],
    ['mdlm', {}],
    ['bd3lm', { blockSize: 4 }],
    ['duo', {}],
  ])('as %s with %j lowers its loss', async (family, changes) => {
    const steps = 40;
    const losses: number[] = [];
    const observer = {
      ...quiet,
      stepped: (_step: number, _all: number, { loss }: { loss: number }) => losses.push(loss),
    };
    const { path: made } = await runTraining(request({ init: padded, family, steps, ...changes }), observer);
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(losses.slice(-8))).toBeLessThan(0.8 * mean(losses.slice(0, 8)));
    const checkpoint = await openCheckpoint(made);
    expect(checkpoint.family).toBe(family);
    expect(checkpoint.fields.timeConditioning.value).toBe(false);
  });

  it('keeps what its card says of a first token that is given, and where padding begins', async () => {
    const init = await qwen('said', 260, { model_type: 'a2d-qwen3', mask_token_id: 257 });
    const cardPath = init.replace(/onnx$/, 'card.json');
    const card = JSON.parse(readFileSync(cardPath, 'utf8'));
    writeFileSync(cardPath, JSON.stringify({ ...card, neverMasked: [0], textVocabSize: 258 }));
    const { path: made } = await trained({ init, steps: 2 });
    const checkpoint = await openCheckpoint(made);
    expect(checkpoint.neverMasked).toEqual([0]);
    expect(checkpoint.textVocabSize).toBe(257);
  });

  it('resumes to the same weights, and not with another checkpoint', async () => {
    const whole = await trained({ init: padded, steps: 6 });
    const stopped = request({ init: padded, steps: 6, saveEvery: 3 });
    const stop = new AbortController();
    const stopping = {
      ...quiet,
      signal: stop.signal,
      stepped: (step: number) => step === 3 && stop.abort(new Error('stop')),
    };
    await expect(runTraining(stopped, stopping)).rejects.toThrow('stop');
    const resumed = await runTraining(stopped, quiet);
    const [a, b] = [
      decoderWeights(await openCheckpoint(whole.path)),
      decoderWeights(await openCheckpoint(resumed.path)),
    ];
    expect(largestDifference(a.weights, b.weights)).toBe(0);
    const other = await qwen('other', 261);
    await expect(runTraining({ ...stopped, init: other }, quiet)).rejects.toMatchObject({
      code: 'other-settings',
    });
  });

  it.each<[string, Partial<TrainingRequest>, string]>([
    ['longer than its context', { length: 128 }, 'length-past-model'],
    ['in blocks of no size', { family: 'bd3lm' }, 'block-size-of-bd3lm'],
    ['shifted, though it predicts what comes next', { family: 'ar', shift: true }, 'shift-of-denoisers'],
  ])('%s is refused', async (_what, changes, code) => {
    await expect(trained({ init: padded, ...changes })).rejects.toMatchObject({ code });
  });

  it.each<[string, string, Partial<TrainingRequest>, string]>([
    ['whose card says no network', 'markov-mdlm', {}, 'foreign-network'],
    ['that sees all tokens, for one that sees none later', 'mdlm', { family: 'ar' }, 'init-of-another-kind'],
    ['that is causal, for one that sees all', 'ar', { family: 'mdlm' }, 'init-of-another-kind'],
    ['whose rows are where they belong, with --shift', 'mdlm', { shift: true }, 'init-of-another-kind'],
  ])('from a network %s is refused', async (_what, name, changes, code) => {
    await expect(trained({ init: fixture(name), ...changes })).rejects.toMatchObject({ code });
  });
});

describe('training that starts from a transformer of the reference’s kind', () => {
  const bpe = fileURLToPath(new URL('../../fixtures/bpe-1024', import.meta.url));
  it.each<[string, TrainingRequest['family'], Partial<TrainingRequest>]>([
    ['mdlm', 'mdlm', {}],
    ['duo', 'mdlm', {}],
    ['mdlm', 'gidd', {}],
    ['mdlm', 'bd3lm', { blockSize: 4 }],
    ['ar', 'ar', {}],
  ])('%s.onnx as %s begins with its weights, with a row for the mask', async (name, family, changes) => {
    const init = fixture(name);
    const { path: made } = await trained({ init, family, tokenizer: bpe, learningRate: 1e-12, ...changes });
    const [before, after] = [await openCheckpoint(init), await openCheckpoint(made)];
    expect(after.vocabSize).toBe(family === 'ar' ? before.vocabSize : 1025);
    expect(after.maskTokenId).toBe(family === 'ar' ? null : 1024);
    const kind = family === 'ar' ? 'causal' : 'dit';
    const of = (checkpoint: typeof before) =>
      transformerWeights(checkpoint, transformerName(checkpoint) ?? kind);
    const [old, now] = [of(before), of(after)];
    const rows = old.dimensions.vocabSize * old.dimensions.hiddenSize;
    expect(largestDifference(now.weights.subarray(0, rows), old.weights.subarray(0, rows))).toBeLessThan(
      1e-6,
    );
    // Between the embedding and the head, nothing moves.
    const [from, to] = [rows, rows + 50_000];
    const moved = now.dimensions.vocabSize * now.dimensions.hiddenSize - rows;
    expect(
      largestDifference(now.weights.subarray(from + moved, to + moved), old.weights.subarray(from, to)),
    ).toBeLessThan(1e-6);
  });
});
