import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NumberColumn } from '../../src/storage/number-column.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const before = process.env.DUO_EVAL_CACHE;
beforeEach(() => {
  process.env.DUO_EVAL_CACHE = folder.path('cache');
});
afterEach(() => {
  if (before === undefined) delete process.env.DUO_EVAL_CACHE;
  else process.env.DUO_EVAL_CACHE = before;
});

/** Many pages more than are kept. */
const many = 100_003;

it('gives back what was set, in order and out of it', () => {
  const column = new NumberColumn(many);
  const expected = Float64Array.from({ length: many }, (_, i) => Math.sqrt(i) - 100);
  for (const [i, value] of expected.entries()) column.set(i, value);
  for (let k = 0; k < 2_000; k++) {
    const i = (k * 61_813) % many; // jumps over most of it
    column.add(i, k / 7);
    expected[i] += k / 7;
    expect(column.at(many - 1 - i)).toBe(expected[many - 1 - i]);
  }
  expect(Float64Array.from(column)).toEqual(expected);
  column.close();
});

it('holds 0 where nothing was set, and grows with what is', () => {
  const column = new NumberColumn();
  column.set(many - 1, Number.NaN);
  expect(column.length).toBe(many);
  const values = [...column];
  expect(values.pop()).toBeNaN();
  expect(values.every((value) => value === 0)).toBe(true);
  column.close();
});

it('leaves no file, even while it is open, and none is made for few numbers', () => {
  process.env.DUO_EVAL_CACHE = folder.path('small');
  const few = new NumberColumn(30_000);
  for (let i = 0; i < few.length; i++) few.set(i, i);
  expect(few.at(29_999)).toBe(29_999);
  expect(() => readdirSync(folder.path('small'))).toThrow(/ENOENT/);
  const large = new NumberColumn(many);
  for (let i = 0; i < many; i++) large.set(i, i);
  expect(readdirSync(folder.path('small'))).toEqual([]);
  expect(large.at(0)).toBe(0);
  large.close();
  few.close();
});

it('says so when there is no room for the file', () => {
  process.env.DUO_EVAL_CACHE = '/dev/null/cache';
  const column = new NumberColumn();
  expect(() => {
    for (let i = 0; i < many; i++) column.set(i, i);
  }).toThrow(/^Cannot keep intermediate figures in .*cache/);
  column.close();
});
