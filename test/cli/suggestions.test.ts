import { describe, expect, it } from 'vitest';
import { closest } from '../../src/errors.js';

const samplers = ['ancestral', 'ancestral-cache', 'greedy-tail', 'psi', 'dcd', 'ar'];

describe('a suggestion', () => {
  it.each([
    ['anc', 'ancestral'],
    ['PS', 'psi'],
    ['greedy', 'greedy-tail'],
    ['ancestrla', 'ancestral'],
    ['dcb', 'dcd'],
  ])('for %s is %s', (typed, meant) => {
    expect(closest(typed, samplers)).toBe(meant);
  });

  it('counts two letters that changed places as one slip', () => {
    expect(closest('sampels', ['samplers', 'samples'])).toBe('samples');
    expect(closest('sampelrs', ['samples', 'samplers'])).toBe('samplers');
  });

  it('is not made for what is near nothing', () => {
    expect(closest('beam-search', samplers)).toBeNull();
  });
});
