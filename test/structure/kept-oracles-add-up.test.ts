/** About test/oracles/ */
/** The oracles that came from elsewhere are whole: what they say of themselves twice agrees. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { root } from './source-files.js';

const folder = join(root, 'test/oracles');
const unzipped = (name: string) =>
  JSON.parse(gunzipSync(readFileSync(join(folder, 'likelihood', name))).toString('utf8'));
const sum = (values: readonly (number | null)[]) =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);

describe.each(['A-policies-bos-given', 'A-policies-all-masked'])('%s', (name) => {
  it('has each first sequence’s ln p as the sum over its positions', () => {
    const { networks } = unzipped(`${name}.json.gz`);
    expect(networks.length).toBeGreaterThan(0);
    for (const { results } of networks)
      for (const { lnp, lnpByPositionOfFirst } of results)
        expect(Math.abs(sum(lnpByPositionOfFirst) - lnp[0])).toBeLessThan(1e-3);
  });
});

it('BrierLM is what its triples give', () => {
  const { brier } = unzipped('E-mauve-brier.json.gz');
  expect(brier.length).toBeGreaterThan(0);
  for (const { triples_a_b_y: triples, brier_n: expected, brierLM } of brier) {
    const same = (x: number[], y: number[], n: number) =>
      Number(x.slice(0, n).join() === y.slice(0, n).join());
    const found = [1, 2, 3, 4].map(
      (n) =>
        sum(triples.map(([a, b, y]: number[][]) => same(a, y, n) + same(b, y, n) - same(a, b, n))) /
        triples.length,
    );
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i], 12);
    const product = found.reduce((total, value) => total * value, 1);
    expect(Math.max(product, 0) ** 0.25).toBeCloseTo(brierLM, 12);
  }
});

describe.each(readdirSync(join(folder, 'models')))('the checkpoint of %s', (name) => {
  it('has its weights whole, and logits for every token of its input', () => {
    const weights = readFileSync(join(folder, 'models', name, 'model.safetensors'));
    const headerBytes = Number(weights.readBigUInt64LE(0));
    const header = JSON.parse(weights.toString('utf8', 8, 8 + headerBytes));
    const ends = Object.entries<{ data_offsets: [number, number] }>(header)
      .filter(([key]) => key !== '__metadata__')
      .map(([, { data_offsets }]) => data_offsets[1]);
    expect(8 + headerBytes + Math.max(...ends)).toBe(weights.length);
    const { inputs, logits } = JSON.parse(
      readFileSync(join(folder, 'models', name, 'expected.json'), 'utf8'),
    );
    expect(logits).toHaveLength(inputs.input_ids.length);
    expect(JSON.stringify(logits)).not.toContain('null');
  });
});
