/**
 * A batch as the tensors that an objective reads. With its weights the objective is the mean of −α'(t)·loss over all tokens of
 * the batch: the papers' integrand over t, for any schedule.
 */
import { HEAD } from '../diffusion/heads/head.js';
import { mixtureFeeds } from '../diffusion/heads/mixed-noise.js';
import type { NoiseMixture } from '../diffusion/schedule.js';
import { CLEAN_IDS } from '../models/architectures/block-diffusion.js';
import { isFirstGiven, isInBlocks, isInSteps, isMasked, isMixed, isUniformState } from '../models/family.js';
import type { Feeds } from '../models/feeds.js';
import { float32, float64, int64 } from './feed-tensors.js';
import { MIXTURE } from './mixture.js';
import type { NoisedOneHot } from './noised-one-hot.js';
import { TOKEN_WEIGHTS, type TrainingProblem } from './objective.js';

/** Noisy sequences of a diffusion family. */
export interface NoisyBatch {
  /** Clean and noisy tokens, [batch · length]. */
  x: Int32Array;
  z: Int32Array;
  /** Per sequence, or for block diffusion per block: 1 − α and −α'. */
  oneMinusAlpha: Float64Array;
  slope: Float64Array;
  /** Discrete time: per sequence, 1 − α at the clean end of the step; `slope` is then T times the rise of α. */
  nextOneMinusAlpha?: Float64Array;
  /** Masks and uniform noise together: per sequence, what noise consists of. */
  mixed?: readonly NoiseMixture[];
  /** Per sequence: σ, of which step-feeds.ts makes what the network reads. */
  sigma: Float64Array;
}

type Size = Pick<TrainingProblem, 'batch' | 'length'>;

/** @param inputs, targets [batch · length]; a target is the token after its input */
export function autoregressiveFeeds({ batch, length }: Size, inputs: Int32Array, targets: Int32Array): Feeds {
  const tokens = batch * length;
  return {
    input_ids: int64(inputs, [batch, length]),
    [HEAD.targets]: int64(targets, [batch, length]),
    [TOKEN_WEIGHTS]: float32(new Float32Array(tokens).fill(1 / tokens), [batch, length]),
  };
}

/** Of families that score every token. */
function everywhereFeeds({ batch, length }: Size, noisy: NoisyBatch): Feeds {
  const weights = Float32Array.from(noisy.x, (_, i) => noisy.slope[Math.floor(i / length)] / noisy.x.length);
  return {
    input_ids: int64(noisy.z, [batch, length]),
    sigma: float32(noisy.sigma, [batch]),
    [HEAD.targets]: int64(noisy.x, [batch, length]),
    [HEAD.oneMinusAlpha]: float64(noisy.oneMinusAlpha, [batch]),
    ...(noisy.mixed && mixtureFeeds(noisy.mixed)),
    [TOKEN_WEIGHTS]: float32(weights, [batch, length]),
  };
}

/** The network reads the mixture; the loss reads z. */
export function keptMixtureFeeds(size: Size, noisy: NoisyBatch, { tokens, shares }: NoisedOneHot): Feeds {
  const dims = [size.batch, size.length, tokens.length / noisy.x.length];
  return {
    ...everywhereFeeds(size, noisy),
    [MIXTURE.tokens]: int64(tokens, dims),
    [MIXTURE.shares]: float32(shares, dims),
  };
}

/** The same with all of w. @param latent [batch · length · vocab] */
export function wholeMixtureFeeds(
  size: Size,
  noisy: NoisyBatch & { inverseTemperature: number },
  latent: Float32Array,
): Feeds {
  const dims = [size.batch, size.length, latent.length / noisy.x.length];
  return {
    ...everywhereFeeds(size, noisy),
    [MIXTURE.latent]: { type: 'float32', data: latent, dims },
    [MIXTURE.inverseTemperature]: float32([noisy.inverseTemperature], []),
  };
}

/**
 * The rows are the masked positions; a batch without masks has one row of weight 0.
 * @param scored tokens of the batch that the mean is over
 */
function maskedFeeds({ batch, length }: Size, noisy: NoisyBatch, maskTokenId: number, scored: number): Feeds {
  const masked = [...noisy.z.keys()].filter((i) => noisy.z[i] === maskTokenId);
  const places = masked.length > 0 ? masked : [0];
  const sequenceOf = (place: number) => Math.floor(place / length);
  const levelOf = (place: number) => Math.floor((place * noisy.slope.length) / noisy.x.length);
  const weightOf = (place: number) => (masked.length > 0 ? noisy.slope[levelOf(place)] / scored : 0);
  const rows = places.length;
  return {
    input_ids: int64(noisy.z, [batch, length]),
    sigma: float32(noisy.sigma, [batch]),
    [HEAD.rows]: int64(
      places.flatMap((place) => [sequenceOf(place), place % length]),
      [rows, 2],
    ),
    [HEAD.targets]: int64(
      places.map((place) => noisy.x[place]),
      [rows],
    ),
    [HEAD.oneMinusAlpha]: float64(
      places.map((place) => noisy.oneMinusAlpha[levelOf(place)]),
      [rows],
    ),
    [TOKEN_WEIGHTS]: float32(places.map(weightOf), [rows]),
  };
}

/**
 * The same for discrete time: behind the noisy sequences come the clean ones, σ = 0, every token of which the reconstruction asks
 * about: a step from nothing but noise to the text.
 */
function discreteTimeFeeds(size: Size, noisy: NoisyBatch, maskTokenId: number, first: number): Feeds {
  const { batch, length } = size;
  const places = [...noisy.x.keys()].filter((place) => place % length >= first);
  const masked = places.filter((i) => noisy.z[i] === maskTokenId);
  const sequenceOf = (place: number) => Math.floor(place / length);
  const asked = [
    ...masked.map((place) => ({
      ...{ row: [sequenceOf(place), place % length], target: noisy.x[place] },
      level: noisy.oneMinusAlpha[sequenceOf(place)],
      next: noisy.nextOneMinusAlpha?.[sequenceOf(place)] ?? 0,
      weight: noisy.slope[sequenceOf(place)],
    })),
    ...places.map((place) => ({
      ...{ row: [batch + sequenceOf(place), place % length], target: noisy.x[place] },
      ...{ level: 1, next: 0, weight: 1 },
    })),
  ];
  const rows = [asked.length];
  return {
    input_ids: int64([...noisy.z, ...noisy.x], [2 * batch, length]),
    sigma: float32([...noisy.sigma, ...new Float64Array(batch)], [2 * batch]),
    [HEAD.rows]: int64(
      asked.flatMap(({ row }) => row),
      [asked.length, 2],
    ),
    ...{
      [HEAD.targets]: int64(
        asked.map(({ target }) => target),
        rows,
      ),
    },
    ...{
      [HEAD.oneMinusAlpha]: float64(
        asked.map(({ level }) => level),
        rows,
      ),
    },
    ...{
      [HEAD.nextOneMinusAlpha]: float64(
        asked.map(({ next }) => next),
        rows,
      ),
    },
    [TOKEN_WEIGHTS]: float32(
      asked.map(({ weight }) => weight / places.length),
      rows,
    ),
  };
}

/** The tensors for the family's loss head. @throws RangeError for a family that is not trained on noisy sequences */
export function denoisingFeeds(problem: TrainingProblem, noisy: NoisyBatch): Feeds {
  const { sigma, ...feeds } = feedsOfFamily(problem, noisy);
  return problem.decoder ? feeds : { ...feeds, sigma }; // a decoder reads no noise level
}

function feedsOfFamily(problem: TrainingProblem, noisy: NoisyBatch): Feeds {
  const { family, maskTokenId, ...size } = problem;
  // What is given is not scored.
  const first = Number(isFirstGiven(problem));
  if (isUniformState(family) || isMixed(family)) return everywhereFeeds(size, noisy);
  if (maskTokenId === null || !isMasked(family)) throw new RangeError(`no noisy sequences train ${family}`);
  if (isInSteps(family)) return discreteTimeFeeds(size, noisy, maskTokenId, first);
  const { batch, length } = size;
  const masked = maskedFeeds(size, noisy, maskTokenId, batch * (length - first));
  if (isInBlocks(family)) {
    return { ...masked, [CLEAN_IDS]: int64(noisy.x, [batch, length]) };
  }
  return masked;
}
