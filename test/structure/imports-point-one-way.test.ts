/** About src/ */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesUnder, type Import, importsOf, read, roomOf, root } from './source-files.js';

/** From the user's side inwards: a room may import rooms of later floors, and itself. */
const FLOORS = [
  ['commands'],
  ['cli'],
  ['index.ts'],
  ['server'],
  ['library'],
  ['report', 'history'],
  ['workers'],
  ['evals', 'training'],
  ['comparison', 'sampling'],
  ['samplers'],
  ['diffusion'],
  ['models'],
  ['graph'],
];
const floorOf = (room: string) => FLOORS.findIndex((floor) => floor.includes(room));
/** Rooms that know nothing of models and mathematics. */
const APART = ['datasets', 'printing', 'records', 'statistics', 'random', 'storage'];

const files = filesUnder('src');
const imports = files.flatMap(importsOf);
const within = imports.filter(({ to }) => to.startsWith('src/'));
const arrow = ({ from, to }: Import) => `${from} → ${to}`;

/** Files that reach each other (strongly connected components, Tarjan 1972), each as its files in order. */
function circlesOf(next: ReadonlyMap<string, readonly string[]>): string[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[] = [];
  const visit = (file: string): number => {
    index.set(file, index.size);
    let lowest = index.size - 1;
    stack.push(file);
    for (const to of next.get(file) ?? []) {
      if (!index.has(to)) lowest = Math.min(lowest, visit(to));
      else if (stack.includes(to)) lowest = Math.min(lowest, low.get(to) ?? index.get(to) ?? lowest);
    }
    low.set(file, lowest);
    if (lowest === index.get(file)) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort().join(', '));
    }
    return lowest;
  };
  for (const file of next.keys()) if (!index.has(file)) visit(file);
  return circles.sort();
}

describe('imports', () => {
  it('are found: of every room, static ones and lazy ones, and all lead to files that are there', () => {
    expect(within.length).toBeGreaterThan(files.length);
    for (const kind of ['static', 'type', 'dynamic'])
      expect(imports.some((one) => one.kind === kind)).toBe(true);
    const lost = within.filter(({ to }) => !existsSync(join(root, to)));
    expect(lost.map(arrow)).toEqual([]);
  });

  it('point one way: commands → cli → server → library → report → workers → evals, training → comparison, sampling → samplers → diffusion → models → graph', () => {
    const backwards = within.filter(({ from, to }) => {
      const [a, b] = [floorOf(roomOf(from)), floorOf(roomOf(to))];
      const beside = a === b && roomOf(from) !== roomOf(to);
      return a >= 0 && b >= 0 && (a > b || beside);
    });
    expect(backwards.map(arrow)).toEqual([]);
  });

  it('of datasets, printing, records, statistics, random and storage reach no model and no mathematics', () => {
    const reaching = within.filter(
      ({ from, to }) => APART.includes(roomOf(from)) && floorOf(roomOf(to)) >= 0,
    );
    expect(reaching.map(arrow)).toEqual([]);
  });

  it('make no circle of files, of types neither', () => {
    const next = new Map<string, string[]>();
    for (const { from, to, kind } of within)
      if (kind !== 'dynamic') next.set(from, [...(next.get(from) ?? []), to]);
    expect(circlesOf(next)).toEqual([]);
  });

  it('of onnx-buf are in src/graph/onnx.ts alone', () => {
    const users = imports.filter(({ to }) => to === 'onnx-buf').map(({ from }) => from);
    expect(new Set(users)).toEqual(new Set(['src/graph/onnx.ts']));
  });

  it('are lazy in commands and cli wherever they load a heavy package', () => {
    const heavy = [
      'onnxruntime-node',
      '@observablehq/plot',
      'linkedom',
      'onnx-buf',
      '@huggingface/tokenizers',
      'hyparquet',
      'cli-table3',
      'csv-parse',
      'zod',
      'hono',
      '@hono/node-server',
      'bullmq',
      'ioredis',
    ];
    const eager = new Map<string, string[]>();
    for (const { from, to, kind } of imports)
      if (kind === 'static') eager.set(from, [...(eager.get(from) ?? []), to]);
    const loadedBy = (file: string, seen = new Set<string>()): Set<string> => {
      for (const to of eager.get(file) ?? []) {
        if (seen.has(to)) continue;
        seen.add(to);
        loadedBy(to, seen);
      }
      return seen;
    };
    const entries = files.filter((file) => ['commands', 'cli'].includes(roomOf(file)));
    const found = entries.flatMap((file) =>
      heavy.filter((name) => loadedBy(file).has(name)).map((name) => `${file} → ${name}`),
    );
    expect(found).toEqual([]);
  });

  it('name only packages that package.json names', () => {
    const { dependencies } = JSON.parse(read('package.json'));
    const foreign = imports.filter(
      ({ to }) => !to.startsWith('src/') && !to.startsWith('node:') && !(to in dependencies),
    );
    expect(foreign.map(arrow)).toEqual([]);
  });
});
