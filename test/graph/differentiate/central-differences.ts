/** Gradients by central differences in float64, through the runtime, and those of the gradient graph beside them. */
import ort from 'onnxruntime-node';
import { gradients } from '../../../src/graph/differentiate/gradients.js';
import { Graph, type Value } from '../../../src/graph/graph.js';
import { Mul, ReduceSum } from '../../../src/graph/operators.js';
import { prune } from '../../../src/graph/prune.js';
import { fillUniforms } from '../../../src/random/uniforms.js';

export interface Case {
  /** Shapes of the float64 inputs. */
  shapes: readonly (readonly number[])[];
  build: (...inputs: Value[]) => Value | Value[];
  /** Elements of inputs lie in this range, at least `apart` from one another. */
  between?: readonly [number, number];
  seed?: number;
}

const size = (shape: readonly number[]) => shape.reduce((product, axis) => product * axis, 1);

/** Distinct numbers in shuffled order, evenly spaced but for a tenth of a step: no two are close. */
function elements(count: number, [low, high]: readonly [number, number], seed: number): Float64Array {
  const uniforms = new Float64Array(2 * count);
  fillUniforms(uniforms, { seed, stream: 0, sequence: count, step: 0 });
  const order = [...Array(count).keys()].sort((a, b) => uniforms[a] - uniforms[b]);
  return Float64Array.from(
    order,
    (place, i) => low + ((high - low) * (place + 0.1 + 0.8 * uniforms[count + i])) / count,
  );
}

/** Σ over all outputs of random weights times elements. */
function lossOf(outputs: readonly Value[], dims: readonly (readonly number[])[], seed: number): Value {
  const { graph } = outputs[0];
  const terms = outputs.map((output, i) => {
    const weights = elements(size(dims[i]), [-1.5, 2], seed + 100 + i);
    const weight = graph.initializer('weight', 'float64', dims[i], weights);
    return ReduceSum(Mul(output, weight), { axes: dims[i].map((_, axis) => axis), keepdims: false });
  });
  return terms.reduce((a, b) => graph.node('Add', [a, b], { outputs: ['float64'] })[0]);
}

async function session(graph: Graph): Promise<ort.InferenceSession> {
  prune(graph.proto);
  return ort.InferenceSession.create(graph.toBytes(), { logSeverityLevel: 4, intraOpNumThreads: 1 });
}

/** @returns the largest difference between the two gradients, relative to the largest gradient (at least 1) */
export async function gradientError({ shapes, build, between = [-2, 2], seed = 1 }: Case): Promise<number> {
  const inputs = (graph: Graph) => shapes.map((shape, i) => graph.input(`x${i}`, 'float64', shape));
  const asList = (value: Value | Value[]) => (Array.isArray(value) ? value : [value]);
  const data = shapes.map((shape, i) => elements(size(shape), between, seed + i));
  const feeds = () =>
    Object.fromEntries(
      shapes.map((shape, i) => [`x${i}`, new ort.Tensor('float64', data[i].slice(), shape)]),
    );

  const plain = Graph.create('shapes');
  for (const [i, output] of asList(build(...inputs(plain))).entries()) plain.output(output, `y${i}`);
  const plainSession = await session(plain);
  const plainOutputs = await plainSession.run(feeds());
  const dims = plainSession.outputNames.map((name) => [...plainOutputs[name].dims]);

  const graph = Graph.create('gradient');
  const values = inputs(graph);
  const loss = lossOf(asList(build(...values)), dims, seed);
  const made = gradients(loss, values);
  graph.output(loss, 'loss', []);
  for (const [i, gradient] of made.entries()) graph.output(gradient, `gradient${i}`, shapes[i]);
  const running = await session(graph);
  const outputs = await running.run(feeds());

  const lossAt = async () => Number((await running.run(feeds(), ['loss'])).loss.data[0]);
  const step = 1e-5;
  let [largest, scale] = [0, 1];
  for (const [i, array] of data.entries()) {
    const gradient = outputs[`gradient${i}`];
    if (`${gradient.dims}` !== `${shapes[i]}`)
      throw new Error(`a gradient of shape [${gradient.dims}] for [${shapes[i]}]`);
    for (let j = 0; j < array.length; j++) {
      const before = array[j];
      array[j] = before + step;
      const above = await lossAt();
      array[j] = before - step;
      const below = await lossAt();
      array[j] = before;
      const expected = (above - below) / (2 * step);
      scale = Math.max(scale, Math.abs(expected));
      const difference = Math.abs(expected - Number(gradient.data[j]));
      if (!(difference <= largest)) largest = difference;
    }
  }
  await Promise.all([plainSession.release(), running.release()]);
  return largest / scale;
}
