/** About src/graph/integer-product.ts, src/graph/graph.ts: declareFunction, and src/models/machine.ts: byteProducts. */
import { describe, expect, it } from 'vitest';
import { MatMulNBits } from '../../src/graph/fused-operators.js';
import { Graph } from '../../src/graph/graph.js';
import { BlockProduct, hasIntegerProducts, IntegerProduct } from '../../src/graph/integer-product.js';
import { Add } from '../../src/graph/operators.js';
import { byteProducts } from '../../src/models/machine.js';
import { float32, runGraph } from './run-graph.js';

const [INPUTS, OUTPUTS] = [37, 11];
const codes = Int8Array.from({ length: INPUTS * OUTPUTS }, (_, i) => Math.round(127 * Math.sin(1.3 * i)));
const scales = Float32Array.from({ length: OUTPUTS }, (_, j) => 0.01 + 0.002 * j);

/** Two of them in a row, so that the function is declared once and read twice. */
function network(): Graph {
  const graph = Graph.create('products');
  const x = graph.input('x', 'float32', ['batch', 'length', INPUTS]);
  const matrix = graph.initializer('w', 'int8', [INPUTS, OUTPUTS], new Uint8Array(codes.buffer));
  const scale = graph.initializer('c', 'float32', [OUTPUTS], scales);
  const once = IntegerProduct(x, matrix, scale);
  graph.output(once, 'y', ['batch', 'length', OUTPUTS]);
  graph.output(IntegerProduct(Add(x, x), matrix, scale), 'twice', ['batch', 'length', OUTPUTS]);
  return graph;
}

async function products(rows: readonly number[][], output = 'y'): Promise<number[][]> {
  const feeds = { x: float32(rows.flat(), [1, rows.length, INPUTS]) };
  const found = await runGraph(network().toBytes(), '', feeds);
  const data = found[output].data as Float32Array;
  return rows.map((_, r) => Array.from(data.subarray(r * OUTPUTS, (r + 1) * OUTPUTS)));
}

const row = (seed: number, size = 1) =>
  Array.from({ length: INPUTS }, (_, i) => Math.fround(size * Math.cos(seed + 0.7 * i * i)));

describe('a product of whole numbers', () => {
  it('rounds each row to 127 steps of its largest value, and adds exactly', async () => {
    const rows = [row(1), row(2, 1000), row(3, 1e-6)];
    const found = await products(rows);
    for (const [r, x] of rows.entries()) {
      const step = Math.max(...x.map(Math.abs)) / 127;
      for (let j = 0; j < OUTPUTS; j++) {
        const sum = x.reduce((s, value, i) => s + Math.floor(value / step + 0.5) * codes[i * OUTPUTS + j], 0);
        expect(found[r][j] / (sum * step * scales[j])).toBeCloseTo(1, 5);
      }
    }
  });

  it('is near the product of the numbers themselves', async () => {
    const [found] = await products([row(1)]);
    const exact = found.map((_, j) =>
      row(1).reduce((s, x, i) => s + x * codes[i * OUTPUTS + j] * scales[j], 0),
    );
    const size = Math.hypot(...exact);
    expect(Math.hypot(...found.map((value, j) => value - exact[j])) / size).toBeLessThan(0.01);
  });

  it('of a row depends on no other row', async () => {
    const [alone] = await products([row(1)]);
    const [beside] = await products([row(1), row(9, 1e6)]);
    expect(beside).toEqual(alone);
  });

  it('of zeros is zero, and what is not a number stays so', async () => {
    const nothing = Array.from({ length: INPUTS }, () => 0);
    const broken = row(1).map((value, i) => (i === 20 ? Number.NaN : value));
    const infinite = row(1).map((value, i) => (i === 3 ? Number.POSITIVE_INFINITY : value));
    const [zeros, ...others] = await products([nothing, broken, infinite, broken.map(() => Number.NaN)]);
    expect(zeros).toEqual(zeros.map(() => 0));
    for (const found of others) expect(found.filter(Number.isFinite)).toEqual([]);
  });

  it('is one function of the model, however many read it', async () => {
    const graph = network();
    expect(graph.model.functions.map(({ name }) => name)).toEqual(['IntegerProduct']);
    expect(hasIntegerProducts(graph)).toBe(true);
    expect(hasIntegerProducts(Graph.create('none'))).toBe(false);
    const [once] = await products([row(4)]);
    const [twice] = await products([row(4)], 'twice');
    for (const [j, value] of twice.entries()) expect(value / once[j]).toBeCloseTo(2, 5);
  });
});

describe('a product with blocks of 4 bits', () => {
  const [inputs, outputs, block] = [64, 5, 32];
  const codes = Uint8Array.from({ length: (inputs * outputs) / 2 }, (_, i) => (i * 89 + 41) % 256);
  const scales = Float32Array.from({ length: (inputs / block) * outputs }, (_, b) => 0.02 + 0.01 * b);
  const zeros = Uint8Array.from({ length: outputs }, (_, o) => 0x68 + o);
  const wide = (seed: number) =>
    Array.from({ length: inputs }, (_, i) => Math.fround(Math.cos(seed + 0.7 * i * i)));

  async function found(rows: readonly number[][], hasZeros: boolean) {
    const graph = Graph.create('blocks');
    const x = graph.input('x', 'float32', ['rows', inputs]);
    const matrix = {
      codes: graph.initializer('codes', 'uint8', [outputs, inputs / block, block / 2], codes),
      scales: graph.initializer('scales', 'float32', [outputs, inputs / block], scales),
      zeros: hasZeros ? graph.initializer('zeros', 'uint8', [outputs, 1], zeros) : null,
      ...{ outputs, inputs, block },
    };
    graph.output(BlockProduct(x, matrix), 'rounded', ['rows', outputs]);
    graph.output(MatMulNBits(x, matrix), 'exact', ['rows', outputs]);
    const all = await runGraph(graph.toBytes(), '', { x: float32(rows.flat(), [rows.length, inputs]) });
    const of = (name: string) =>
      rows.map((_, r) =>
        Array.from((all[name].data as Float32Array).subarray(r * outputs, (r + 1) * outputs)),
      );
    return { rounded: of('rounded'), exact: of('exact') };
  }

  it.each([true, false])(
    'is near the product of the numbers themselves; zero points: %s',
    async (hasZeros) => {
      const { rounded, exact } = await found([wide(1), wide(2)], hasZeros);
      const gap = Math.hypot(...rounded.flatMap((row, r) => row.map((value, j) => value - exact[r][j])));
      expect(gap / Math.hypot(...exact.flat())).toBeLessThan(0.02);
      expect(gap).toBeGreaterThan(0);
    },
  );

  it('keeps what is not a number, in its row alone', async () => {
    const broken = wide(1).map((value, i) => (i === 20 ? Number.NaN : value));
    const { rounded } = await found([wide(2), broken], true);
    expect(rounded[0].every(Number.isFinite)).toBe(true);
    expect(rounded[1].filter(Number.isFinite)).toEqual([]);
  });
});

describe('instructions that multiply bytes', () => {
  it.each([
    ['flags\t\t: fpu sse avx2 avx512f avx512_vnni\n', 'avx512_vnni'],
    ['flags\t\t: fpu sse avx2 avx_vnni\n', 'avx_vnni'],
    ['Features\t: fp asimd asimddp\n', 'asimddp'],
    ['flags\t\t: fpu sse avx2\n', null],
    ['', null],
  ])('of %j are %s', (cpuinfo, found) => {
    expect(byteProducts(cpuinfo)).toBe(found);
  });
});
