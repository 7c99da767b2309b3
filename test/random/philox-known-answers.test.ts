import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { philox4x32, type Words4 } from '../../src/random/philox.js';

const oracle = JSON.parse(readFileSync(new URL('../oracles/philox.json', import.meta.url), 'utf8')) as {
  vectors: { counter: Words4; key: [number, number]; words: Words4 }[];
};

it.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
] as [Words4, [number, number], Words4][])(
  'philox4x32-10 gives the published known answer for %j',
  (counter, key, words) => {
    expect(philox4x32(counter, key)).toEqual(words);
  },
);

it('agrees with an independent implementation on random counters and keys', () => {
  expect(oracle.vectors.length).toBeGreaterThanOrEqual(50);
  for (const { counter, key, words } of oracle.vectors) expect(philox4x32(counter, key)).toEqual(words);
});
