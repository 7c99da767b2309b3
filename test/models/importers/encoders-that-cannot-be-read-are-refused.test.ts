/** About src/models/importers/bert.ts, modernbert.ts and masked-encoder.ts */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CaseName, encoderFolder, MASK, weightsOf, wordPiece } from './encoders.js';
import { converted, folder, renamedTensors } from './published.js';

/** Weights without a tensor, or with another name for it. */
const changed = (name: CaseName, tensor: string, to?: string) =>
  renamedTensors(weightsOf(name), (each) => (each === tensor ? to : each));

/** Weights with another shape of a tensor, of as many elements. */
function reshaped(name: CaseName, tensor: string, shape: number[]): Buffer {
  const bytes = weightsOf(name);
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  header[tensor].shape = shape;
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, bytes.subarray(8 + length)]);
}

const query = 'bert.encoder.layer.1.attention.self.query.weight';
const wqkv = 'model.layers.1.attn.Wqkv.weight';

describe('files', () => {
  it.each<[string, CaseName, Buffer, string, RegExp]>([
    [
      'a tensor is missing',
      'bert',
      changed('bert', query),
      'tensors-do-not-fit',
      /"bert\.encoder\.layer\.1\.attention\.self\.query\.weight" \[12,12\] is missing/,
    ],
    [
      'a tensor has no place',
      'modernBert',
      changed('modernBert', 'model.final_norm.weight', 'model.last_norm.weight'),
      'tensors-do-not-fit',
      /"model\.final_norm\.weight" \[12\] is missing; "model\.last_norm\.weight" has no place/,
    ],
    [
      'a tensor has another shape',
      'modernBert',
      reshaped('modernBert', wqkv, [12, 36]),
      'tensors-do-not-fit',
      /Wqkv\.weight" is \[12,36\] and should be \[36,12\]/,
    ],
    [
      'a layer lacks all its tensors',
      'bert',
      renamedTensors(weightsOf('bert'), (name) => (name.includes('layer.1.') ? undefined : name)),
      'config-contradicts-tensors',
      /num_hidden_layers is 2, but the tensors say 1/,
    ],
    [
      'the head is missing',
      'bert',
      renamedTensors(weightsOf('bert'), (name) => (name.startsWith('cls.') ? undefined : name)),
      'no-token-head',
      /an encoder without the head that predicts masked tokens/,
    ],
    [
      'the vocabulary matrix is missing, though it is not tied',
      'bertUntied',
      changed('bertUntied', 'cls.predictions.decoder.weight'),
      'tensors-do-not-fit',
      /"cls\.predictions\.decoder\.weight" \[19,12\] is missing/,
    ],
    [
      'the words are missing',
      'modernBert',
      changed('modernBert', 'model.embeddings.tok_embeddings.weight'),
      'tensors-do-not-fit',
      /has no tensor "model\.embeddings\.tok_embeddings\.weight"/,
    ],
  ])('where %s are refused', async (_what, name, weights, code, message) => {
    await expect(converted(encoderFolder(name, { weights }), MASK)).rejects.toMatchObject({
      code,
      exitCode: 3,
      message: expect.stringMatching(message),
    });
  });

  it.each([0, 7, 100, 3000])('cut off at byte %d are refused', async (bytes) => {
    const weights = weightsOf('bert').subarray(0, bytes);
    await expect(converted(encoderFolder('bert', { weights }), MASK)).rejects.toMatchObject({ exitCode: 3 });
  });

  it('of which nothing is written', async () => {
    const out = join(folder, 'nothing', 'it.onnx');
    const weights = changed('bert', query);
    await expect(converted(encoderFolder('bert', { weights }), { ...MASK, out })).rejects.toThrow();
    expect(existsSync(out)).toBe(false);
  });
});

describe('a configuration', () => {
  it.each<[CaseName, object, string, RegExp]>([
    ['bert', { hidden_act: 'mish' }, 'unknown-architecture', /hidden_act is "mish": known: silu, .*gelu/],
    ['bert', { position_embedding_type: 'relative_key' }, 'unknown-architecture', /"relative_key"/],
    ['bert', { is_decoder: true }, 'unknown-architecture', /is_decoder is true: such a BERT is a decoder/],
    [
      'bert',
      { architectures: ['BertForTokenClassification'] },
      'unknown-architecture',
      /BertForMaskedLM and BertForPreTraining are known/,
    ],
    ['bert', { auto_map: { AutoModel: 'modeling.My' } }, 'unknown-architecture', /never run/],
    ['bert', { hidden_size: 24 }, 'config-contradicts-tensors', /hidden_size is 24, but the tensors say 12/],
    ['bert', { vocab_size: 30_522 }, 'config-contradicts-tensors', /vocab_size is 30522/],
    [
      'bert',
      { max_position_embeddings: 512 },
      'config-contradicts-tensors',
      /max_position_embeddings is 512, but the tensors say 12/,
    ],
    ['bert', { num_attention_heads: 5 }, 'heads-do-not-divide', /5 heads do not divide the width 12/],
    ['bert', { num_attention_heads: 'three' }, 'bad-config', /num_attention_heads is "three"/],
    ['bert', { layer_norm_eps: -1 }, 'bad-config', /layer_norm_eps is -1/],
    ['bert', { model_type: 'roberta' }, 'unknown-architecture', /"roberta"/],
    ['modernBert', { num_attention_heads: 4 }, 'heads-do-not-divide', /even parts/],
    [
      'modernBert',
      { layer_types: ['full_attention'] },
      'config-contradicts-tensors',
      /number of layer_types is 1, but the tensors say 4/,
    ],
    [
      'modernBert',
      { layer_types: ['full_attention', 'a', 'b', 'c'] },
      'unknown-architecture',
      /full_attention and sliding_attention/,
    ],
    ['modernBert', { rope_scaling: { type: 'yarn', factor: 4 } }, 'unknown-architecture', /rope_scaling/],
    [
      'modernBert',
      { rope_parameters: { full_attention: { rope_type: 'yarn' } } },
      'unknown-architecture',
      /rope_type is "yarn"/,
    ],
    ['modernBert', { local_attention: 0 }, 'bad-config', /local_attention is 0/],
    ['modernBert', { norm_bias: true }, 'tensors-do-not-fit', /norm\.bias" \[12\] is missing/],
    [
      'modernBert',
      { classifier_activation: 'tanh' },
      'unknown-architecture',
      /classifier_activation is "tanh"/,
    ],
    ['modernBert', { max_position_embeddings: 'many' }, 'bad-config', /max_position_embeddings is "many"/],
  ])('of %s that says %j is refused', async (name, config, code, message) => {
    await expect(converted(encoderFolder(name, { config }), MASK)).rejects.toMatchObject({
      code,
      exitCode: 3,
      message: expect.stringMatching(message),
    });
  });

  it('that is not there is asked for', async () => {
    await expect(converted(encoderFolder('modernBert', { config: null }), MASK)).rejects.toMatchObject({
      code: 'config-missing',
    });
  });
});

describe('the mask', () => {
  it('that nothing says is asked for', async () => {
    await expect(converted(encoderFolder('bert'))).rejects.toMatchObject({
      code: 'mask-token-unknown',
      exitCode: 2,
      message: expect.stringMatching(/no tokenizer\.json lies beside it/),
      hint: expect.stringMatching(/--mask-token-id/),
    });
  });

  it('that a tokenizer does not have is asked for', async () => {
    const source = encoderFolder('bert', { files: { 'tokenizer.json': wordPiece('[HOLE]') } });
    await expect(converted(source)).rejects.toMatchObject({
      code: 'mask-token-unknown',
      message: expect.stringMatching(/its tokenizer has no \[MASK\]/),
    });
  });

  it('cannot be a token past the vocabulary', async () => {
    await expect(converted(encoderFolder('bert'), { overrides: { maskTokenId: 19 } })).rejects.toMatchObject({
      code: 'mask-token-unknown',
      exitCode: 3,
      message: expect.stringMatching(/the token 19, because it has only 19 tokens/),
    });
  });
});

it('another family than mdlm is refused', async () => {
  const overrides = { ...MASK.overrides, family: 'sedd' } as const;
  await expect(converted(encoderFolder('bert'), { overrides })).rejects.toMatchObject({
    code: 'config-contradicts-tensors',
    message: expect.stringMatching(/family sedd, but it is an encoder/),
  });
});

it('more tokens than there are positions are refused', async () => {
  const overrides = { ...MASK.overrides, length: 13 };
  await expect(converted(encoderFolder('bert'), { overrides })).rejects.toMatchObject({
    code: 'length-past-context',
  });
});
