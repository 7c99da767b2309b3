/** About src/models/weights/four-bits.ts, src/models/weights/stored-matrices.ts and src/models/weights/storage-type.ts */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { dtypeName } from '../../../src/graph/dtype.js';
import { Graph } from '../../../src/graph/graph.js';
import { projection } from '../../../src/graph/rows.js';
import { gpt2Graph, gpt2Parameters } from '../../../src/models/architectures/gpt2.js';
import { architectures } from '../../../src/models/architectures/index.js';
import type { Parameter } from '../../../src/models/architectures/parameters.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { type NetworkContent, saveNetwork } from '../../../src/models/save-checkpoint.js';
import { decodeFloat16 } from '../../../src/models/weights/half-precision.js';
import { randomWeights } from '../../../src/models/weights/random-weights.js';
import type { Rounding } from '../../../src/models/weights/storage-names.js';
import type { WeightSource } from '../../../src/models/weights/weight-source.js';
import { temporaryFolder } from '../../support/folder.js';
import { logitsOf } from '../importers/published.js';

const folder = temporaryFolder().root;
const source = randomWeights({ seed: 3, zeroed: false });

/** 48 inputs of the noise level's layers do not fill blocks of 32; 96 are an odd number of them. */
const dit = { hiddenSize: 96, conditionSize: 48, blocks: 1, heads: 4, vocabSize: 80, length: 16 };
const gpt2 = { hiddenSize: 96, blocks: 1, heads: 4, vocabSize: 80, length: 16 };
const networks: Record<string, NetworkContent> = {
  dit: {
    parameters: architectures.dit.parameters(dit),
    graph: (options) => architectures.dit.checkpointGraph(dit, options),
    source,
    card: { family: 'duo', vocabSize: 80, length: 16 },
  },
  // Its embedding is its head, too.
  gpt2: {
    parameters: gpt2Parameters(gpt2),
    graph: (options) => gpt2Graph(gpt2, options),
    source,
    card: { family: 'ar', vocabSize: 80, length: 16 },
  },
};
const kinds: Rounding[] = [{}, { block: 64 }, { symmetric: true }, { block: 64, symmetric: true }];
const cases = [
  ...kinds.map((kind) => ['dit', kind] as const),
  ...[kinds[0], kinds[3]].map((kind) => ['gpt2', kind] as const),
];

let made = 0;
async function saved(network: NetworkContent): Promise<string> {
  const path = join(folder, `${made++}.onnx`);
  await saveNetwork(path, network);
  return path;
}

/** The initializers of a file, as bytes. */
function storedIn(path: string) {
  const { proto } = Graph.fromBytes(readFileSync(path));
  return new Map(
    proto.initializer.map((tensor) => [
      tensor.name,
      {
        bytes: Uint8Array.from(tensor.rawData),
        dims: tensor.dims.map(Number),
        type: dtypeName(tensor.dataType),
      },
    ]),
  );
}
type Stored = ReturnType<typeof storedIn>;

const elements = async (from: WeightSource, parameter: Parameter): Promise<Float32Array> => {
  const pieces: number[] = [];
  for await (const piece of from(parameter)) pieces.push(...piece);
  return Float32Array.from(pieces);
};

const floats = (bytes: Uint8Array) => new Float32Array(bytes.slice().buffer);
/** The i-th of the halves of bytes. */
const half = (bytes: Uint8Array, i: number) => (i % 2 === 0 ? bytes[i >> 1] % 16 : bytes[i >> 1] >> 4);

/** Weight by output and input, scale and zero point of its block, by the layout that the operator documents. */
function blocksOf(stored: Stored, name: string) {
  const [codes, scales, zeros] = ['', '.scale', '.zero'].map((ending) => stored.get(name + ending));
  if (codes?.type !== 'uint8' || !scales) return null;
  const [outputs, count, bytes] = codes.dims;
  const block = 2 * bytes;
  const s = floats(scales.bytes);
  const at = (output: number, input: number) => {
    const b = Math.floor(input / block);
    const scale = s[output * count + b];
    const zero = zeros ? half(zeros.bytes.subarray(output * zeros.dims[1]), b) : 8;
    const code = half(codes.bytes.subarray((output * count + b) * bytes), input % block);
    return { scale, zero, code, value: scale * (code - zero) };
  };
  return { outputs, block, at };
}

/** The weights that a file holds, as float32 in the layout of the network. */
function keptIn(stored: Stored, parameter: Parameter): Float32Array {
  const { name, dims, perRow } = parameter;
  const tensor = stored.get(name)!;
  const blocks = blocksOf(stored, name);
  if (blocks) {
    const byRow = blocks.outputs === dims[0] && perRow;
    return Float32Array.from({ length: dims[0] * dims[1] }, (_, i) => {
      const [row, column] = [Math.floor(i / dims[1]), i % dims[1]];
      return byRow ? blocks.at(row, column).value : blocks.at(column, row).value;
    });
  }
  if (tensor.type === 'float16') {
    const bits = new Uint16Array(tensor.bytes.slice().buffer);
    const values = new Float32Array(bits.length);
    decodeFloat16(bits, values);
    return values;
  }
  if (tensor.type === 'float32') return floats(tensor.bytes);
  const scale = floats(stored.get(`${name}.scale`)!.bytes);
  return Float32Array.from(
    new Int8Array(tensor.bytes.slice().buffer),
    (value, i) => value * scale[Math.floor(i / dims[1])],
  );
}

describe.each(cases)('%s in blocks of 4 bits, %j', (name, rounding) => {
  const exactly = { ...rounding, activations: 'float32' } as const;
  const network = { ...networks[name], dtype: 'int4' as const, rounding: exactly };

  it('has the scale, the zero point and the nearest code of each block', async () => {
    const stored = storedIn(await saved(network));
    let found = 0;
    let cut = 0;
    const shares = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6];
    const wrong: string[] = [];
    for (const parameter of network.parameters) {
      const blocks = blocksOf(stored, parameter.name);
      if (!blocks) continue;
      found++;
      expect(blocks.block).toBe(rounding.block ?? 32);
      const [rows, columns] = parameter.dims;
      const weights = await elements(source, parameter);
      const weight = (output: number, input: number) =>
        parameter.perRow ? weights[output * columns + input] : weights[input * columns + output];
      const [outputs, inputs] = parameter.perRow ? [rows, columns] : [columns, rows];
      for (let output = 0; output < outputs; output++) {
        for (let first = 0; first < inputs; first += blocks.block) {
          const places = Array.from({ length: Math.min(blocks.block, inputs - first) }, (_, i) => first + i);
          const values = places.map((input) => weight(output, input));
          const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
          const largest = values.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
          const { scale, zero } = blocks.at(output, first);
          const due = shares
            .map((share) => {
              const step = Math.fround(share * (rounding.symmetric ? largest / -8 : (most - least) / 15));
              const middle = rounding.symmetric ? 8 : Math.min(15, Math.round((-share * least) / step));
              const codes = values.map((value) =>
                Math.min(15, Math.max(0, Math.round(value / step) + middle)),
              );
              const errors = values.map((value, i) => (value - step * (codes[i] - middle)) ** 2);
              return { step, middle, error: errors.reduce((a, b) => a + b, 0) };
            })
            .reduce((best, next) => (next.error < 0.999999 * best.error ? next : best));
          if (Math.abs(scale / due.step - 1) > 1e-6 || zero !== due.middle)
            wrong.push(
              `${parameter.name}: scale ${scale} for ${due.step}, zero point ${zero} for ${due.middle}`,
            );
          if (due.step !== Math.fround(rounding.symmetric ? largest / -8 : (most - least) / 15)) cut++;
          const levels = Array.from({ length: 16 }, (_, code) => scale * (code - zero));
          for (const [i, input] of places.entries()) {
            const nearest = Math.min(...levels.map((level) => Math.abs(level - values[i])));
            const { value } = blocks.at(output, input);
            if (Math.abs(value - values[i]) > nearest + 1e-6 * Math.abs(scale))
              wrong.push(`${parameter.name} [${output}, ${input}]: ${value} for ${values[i]}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan(3);
    // Many blocks have less error when their ends are cut off.
    expect(cut).toBeGreaterThan(20);
  });

  it('gives the logits of a float32 network with these weights', async () => {
    const path = await saved(network);
    const stored = storedIn(path);
    const widened = await saved({ ...networks[name], source: (parameter) => [keptIn(stored, parameter)] });
    const ids = [[1, 17, 79, 0, 5, 5, 33, 2]];
    const [few, many, exact] = await Promise.all(
      [path, widened, await saved(networks[name])].map((each) => logitsOf(each, { ids, sigma: [0.7] })),
    );
    const largest = (a: ort.Tensor, b: ort.Tensor) =>
      (a.data as Float32Array).reduce((most, x, i) => Math.max(most, Math.abs(x - Number(b.data[i]))), 0);
    const size = (exact.data as Float32Array).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(largest(few, many)).toBeLessThan(2e-6 * size);
    // Rounding to 4 bits is there to be seen, and is no more than rounding.
    expect(largest(few, exact)).toBeGreaterThan(1e-4 * size);
    expect(largest(few, exact)).toBeLessThan(0.6 * size);
  });

  it('opens, is half a byte per weight and a little, and ends in a product for some rows alone', async () => {
    const path = await saved(network);
    const last = projection((await openCheckpoint(path)).graph(), 'logits');
    // An embedding whose rows are no whole number of blocks stays float16, and so does the head that it is.
    const inBlocks = name === 'dit' || 96 % (rounding.block ?? 32) === 0;
    expect(last).toMatchObject({ width: 96, outputs: 80, inBlocks });
    expect(statSync(path).size).toBeLessThan(0.4 * statSync(await saved(networks[name])).size);
  });
});

it('a source that is read by outputs gives the same file as one that is transposed', async () => {
  const byOutput: WeightSource = (parameter) => source(parameter);
  byOutput.byOutput = async function* ({ name, dims, transposed, ...rest }) {
    if (!transposed) return;
    const values = await elements(source, { name, dims, transposed, ...rest });
    const [rows, columns] = dims;
    const turned = Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
    for (let at = 0; at < turned.length; at += 37) yield turned.slice(at, at + 37); // no whole rows
  };
  for (const dtype of ['int4', 'int8'] as const) {
    const [plain, turned] = await Promise.all(
      [source, byOutput].map((each) => saved({ ...networks.dit, source: each, dtype })),
    );
    expect(readFileSync(turned).equals(readFileSync(plain))).toBe(true);
  }
});

it('a block of zeros is zeros, and what is no number is named', async () => {
  const zeros: WeightSource = ({ dims }) => [new Float32Array(dims.reduce((a, b) => a * b))];
  const path = await saved({ ...networks.dit, source: zeros, dtype: 'int4' });
  const { data } = await logitsOf(path, { ids: [[1, 2]], sigma: [0.5] });
  expect((data as Float32Array).every((value) => value === 0)).toBe(true);
  const broken: WeightSource = (parameter) => {
    const values = new Float32Array(parameter.dims.reduce((a, b) => a * b)).fill(0.5);
    if (parameter.name === 'blocks.0.mlp.0.weight') values[100] = Number.NaN;
    return [values];
  };
  await expect(saved({ ...networks.dit, source: broken, dtype: 'int4' })).rejects.toMatchObject({
    code: 'weight-not-finite',
    message: expect.stringContaining('"blocks.0.mlp.0.weight" hold NaN'),
  });
});
