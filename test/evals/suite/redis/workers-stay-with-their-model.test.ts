import { describe, expect, it } from 'vitest';
import { nextModel } from '../../../../src/evals/suite/redis/worker.js';

const head = (model: string, weight: number | null) => ({ model, weight, pending: 0 });

describe('the next unit of a worker', () => {
  it('is the heaviest where it holds no model', () => {
    expect(nextModel([head('a', 3), head('b', 5), head('c', null)], null)).toBe('b');
  });

  it('is of the model that it holds, unless another has one more than twice as heavy', () => {
    expect(nextModel([head('a', 3), head('b', 6)], 'a')).toBe('a');
    expect(nextModel([head('a', 3), head('b', 6.1)], 'a')).toBe('b');
  });

  it('is one that is kept, of weight 0, once nothing else is left', () => {
    expect(nextModel([head('a', 0), head('b', null)], 'b')).toBe('a');
    expect(nextModel([head('b', 0), head('a', 0)], 'a')).toBe('a');
  });

  it('is none where all queues are empty', () => {
    expect(nextModel([head('a', null)], 'a')).toBeNull();
    expect(nextModel([], null)).toBeNull();
  });
});
