import { describe, expect, it } from 'vitest';
import { describeCheckpoint, openCheckpoint } from '../../src/models/checkpoint.js';
import { smallNetwork, writeCheckpoint, writeModel } from './small-network.js';

const refusal = (card: object, shape = {}) =>
  openCheckpoint(writeCheckpoint(card, smallNetwork(shape))).then(
    () => ({ code: 'accepted', message: '' }),
    (error: { code: string; message: string }) => error,
  );

describe('a contradiction', () => {
  it.each([
    [{ family: 'duo', vocabSize: 33 }, {}, 'vocab-size-mismatch', ['33', '32']],
    [{ family: 'mdlm', maskTokenId: 32 }, {}, 'token-outside-vocabulary', ['maskTokenId 32', '31']],
    [{ family: 'ar', bosTokenId: 99 }, {}, 'token-outside-vocabulary', ['bosTokenId 99', '31']],
    [{ family: 'duo', timeConditioning: true }, {}, 'no-sigma', ['timeConditioning true', '"sigma"']],
    [{ family: 'ar', length: 8 }, { length: 16 }, 'length-mismatch', ['length 8', '16']],
    [{ family: 'mdlm' }, {}, 'no-mask-token', ['mdlm', 'mask']],
    [{ family: 'sedd' }, {}, 'no-mask-token', ['sedd', 'mask']],
  ])('%j is refused, naming both', async (card, shape, code, words) => {
    const error = await refusal(card, shape);
    expect(error.code).toBe(code);
    for (const word of words) expect(error.message).toContain(word);
  });

  it('is found once each, so that inspection shows all of them', () => {
    const path = writeCheckpoint({ vocabSize: 33, bosTokenId: 99 });
    expect(describeCheckpoint(path).problems.map(({ code }) => code)).toEqual([
      'no-family',
      'vocab-size-mismatch',
      'token-outside-vocabulary',
    ]);
  });

  it('of a fixed length that is shorter is resolved, and said', async () => {
    const path = writeModel(smallNetwork({ length: 16 }));
    const { fields, notices } = await openCheckpoint(path, { family: 'ar', length: 64 });
    expect(fields.length).toEqual({ value: 16, from: 'detected' });
    expect(notices.join()).toMatch(/length 64.*16/);
  });
});

describe('a model', () => {
  it('without logits lists the outputs there are', async () => {
    const error = await openCheckpoint(writeModel(smallNetwork({ logits: 'scores' }))).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: 'no-logits', exitCode: 3 });
    expect(error.message).toContain('"scores"');
  });

  it('with a fixed batch says so', async () => {
    const { signature } = await openCheckpoint(writeModel(smallNetwork({ batch: 4, length: 16 })), {
      family: 'ar',
    });
    expect(signature).toMatchObject({ fixedBatch: 4, fixedLength: 16 });
  });

  it('whose axes cannot be is refused', async () => {
    const path = writeModel(smallNetwork({ length: 2 ** 40 }));
    await expect(openCheckpoint(path, { family: 'ar' })).rejects.toMatchObject({ code: 'implausible-shape' });
  });
});
