/**
 * The purposes of random numbers. Each has a number that is never reused or changed, because figures depend on it. Random numbers
 * for different purposes are independent, so one number never serves two purposes.
 */
export const streams = {
  /** times.ts: the rotation of a group's strata, the order in which sequences take them, the point inside them. */
  timeRotation: 0x01,
  timeOrder: 0x02,
  timeJitter: 0x03,
  /** Block diffusion: which part of [0, 1) the time of each block lies in. */
  blockTimes: 0x04,
  /** forward.ts: whether a token is replaced, and by which. */
  forwardComponent: 0x10,
  forwardToken: 0x11,
  /** Samplers: which component of the posterior, the draw from x_θ, the uniform token. */
  posteriorComponent: 0x20,
  posteriorToken: 0x21,
  posteriorUniform: 0x22,
  /** Samplers: the first z, before any model call. */
  priorToken: 0x23,
  /** Samplers: two purposes for a sampler's own use. */
  samplerOwn1: 0x24,
  samplerOwn2: 0x25,
  /** Samplers: the normal numbers of a Gaussian latent. */
  latentNoise: 0x26,
  /** unmasking.ts: the order of the positions of a text under the policy `random`, and which of equal positions goes first. */
  unmaskingOrder: 0x12,
  /** Sources of known entropy: draws of a data set. */
  sourceToken: 0x30,
  /** Weights a network starts from. */
  initialWeight: 0x31,
  /** Training: the order of sequences in a pass over the text, the times of a step, the noise of its tokens. */
  trainingOrder: 0x50,
  trainingTime: 0x51,
  trainingComponent: 0x52,
  trainingToken: 0x53,
  trainingMixture: 0x54,
  /** Distillation: the one noise of a pair of levels. */
  distillationNoise: 0x55,
  /** Resampling of sequences in statistics. */
  resample: 0x40,
  /** Statistics: the error of an entropy that sweeps are compared at. */
  resampleTarget: 0x41,
  /** Statistics: the points that k-means starts from. */
  clusterStart: 0x42,
  /** Naive samplers that stand beside models: which tokens, and where in a text. */
  controlToken: 0x60,
} as const;
