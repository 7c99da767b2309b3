/** Quantile of the standard normal distribution by bisection of its distribution function, for samples of exact spread. */
import { normalDistribution } from '../../src/statistics/normal.js';

export function normalQuantile(probability: number): number {
  let [low, high] = [-10, 10];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalDistribution(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
