import { describe, expect, it } from 'vitest';
import { type CutOptions, SequenceCutter } from '../../src/datasets/cutting.js';
import { UsageError } from '../../src/errors.js';

const B = 100;
const E = 101;
const base: CutOptions = { length: 5, protocol: 'duo', bosTokenId: B, eosTokenId: E, keepRemainder: false };

/** Cuts texts given as numbers of tokens; token values count up from 0. */
function cut(options: Partial<CutOptions>, texts: number[]) {
  const sequences: number[][] = [];
  const cutter = new SequenceCutter({ ...base, ...options }, (sequence) => sequences.push([...sequence]));
  let next = 0;
  for (const size of texts) {
    cutter.add(Array.from({ length: size }, () => next++));
    cutter.endText();
  }
  cutter.end();
  const { texts: count, tokens, droppedTokens } = cutter;
  return { sequences, texts: count, tokens, droppedTokens };
}

describe('protocol duo', () => {
  it('concatenates without a separator, cuts into L − 2 and wraps', () => {
    expect(cut({}, [2, 3, 3])).toEqual({
      sequences: [
        [B, 0, 1, 2, E],
        [B, 3, 4, 5, E],
      ],
      texts: 3,
      tokens: 8,
      droppedTokens: 2,
    });
  });

  it('drops the remainder of every 1,000 texts, empty ones counted', () => {
    const texts = [...Array(999).fill(0), 4, 2, 2];
    expect(cut({}, texts)).toEqual({
      sequences: [
        [B, 0, 1, 2, E],
        [B, 4, 5, 6, E],
      ],
      texts: 1_002,
      tokens: 8,
      droppedTokens: 2,
    });
  });

  it('keeps no remainder even when asked', () => {
    expect(cut({ keepRemainder: true }, [4]).sequences).toHaveLength(1);
  });
});

describe('protocol strict', () => {
  it('is one stream whatever the number of texts', () => {
    const texts = [...Array(999).fill(0), 4, 2];
    expect(cut({ protocol: 'strict' }, texts)).toMatchObject({
      sequences: [
        [B, 0, 1, 2, E],
        [B, 3, 4, 5, E],
      ],
      droppedTokens: 0,
    });
  });

  it('keeps the last, shorter sequence when asked, else counts it as dropped', () => {
    const kept = cut({ protocol: 'strict', keepRemainder: true }, [4]);
    expect(kept).toMatchObject({
      sequences: [
        [B, 0, 1, 2, E],
        [B, 3, E],
      ],
      droppedTokens: 0,
    });
    expect(cut({ protocol: 'strict' }, [4])).toMatchObject({
      sequences: [[B, 0, 1, 2, E]],
      droppedTokens: 1,
    });
    expect(cut({ protocol: 'strict', keepRemainder: true }, [3]).sequences).toHaveLength(1);
  });
});

describe('without BOS or EOS', () => {
  it('the place is one more token of text', () => {
    expect(cut({ bosTokenId: null, eosTokenId: null }, [6]).sequences).toEqual([[0, 1, 2, 3, 4]]);
    expect(cut({ bosTokenId: null }, [6]).sequences).toEqual([[0, 1, 2, 3, E]]);
    expect(cut({ eosTokenId: null }, [6]).sequences).toEqual([[B, 0, 1, 2, 3]]);
  });

  it('a length without room for text is a usage error', () => {
    expect(() => cut({ length: 2 }, [])).toThrow(UsageError);
    expect(() => cut({ length: 0, bosTokenId: null, eosTokenId: null }, [])).toThrow(UsageError);
    expect(cut({ length: 3 }, [1]).sequences).toEqual([[B, 0, E]]);
  });
});
