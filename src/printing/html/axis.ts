/** An axis of a plot, what has a place on it, and panels that share it: for drawings and for plots in characters. */

export interface PlotAxis {
  title: string;
  /** `utc`: values are milliseconds since 1970, shown as days. */
  scale: 'log' | 'linear' | 'utc';
}

export function canBeDrawn(value: number, { scale }: PlotAxis): boolean {
  return Number.isFinite(value) && (scale !== 'log' || value > 0);
}

/** The interval where both its ends have a place; else null. */
export function withinAxis(
  interval: readonly [number, number] | null,
  axis: PlotAxis,
): readonly [number, number] | null {
  return interval?.every((end) => canBeDrawn(end, axis)) ? interval : null;
}

/** The names of panels in their order; undefined stands for that of points in none. */
export const panelsOf = (points: readonly { panel?: string }[]): (string | undefined)[] => [
  ...new Set(points.map(({ panel }) => panel)),
];
