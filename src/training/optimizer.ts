/**
 * How a step changes the weights, as graph code on vectors and as numbers of the step: learning rate, clipping, AdamW and the
 * moving average. AdamW (Loshchilov and Hutter, arXiv 1711.05101):
 *
 *     m ← β₁m + (1−β₁)g                 v ← β₂v + (1−β₂)g²
 *     θ ← (1−ηλ)θ − η·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
 *
 * where g is the gradient after clipping. β and ε are constants of the graph; what changes from step to step is an input, a
 * scalar of `adamWScalars`.
 */
import type { Graph, Value } from '../graph/graph.js';
import { Add, Div, Min, Mul, Sqrt, Sub } from '../graph/operators.js';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** λ, the same for every weight. */
  weightDecay: number;
}

/** As the reference trains (s-sahoo/duo, configs/config.yaml). */
export const defaultAdamW: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

/** What depends on the number of the step: float32 scalars by name of input. */
export interface AdamWScalars {
  /** η/(1−β₁ᵗ) */
  step_size: number;
  /** √(1−β₂ᵗ) */
  root_correction: number;
  /** 1−ηλ */
  kept: number;
}

/** @param step t, from 1   @param learningRate η of this step */
export function adamWScalars(options: AdamWOptions, step: number, learningRate: number): AdamWScalars {
  return {
    step_size: learningRate / (1 - options.beta1 ** step),
    root_correction: Math.sqrt(1 - options.beta2 ** step),
    kept: 1 - learningRate * options.weightDecay,
  };
}

/** √Σg² of a vector. */
export const globalNorm = (gradient: Value): Value => {
  const [sum] = gradient.graph.node('ReduceSumSquare', [gradient], {
    outputs: [gradient.dtype],
    attributes: { keepdims: 0 },
  });
  return Sqrt(sum);
};

/** The factor that brings a gradient's norm to at most `greatest`, as PyTorch's clip_grad_norm_ does. */
export const clippingFactor = (norm: Value, greatest: number): Value =>
  Min(Div(greatest, Add(norm, 1e-6)), 1);

export interface AdamWState {
  weights: Value;
  first: Value;
  second: Value;
}

/** @param state, gradient [n]   @param scalars inputs of the graph   @returns the state after the step */
export function adamWStep(
  { weights, first, second }: AdamWState,
  gradient: Value,
  scalars: Record<keyof AdamWScalars, Value>,
  { beta1, beta2, epsilon }: AdamWOptions,
): AdamWState {
  const m = Add(Mul(first, beta1), Mul(gradient, 1 - beta1));
  const v = Add(Mul(second, beta2), Mul(Mul(gradient, gradient), 1 - beta2));
  const deviation = Add(Div(Sqrt(v), scalars.root_correction), epsilon);
  const change = Mul(Div(m, deviation), scalars.step_size);
  return { weights: Sub(Mul(weights, scalars.kept), change), first: m, second: v };
}

/** Declares the scalars as inputs of a graph. */
export function adamWInputs(graph: Graph): Record<keyof AdamWScalars, Value> {
  const scalar = (name: keyof AdamWScalars) => graph.input(name, 'float32', []);
  return {
    step_size: scalar('step_size'),
    root_correction: scalar('root_correction'),
    kept: scalar('kept'),
  };
}

/** The exponential moving average of the weights, which a trained checkpoint holds: average + (1 − decay)·(weights − average).
 *  @param left 1 − decay, a scalar */
export const movedAverage = (average: Value, weights: Value, left: Value): Value =>
  Add(average, Mul(Sub(weights, average), left));

/** 1 − decay at step t, from 1. The decay starts low, (1 + t)/(10 + t), so that the first weights are forgotten sooner, as in the
 *  reference. */
export const averageLeft = (decay: number, step: number): number =>
  1 - Math.min(decay, (1 + step) / (10 + step));

/** The learning rate over a run: a straight rise, then half a cosine down to a share of the highest, or level. */
export interface LearningRateOptions {
  highest: number;
  /** Steps of the rise. */
  warmup: number;
  /** Steps of the whole run. */
  steps: number;
  /** The last step's share of the highest rate; 1 keeps the rate level. */
  final: number;
}

/** @param step from 1; the rate of step `warmup` is the highest, that of step `steps` the final share of it */
export function learningRate({ highest, warmup, steps, final }: LearningRateOptions, step: number): number {
  if (step <= warmup) return (highest * step) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return highest * (final + (1 - final) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
