import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.js';
import { parseCard, readCard } from '../../src/models/card.js';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { smallNetwork, writeCheckpoint } from './small-network.js';

describe('a malformed card', () => {
  it.each([
    [{ family: 'dou' }, '"family"', 'Did you mean "duo"?'],
    [{ vocabSize: '32' }, '"vocabSize"', 'whole number'],
    [{ vocabSize: 1 }, '"vocabSize"', 'at least 2'],
    [{ length: 12.5 }, '"length"', 'whole number'],
    [{ tokenizer: 7 }, '"tokenizer"', 'path'],
    [{ maskTokenId: -1 }, '"maskTokenId"', 'token id'],
    [{ schedule: 'cosine' }, '"schedule"', 'object'],
    [{ schedule: { type: 'linear' } }, '"schedule.type"', 'log-linear'],
    [{ schedule: {} }, '"schedule.type"', 'is missing'],
    [{ schedule: { type: 'cosine', eps: 2 } }, '"schedule.eps"', 'below 1'],
    [{ timeConditioning: 'false' }, '"timeConditioning"', 'true or false'],
    [{ schedule: { type: 'cosine', eps: -1 } }, '"schedule.eps"', 'at least 0'],
    [{ blockSize: 0 }, '"blockSize"', 'at least 1'],
    [{ attention: 'sideways' }, '"attention"', '{"blockCausal": n}'],
    [{ attention: { blockCausal: 0 } }, '"attention', 'blockCausal'],
    [{ sha256: 'abc' }, '"sha256"', '64 hexadecimal digits'],
  ])('%j is refused by the name of its key', async (card, key, says) => {
    const error = await openCheckpoint(writeCheckpoint(card)).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ModelError);
    expect(error.code).toBe('malformed-card');
    expect(error.message).toContain('small.card.json');
    expect(error.message).toContain(key);
    expect(`${error.message} ${error.hint}`).toContain(says);
  });

  it.each(['{"family": "ar",', '[]', '"ar"', 'null', ''])('«%s» is no JSON object', (text) => {
    expect(() => readCard(writeCheckpoint(text))).toThrow(ModelError);
  });

  it('in the metadata names the metadata key', async () => {
    const graph = smallNetwork();
    graph.setMetadata('duo-eval.vocabSize', '{32');
    await expect(openCheckpoint(writeCheckpoint(null, graph))).rejects.toThrow(/duo-eval\.vocabSize/);
  });
});

describe('a card', () => {
  it('keeps keys that this version does not know', () => {
    expect(parseCard({ family: 'ar', colour: { hue: 3 } }, 'x')).toEqual({
      family: 'ar',
      colour: { hue: 3 },
    });
  });

  it('may leave keys out by null', () => {
    expect(parseCard({ maskTokenId: null }, 'x')).toEqual({});
  });

  it('gives a schedule its usual end', () => {
    expect(parseCard({ schedule: { type: 'cosine' } }, 'x').schedule).toEqual({ type: 'cosine', eps: 1e-3 });
  });
});
