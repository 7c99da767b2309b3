/** The learning rate over a run: a straight rise, then half a cosine down to a share of the highest, or level. */
export interface LearningRateOptions {
  highest: number;
  /** Steps of the rise. */
  warmup: number;
  /** Steps of the whole run. */
  steps: number;
  /** Share of the highest rate that the last step has; 1 keeps it level. */
  final: number;
}

/** @param step from 1; the rate of step `warmup` is the highest, that of step `steps` the final share of it */
export function learningRate({ highest, warmup, steps, final }: LearningRateOptions, step: number): number {
  if (step <= warmup) return (highest * step) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return highest * (final + (1 - final) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
