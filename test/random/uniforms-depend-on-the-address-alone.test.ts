import { expect, it } from 'vitest';
import type { Address } from '../../src/random/address.js';
import { streams } from '../../src/random/streams.js';
import { fillOpenUniforms, fillUniforms, uniform } from '../../src/random/uniforms.js';

const address: Address = { seed: 2 ** 40 + 5, stream: 0x10, sequence: 2 ** 33 + 7, step: 3 };

it('is the number the documented layout gives (computed independently, at position 5)', () => {
  expect(uniform(address, 5)).toBe(0.5580229177380132);
});

it('is the same number one at a time, in a block, or in a block that starts later', () => {
  const whole = new Float64Array(41);
  fillUniforms(whole, address);
  for (let i = 0; i < whole.length; i++) expect(uniform(address, i)).toBe(whole[i]);
  for (const [first, length] of [
    [1, 6],
    [2, 5],
    [7, 1],
    [8, 33],
  ]) {
    const part = new Float64Array(length);
    fillUniforms(part, address, first);
    expect([...part]).toEqual([...whole.subarray(first, first + length)]);
  }
});

it('is another number when any part of the address differs, up to the limits', () => {
  const seen = new Set<number>();
  const largest: Address = {
    seed: 2 ** 53 - 1,
    stream: 2 ** 16 - 1,
    sequence: 2 ** 48 - 1,
    step: 2 ** 32 - 1,
  };
  const variants: [Address, number][] = [
    [address, 0],
    [address, 1],
    [address, 2],
    [address, 2 ** 33 - 2],
    [{ ...address, seed: 5 }, 0],
    [{ ...address, seed: 6 }, 0],
    [{ ...address, step: 4 }, 0],
    [{ ...address, sequence: 7 }, 0],
    [{ ...address, sequence: 2 ** 34 + 7 }, 0],
    [{ ...address, stream: 0x11 }, 0],
    [largest, 0],
    [largest, 2 ** 33 - 1],
  ];
  for (const [where, position] of variants) seen.add(uniform(where, position));
  expect(seen.size).toBe(variants.length);
});

it('takes the open interval from the same bits, never 0 and never 1', () => {
  const closed = new Float64Array(20_001);
  const open = new Float64Array(20_001);
  fillUniforms(closed, address);
  fillOpenUniforms(open, address);
  for (let i = 0; i < open.length; i++) {
    expect(open[i] > 0 && open[i] < 1).toBe(true);
    expect(Math.abs(open[i] - closed[i])).toBeLessThanOrEqual(2 ** -53);
    expect((open[i] * 2 ** 53) % 2).toBe(1);
  }
});

it.each([
  { ...address, seed: -1 },
  { ...address, seed: 2 ** 53 },
  { ...address, seed: 0.5 },
  { ...address, stream: 2 ** 16 },
  { ...address, sequence: 2 ** 48 },
  { ...address, step: 2 ** 32 },
  { ...address, step: Number.NaN },
])('refuses %j', (where) => {
  expect(() => uniform(where)).toThrow(/must be an integer/);
});

it('has one number for each purpose', () => {
  expect(new Set(Object.values(streams)).size).toBe(Object.keys(streams).length);
});
