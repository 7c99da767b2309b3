/** `--limit` spreads sequences over the data set, from a start that follows from its hash; `--first` takes the first. */
import { describe, expect, it } from 'vitest';
import { longDocuments } from '../../src/datasets/packed-stream.js';
import { packedTokens } from '../../src/datasets/packed-tokens.js';
import { selectedSequences } from '../../src/datasets/selected-sequences.js';

const sequences = Array.from({ length: 100 }, (_, i) => Int32Array.of(i, i, i, i));
const documents = sequences.map((_, i) => Math.floor(i / 10));
const stream = packedTokens('numbers', sequences, documents);
const indices = (count: number, kind: 'spread' | 'first' = 'spread', of = stream) => {
  const selected = selectedSequences(of, { kind, count });
  return Array.from({ length: selected.sequences }, (_, i) => selected.indexOf(i));
};

describe('a spread selection', () => {
  it.each([1, 3, 7, 20, 64, 99])('of %i lies evenly over the whole', (count) => {
    const found = indices(count);
    expect(found).toHaveLength(count);
    expect(new Set(found).size).toBe(count);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...found)).toBeLessThan(100);
    const gaps = found.slice(1).map((index, i) => index - found[i]);
    for (const gap of gaps) expect(Math.abs(gap - 100 / count)).toBeLessThan(1);
    if (count >= 20) expect(new Set(found.map((i) => documents[i])).size).toBe(10);
  });

  it('starts where the hash of the stream says, and nowhere else', () => {
    const start = (first: string) => indices(4, 'spread', { ...stream, sha256: first.padEnd(64, '0') })[0];
    expect([start('0'), start('8'), start('f')]).toEqual([0, 12, 23]);
    expect(indices(7)).toEqual(indices(7));
  });

  it('is a stream of those sequences, and says of the whole what is the whole’s', () => {
    const selected = selectedSequences(stream, { kind: 'spread', count: 5 });
    for (let i = 0; i < 5; i++) {
      expect(selected.sequence(i)[0]).toBe(selected.indexOf(i));
      expect(selected.documentOf(i)).toBe(documents[selected.indexOf(i)]);
    }
    expect(selected).toMatchObject({ sequences: 5, whole: 100, sha256: stream.sha256, documents: 10 });
    expect(longDocuments(selected)!.length).toBe(5);
  });
});

it('the first are the first, and all are no selection', () => {
  expect(indices(5, 'first')).toEqual([0, 1, 2, 3, 4]);
  expect(selectedSequences(stream, { kind: 'spread', count: 100 }).selection).toBeNull();
  expect(indices(1000)).toHaveLength(100);
});

it('documents shorter than a sequence are no units', () => {
  const short = packedTokens(
    'short',
    sequences,
    Array.from({ length: 100 }, (_, i) => i),
  );
  expect(longDocuments(stream)).not.toBeNull();
  expect(longDocuments({ ...short, documents: 101 })).toBeNull();
  expect(longDocuments(packedTokens('unknown', sequences))).toBeNull();
});
