/**
 * A network that is a table: random logits for each state of a short text, one row per position, in nothing alike between states.
 * What it says is known in double precision, so that whole chains of it can be enumerated.
 */
import { Graph } from '../../../src/graph/graph.js';
import { Add, Gather, Mul, ReduceSum, Reshape, Unsqueeze } from '../../../src/graph/operators.js';
import { generator } from './generator.js';

export interface StateTable {
  /** K: width of the logits. */
  width: number;
  length: number;
  graph(): Graph;
  /** x_θ of a position, [width]. @param z the state   @param time what the network reads   @param without a token left out */
  distribution(z: readonly number[], l: number, time: number, without?: number): Float64Array;
}

/** @param width K, of a state's tokens and of the logits   @param seed of the logits, which are multiplied by 1 + time/10 */
export function stateTable({
  width,
  length,
  seed,
}: {
  width: number;
  length: number;
  seed: number;
}): StateTable {
  const random = generator(seed);
  const logits = Float32Array.from({ length: width ** length * length * width }, () => 4 * random() - 2);
  return {
    width,
    length,
    graph() {
      const graph = Graph.create('states');
      const ids = graph.input('input_ids', 'int64', ['batch', length]);
      const powers = BigInt64Array.from({ length }, (_, l) => BigInt(width ** l));
      const states = ReduceSum(Mul(ids, graph.initializer('powers', 'int64', [length], powers)), {
        axes: [1],
        keepdims: false,
      });
      const table = graph.initializer('table', 'float32', [width ** length, length * width], logits);
      const time = Unsqueeze(graph.input('sigma', 'float32', ['batch']), [1, 2]);
      const rows = Mul(Reshape(Gather(table, states), [-1, length, width]), Add(Mul(time, 0.1), 1));
      graph.output(rows, 'logits', ['batch', length, width]);
      return graph;
    },
    distribution(z, l, time, without) {
      const at = (z.reduce((sum, token, i) => sum + token * width ** i, 0) * length + l) * width;
      const f = Float64Array.from(logits.subarray(at, at + width), (value) => value * (1 + time / 10));
      if (without !== undefined) f[without] = Number.NEGATIVE_INFINITY;
      const e = f.map(Math.exp);
      const total = e.reduce((sum, value) => sum + value, 0);
      return e.map((value) => value / total);
    },
  };
}

/** All texts of `length` tokens of 0 … width − 1. */
export function allStates(width: number, length: number): number[][] {
  return Array.from({ length: width ** length }, (_, state) =>
    Array.from({ length }, (_, l) => Math.floor(state / width ** l) % width),
  );
}
