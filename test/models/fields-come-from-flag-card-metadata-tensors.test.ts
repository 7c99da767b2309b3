import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeCheckpoint, openCheckpoint } from '../../src/models/checkpoint.js';
import { smallNetwork, writeCheckpoint, writeModel } from './small-network.js';

describe('a field of a checkpoint', () => {
  it('comes from the flag, then the card, then the metadata', async () => {
    const graph = smallNetwork();
    for (const [key, value] of Object.entries({
      family: 'ar',
      bosTokenId: 1,
      eosTokenId: 2,
      note: 'in the file',
    })) {
      graph.setMetadata(`duo-eval.${key}`, JSON.stringify(value));
    }
    const path = writeCheckpoint({ family: 'duo', bosTokenId: 3 }, graph);
    const { fields, family } = await openCheckpoint(path, { family: 'mdlm', maskTokenId: 31 });
    expect(family).toBe('mdlm');
    expect(fields.family).toEqual({ value: 'mdlm', from: 'flag' });
    expect(fields.bosTokenId).toEqual({ value: 3, from: 'card' });
    expect(fields.eosTokenId).toEqual({ value: 2, from: 'metadata' });
    expect(fields.note).toEqual({ value: 'in the file', from: 'metadata' });
  });

  it('comes from the tensors where nobody says it, then from the family', async () => {
    const { fields, vocabSize } = await openCheckpoint(
      writeModel(smallNetwork({ length: 12, sigma: true })),
      {
        family: 'duo',
      },
    );
    expect(vocabSize).toBe(32);
    expect(fields.vocabSize).toEqual({ value: 32, from: 'detected' });
    expect(fields.length).toEqual({ value: 12, from: 'detected' });
    expect(fields.schedule).toEqual({ value: { type: 'log-linear', eps: 1e-3 }, from: 'default' });
    expect(fields.timeConditioning).toEqual({ value: true, from: 'default' });
    expect(fields.maskTokenId).toEqual({ value: null, from: 'missing' });
  });

  it.each([
    ['mdlm', false],
    ['sedd', true],
    ['duo', true],
  ] as const)('%s is by default told the noise level: %s', (family, told) => {
    const { fields } = describeCheckpoint(writeModel(smallNetwork({ sigma: true })), { family });
    expect(fields.timeConditioning).toEqual({ value: told, from: 'default' });
  });

  it('tokenizer is relative to the card, to the model, to here, or lies beside the model', () => {
    const withCard = writeCheckpoint({ family: 'ar', tokenizer: '../tok' });
    expect(describeCheckpoint(withCard).fields.tokenizer.value).toBe(join(dirname(withCard), '../tok'));
    expect(describeCheckpoint(withCard, { tokenizer: './mine' }).fields.tokenizer).toEqual({
      value: './mine',
      from: 'flag',
    });

    const graph = smallNetwork();
    graph.setMetadata('duo-eval.tokenizer', '"tok"');
    const withMetadata = writeModel(graph);
    expect(describeCheckpoint(withMetadata).fields.tokenizer).toEqual({
      value: join(dirname(withMetadata), 'tok'),
      from: 'metadata',
    });

    const beside = writeModel(smallNetwork());
    expect(describeCheckpoint(beside).fields.tokenizer.from).toBe('missing');
    mkdirSync(join(dirname(beside), 'other'));
    writeFileSync(join(dirname(beside), 'tokenizer.json'), '{}');
    expect(describeCheckpoint(beside).fields.tokenizer).toEqual({
      value: join(dirname(beside), 'tokenizer.json'),
      from: 'detected',
    });
  });

  it('that nobody knows is kept for looking at', () => {
    const { unknownKeys } = describeCheckpoint(writeCheckpoint({ family: 'ar', colour: 'blue' }));
    expect(unknownKeys).toEqual({ colour: 'blue' });
  });
});
