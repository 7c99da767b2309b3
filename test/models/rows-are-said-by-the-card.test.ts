/** About src/models/fields.ts, contradictions.ts, card.ts and inspection.ts: shifted rows, first tokens, padding, attention. */
import { describe, expect, it } from 'vitest';
import { checkpointOf, decidingFields, describeCheckpoint } from '../../src/models/checkpoint.js';
import { inspectCheckpoint } from '../../src/models/inspection.js';
import { inspectionText } from '../../src/models/inspection-text.js';
import { smallNetwork, writeCheckpoint } from './small-network.js';

const masked = { family: 'mdlm', maskTokenId: 31 };
const described = (card: object, sigma = false) =>
  describeCheckpoint(writeCheckpoint(card, smallNetwork({ sigma })));

describe('a masked model', () => {
  it('is read as published where its card says nothing', () => {
    const { fields, problems } = described(masked);
    expect(problems).toEqual([]);
    expect(fields.shiftLogits).toEqual({ value: false, from: 'default' });
    expect(fields.attention).toEqual({ value: 'full', from: 'default' });
    expect(fields.neverMasked.value).toBeNull();
    expect(fields.textVocabSize.value).toBeNull();
  });

  it('says what differs, and inspect explains it', async () => {
    const card = { ...masked, shiftLogits: true, neverMasked: [0], textVocabSize: 30, attention: 'causal' };
    const description = described(card);
    expect(checkpointOf(description)).toMatchObject({ neverMasked: [0], textVocabSize: 30 });
    const text = inspectionText(await inspectCheckpoint(description), 200);
    expect(text).toMatch(/shiftLogits +card +true/);
    expect(text).toMatch(/neverMasked +card +\[0\]/);
    expect(text).toMatch(/textVocabSize +card +30/);
    expect(text).toMatch(/attention +card +causal/);
    expect(text).toContain('Row i − 1 of its logits is read for token i');
    expect(text).toContain('The first token of a text is never masked');
    expect(text).toContain('Logits from 30 on are padding');
    expect(text).toContain('no later one (attention)');
  });
});

it('an autoregressive model is never shifted twice', () => {
  const { notices, problems } = described({ family: 'ar', shiftLogits: true });
  expect(problems).toEqual([]);
  expect(notices.join()).toMatch(/nothing is shifted twice/);
});

it.each([
  [{ ...masked, neverMasked: [0, 5] }, 'never-masked', /only the first token of a text/],
  [{ family: 'duo', neverMasked: [0] }, 'never-masked', /masks nothing/],
  [{ ...masked, textVocabSize: 33 }, 'text-vocab-size', /33, but the logits are only 32 wide/],
  [
    { family: 'duo', textVocabSize: 30 },
    'text-vocab-size',
    /noise of a model of the family duo is any of the 32/,
  ],
  [{ family: 'mdlm', maskTokenId: 1, textVocabSize: 2 }, 'text-vocab-size', /nothing is left to say/],
  [{ family: 'ar', attention: 'full' }, 'attention-contradicts', /sees no later token/],
  [{ family: 'ar', attention: { blockCausal: 4 } }, 'attention-contradicts', /blockCausal/],
  [
    { family: 'bd3lm', maskTokenId: 31, blockSize: 4, shiftLogits: true },
    'shift-across-blocks',
    /another block's/,
  ],
])('%j is refused', (card, code, message) => {
  const { problems } = described(card, card.family === 'duo');
  const found = problems.find((problem) => problem.code === code);
  expect(found?.message).toMatch(message);
});

it.each([
  [{ shiftLogits: 'yes' }, /"shiftLogits": it takes true or false/],
  [{ neverMasked: 0 }, /"neverMasked": it takes a list of positions/],
  [{ neverMasked: [-1] }, /"neverMasked.0"/],
  [{ textVocabSize: 1.5 }, /"textVocabSize": it takes the tokens of the tokenizer/],
  [{ attention: 'sideways' }, /"attention"/],
])('%j is no card', (card, message) => {
  expect(() => described({ ...masked, ...card })).toThrow(message);
});

it('what is said decides what a journal is found by', () => {
  const key = (card: object) =>
    JSON.stringify(decidingFields(checkpointOf(described({ ...masked, ...card }))));
  const keys = [{}, { shiftLogits: true }, { neverMasked: [0] }, { textVocabSize: 30 }].map(key);
  expect(new Set(keys).size).toBe(4);
  expect(key({ shiftLogits: false })).toBe(keys[0]);
});
