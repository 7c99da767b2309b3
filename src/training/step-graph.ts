/**
 * A training step as one graph: forward pass, loss, gradients, clipping, AdamW and the moving average. Weights, moments and
 * average go in and come out as vectors of one layout (packed-weights.ts).
 */
import { gradients } from '../graph/differentiate/gradients.js';
import type { Graph, Value } from '../graph/graph.js';
import { Mul } from '../graph/operators.js';
import { type Packed, packed, packedOffsets, readWeightsFrom } from '../graph/packed-weights.js';
import { prune } from '../graph/prune.js';
import { type AdamWOptions, adamWInputs, adamWStep, clippingFactor, globalNorm } from './adamw.js';
import { movedAverage } from './moving-average.js';
import { nextName, STATE, type StateName } from './training-state.js';

export interface StepOptions {
  adamW: AdamWOptions;
  /** Gradients of a larger norm are scaled down to it. */
  greatestNorm: number;
}

/**
 * Turns a graph with an objective into one with a step of training.
 *
 * Inputs added: the vectors of STATE, the scalars of AdamW, `average_left`. Outputs: `objective`, `gradient_norm` (before
 * clipping), and the next vectors.
 * @param parameters initializers of the graph, in the order of the vectors
 */
export function appendStep(
  graph: Graph,
  objective: Value,
  parameters: readonly Packed[],
  { adamW, greatestNorm }: StepOptions,
): void {
  const atWeights = gradients(
    objective,
    parameters.map(({ name }) => graph.value(name, 'float32')),
  );
  graph.scope('step', () => {
    const { total } = packedOffsets(parameters);
    const vector = (name: StateName) => graph.input(name, 'float32', [total]);
    const [weights, first, second, average] = STATE.map(vector);
    readWeightsFrom(weights, parameters);
    const scalars = adamWInputs(graph);
    const left = graph.input('average_left', 'float32', []);

    const gradient = packed(graph, atWeights);
    const norm = globalNorm(gradient);
    const clipped = Mul(gradient, clippingFactor(norm, greatestNorm));
    const next = adamWStep({ weights, first, second }, clipped, scalars, adamW);

    graph.clearOutputs();
    graph.output(objective, 'objective', []);
    graph.output(norm, 'gradient_norm', []);
    const vectors = [next.weights, next.first, next.second, movedAverage(average, next.weights, left)];
    for (const [i, name] of STATE.entries()) graph.output(vectors[i], nextName(name), [total]);
  });
  prune(graph.proto);
}
