/** Vectors that a training step reads and makes anew, by name of input; the outputs have `next_` before the name. */
export const STATE = ['weights', 'first_moment', 'second_moment', 'average'] as const;

export type StateName = (typeof STATE)[number];

export const nextName = (name: StateName): string => `next_${name}`;

/** All of one length. */
export type TrainingVectors = Record<StateName, Float32Array>;
