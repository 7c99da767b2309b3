import { expect, it } from 'vitest';
import { TokenDifficulty } from '../../src/diffusion/token-difficulty.js';

const p = [0.5, 0.25, 0.125, 0.0625, 0.0625, 0];
const surprisal = Float64Array.from(p, (q) => -Math.log(q));

it('before any lesson it is a share of the surprisal, and 0 for the mask, which is in no text', () => {
  const h = new TokenDifficulty(surprisal, 2).withoutFold(0);
  for (let v = 0; v < 5; v++) expect(h[v] / surprisal[v]).toBeCloseTo(0.8, 12);
  expect(h[5]).toBe(0);
});

it('finds a line, and then what single tokens have of their own', () => {
  const difficulty = new TokenDifficulty(surprisal, 2);
  const lossOf = (v: number) => 1.5 + 0.4 * surprisal[v] + (v === 2 ? 3 : 0);
  for (let repeat = 0; repeat < 5000; repeat++) for (let v = 0; v < 4; v++) difficulty.learn(1, v, lossOf(v));
  const h = difficulty.withoutFold(0);
  for (let v = 0; v < 4; v++) expect(h[v]).toBeCloseTo(lossOf(v), 2);
  // A token never seen has the line's value, that of its equal in surprisal before that one's own losses.
  expect(h[4]).toBeGreaterThan(2);
  expect(h[4]).toBeLessThan(5);
});

it('a token seen once moves a little', () => {
  const difficulty = new TokenDifficulty(surprisal, 2);
  for (let repeat = 0; repeat < 1000; repeat++)
    for (let v = 0; v < 4; v++) difficulty.learn(1, v, surprisal[v]);
  const before = difficulty.withoutFold(0)[4];
  difficulty.learn(1, 4, surprisal[4] + 12);
  const after = difficulty.withoutFold(0)[4];
  expect(after - before).toBeGreaterThan(1);
  expect(after - before).toBeLessThan(3);
});

it('leaves out what the fold itself taught', () => {
  const h = [0, 100].map((extra) => {
    const difficulty = new TokenDifficulty(surprisal, 3);
    for (let v = 0; v < 5; v++) {
      for (let fold = 0; fold < 3; fold++) difficulty.learn(fold, v, 2 + v + (fold === 1 ? extra : 0));
    }
    return [difficulty.withoutFold(1), difficulty.withoutFold(2)];
  });
  expect(h[0][0]).toEqual(h[1][0]);
  expect(h[0][1]).not.toEqual(h[1][1]);
});
