/**
 * Model calls of the zero-shot evaluation as plain data: a sequence, a noise level and the noise. A batch becomes
 * the tensors that a checkpoint with a loss head reads, and the output becomes nats per sequence.
 *
 * All randomness is a function of (seed, sequence, draw), so no figure depends on how calls are batched.
 */
import {
  noiseBlocks,
  noiseExactCount,
  noiseMasked,
  noiseMixed,
  noiseUniform,
} from '../../diffusion/forward.js';
import { HEAD, paddedRows } from '../../diffusion/heads/head.js';
import { mixtureFeeds } from '../../diffusion/heads/mixed-noise.js';
import type { DrawnIntegration, NoiseLevel } from '../../diffusion/integration.js';
import { blockPoints } from '../../diffusion/times.js';
import type { Family } from '../../models/card.js';
import { isFirstGiven, isInBlocks, isInSteps, isMasked, isMixed } from '../../models/family.js';
import type { Feeds } from '../../models/feeds.js';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';

/** One sequence through the network once. */
export interface ModelCall {
  sequence: number;
  draw: number;
  /** Clean tokens, [length]. */
  x: Int32Array;
  /** Null for ar, which has no noise, and for block diffusion. */
  level: NoiseLevel | null;
  /** Block diffusion: the level of each block. */
  blockLevels?: readonly NoiseLevel[];
  /** Families that score every token: only these positions are noised and scored; the others are given, clean at every level. By default all. */
  unknown?: { first: number; count: number };
  /** Whether its loss per token is wanted too (ar and masked families). */
  byToken?: boolean;
  /** Whether the order of its positions is wanted too (exact likelihood under a policy). */
  path?: boolean;
}

/** The properties of a model that the tensors depend on. */
export interface LossModel {
  family: Family;
  vocabSize: number;
  maskTokenId: number | null;
  /** L′ of block diffusion. */
  blockSize?: number;
  /** Positions that never become the mask; by default those of the family. */
  neverMasked?: readonly number[];
  seed: number;
  /** Tokens at the ends of a sequence that wrap its text: 2 where there are BOS and EOS, else 0. */
  wrapped: boolean;
  /** Fixed sequence length of the graph; null where it takes any. */
  fixedLength: number | null;
}

export interface SequenceLoss {
  sequence: number;
  draw: number;
  /** Σ weight · loss over all scored tokens. */
  nats: number;
  /** The same without BOS and EOS. */
  textNats: number;
  /** Model calls; a masked sequence without a mask needs none. */
  calls: number;
  /** Where wanted: the loss per −dα of each masked position, in order; for ar, the loss of each position from 1 on. */
  byToken?: Float32Array;
  /** Where wanted: how its positions were revealed. */
  path?: RevealedPath;
}

export interface RevealedPath {
  /** Positions call by call, ascending within one. */
  order: number[];
  /** ln p of each position's token; null where it is not scored. */
  logProbability: (number | null)[];
}

export interface PreparedBatch {
  calls: readonly ModelCall[];
  /** The calls that need the network; a masked sequence without a mask has loss 0. */
  called: readonly ModelCall[];
  /** What the network reads as tokens, int64 [called, width]. */
  inputIds: BigInt64Array;
  width: number;
  /** Block diffusion: the noisy tokens of a row, before the clean ones. */
  noisyWidth?: number;
  /** Inputs of the head. */
  head: Feeds;
  /** Where the head's output belongs: index of the call and position in its sequence; [outputs × 2], or null: in order. */
  rows: Int32Array | null;
}

/** @param calls of equal length */
export function prepareBatch(calls: readonly ModelCall[], model: LossModel): PreparedBatch {
  if (model.family === 'ar') return prepareAutoregressive(calls, model);
  return isMasked(model.family) ? prepareMasked(calls, model) : prepareEverywhere(calls, model);
}

/** The noise levels of a call, by its point u in [0, 1) of the time plan (diffusion/times.ts). */
export function callLevels(
  u: number,
  call: Pick<ModelCall, 'sequence' | 'draw' | 'x'>,
  model: LossModel,
  integration: DrawnIntegration,
): Pick<ModelCall, 'level' | 'blockLevels'> {
  const { seed, blockSize } = model;
  if (blockSize === undefined) return { level: integration.at(u, call.x.length - firstMasked(model)) };
  const points = blockPoints(u, Math.ceil(call.x.length / blockSize), { seed, ...call });
  return { level: null, blockLevels: Array.from(points, (point) => integration.at(point, blockSize)) };
}

/** The noise level of a token. */
export function levelOfToken(
  { level, blockLevels }: ModelCall,
  { blockSize }: LossModel,
  position: number,
): NoiseLevel {
  // of families with noise, only block diffusion has no level, but one per block
  return level ?? blockLevels![Math.floor(position / blockSize!)];
}

/** The first position that can become the mask. */
export const firstMasked = (model: Pick<LossModel, 'family' | 'neverMasked'>): 0 | 1 =>
  isFirstGiven(model) ? 1 : 0;

/** Writes z of a call, the input of a diffusion network, to `out` [length]. */
export function noisyTokens(out: Int32Array, call: ModelCall, model: LossModel): Int32Array {
  const { x, sequence, draw, level, blockLevels } = call;
  const { family, maskTokenId, vocabSize, seed, blockSize } = model;
  const start = firstMasked(model);
  const component = scratch(0, x.length);
  fillUniforms(component, { seed, stream: streams.forwardComponent, sequence, step: draw });
  if (blockLevels && blockSize !== undefined) {
    const oneMinusAlpha = (block: number) => blockLevels[block].oneMinusAlpha;
    // a masked family has a mask token
    return noiseBlocks(out, x, { blockSize, oneMinusAlpha, first: start }, maskTokenId!, component);
  }
  // only ar has no level
  const noise = level!;
  const { oneMinusAlpha, masked } = noise;
  // masked families have a mask token
  if (masked !== undefined) return noiseExactCount(out, x, masked, maskTokenId!, component, start);
  // masked families have a mask token
  if (isMasked(family)) return noiseMasked(out, x, oneMinusAlpha, maskTokenId!, component, start);
  const token = scratch(1, x.length);
  fillUniforms(token, { seed, stream: streams.forwardToken, sequence, step: draw });
  const { first, count } = call.unknown ?? { first: 0, count: x.length };
  out.set(x);
  const within = (all: Int32Array) => all.subarray(first, first + count);
  // a family with a mixture has a mask token
  const size = { vocabSize, maskTokenId: maskTokenId! };
  if (isMixed(family)) noiseMixed(within(out), within(x), noise, size, component, token);
  else noiseUniform(within(out), within(x), oneMinusAlpha, vocabSize, component, token);
  return out;
}

const scratches = [new Float64Array(0), new Float64Array(0)];

/** Memory for one call's uniforms, used again by the next. */
function scratch(which: 0 | 1, length: number): Float64Array {
  if (scratches[which].length < length) scratches[which] = new Float64Array(length);
  return scratches[which].subarray(0, length);
}

/**
 * Token l of the input predicts token l + 1; a graph of fixed length also reads the last token and zeros after it,
 * without effect.
 */
function prepareAutoregressive(calls: readonly ModelCall[], { fixedLength }: LossModel): PreparedBatch {
  const width = fixedLength ?? calls[0].x.length - 1;
  const inputIds = new BigInt64Array(calls.length * width);
  const targets = new BigInt64Array(calls.length * width);
  for (const [b, { x }] of calls.entries()) {
    for (let l = 0; l < width; l++) {
      inputIds[b * width + l] = BigInt(x[l] ?? 0);
      targets[b * width + l] = BigInt(x[l + 1] ?? 0);
    }
  }
  const head = { [HEAD.targets]: { type: 'int64' as const, data: targets, dims: [calls.length, width] } };
  return { calls, called: calls, inputIds, width, head, rows: null };
}

/** Of families that score every token. */
function prepareEverywhere(calls: readonly ModelCall[], model: LossModel): PreparedBatch {
  const width = calls[0].x.length;
  const inputIds = new BigInt64Array(calls.length * width);
  const targets = new BigInt64Array(calls.length * width);
  const z = new Int32Array(width);
  for (const [b, call] of calls.entries()) {
    const { x } = call;
    noisyTokens(z, call, model);
    for (let l = 0; l < width; l++) {
      inputIds[b * width + l] = BigInt(z[l]);
      targets[b * width + l] = BigInt(x[l]);
    }
  }
  const head = {
    [HEAD.targets]: { type: 'int64' as const, data: targets, dims: [calls.length, width] },
    [HEAD.oneMinusAlpha]: {
      type: 'float64' as const,
      // only ar has no level
      data: Float64Array.from(calls, (call) => call.level!.oneMinusAlpha),
      dims: [calls.length],
    },
    // every level of a mixed schedule says what its noise consists of
    ...(isMixed(model.family) && mixtureFeeds(calls.map((call) => call.level!.mixed!))),
  };
  return { calls, called: calls, inputIds, width, head, rows: null };
}

function prepareMasked(calls: readonly ModelCall[], model: LossModel): PreparedBatch {
  const { length } = calls[0].x;
  // masked families have a mask token
  const mask = model.maskTokenId!;
  const noisy = calls.map((call) => noisyTokens(new Int32Array(length), call, model));
  // Of a clean text, the reconstruction of every token is asked for.
  const whole = calls.map(({ level }) => level?.oneMinusAlpha === 0);
  const active = calls.map((_, i) => i).filter((i) => whole[i] || noisy[i].includes(mask));
  const doubled = isInBlocks(model.family);
  const texts = active.map((i) => ({ tokens: noisy[i], x: calls[i].x }));
  const rows: number[] = [];
  const asked: number[] = [];
  for (const [b, i] of active.entries()) {
    for (let l = 0; l < length; l++) {
      if (whole[i] ? l < firstMasked(model) : noisy[i][l] !== mask) continue;
      rows.push(i, l);
      asked.push(b, l, calls[i].x[l]);
    }
  }
  const count = rows.length / 2;
  const ofRows = (value: (level: NoiseLevel) => number) => {
    const data = Float64Array.from({ length: paddedRows(count) }, (_, r) => {
      const [i, l] = [rows[2 * (r % count)], rows[2 * (r % count) + 1]];
      return value(levelOfToken(calls[i], model, l));
    });
    return { type: 'float64' as const, data, dims: [data.length] };
  };
  const head = {
    ...rowFeeds(asked),
    // The reconstruction is the loss of a step from nothing but noise to the text.
    [HEAD.oneMinusAlpha]: ofRows((level) => level.oneMinusAlpha || 1),
    ...(isInSteps(model.family) && {
      [HEAD.nextOneMinusAlpha]: ofRows((level) => level.nextOneMinusAlpha ?? 0),
    }),
  };
  return {
    calls,
    called: active.map((i) => calls[i]),
    ...maskedInput(texts, length, doubled),
    ...(doubled && { noisyWidth: length }),
    head,
    rows: Int32Array.from(rows),
  };
}

/**
 * What a masked network reads of texts of one length: their noisy tokens, and in block diffusion the clean ones after these.
 * @returns int64 [texts, width]
 */
export function maskedInput(
  texts: readonly { tokens: Int32Array; x: Int32Array }[],
  length: number,
  doubled: boolean,
): { inputIds: BigInt64Array; width: number } {
  const width = doubled ? 2 * length : length;
  const inputIds = new BigInt64Array(texts.length * width);
  for (const [b, { tokens, x }] of texts.entries()) {
    for (let l = 0; l < length; l++) {
      inputIds[b * width + l] = BigInt(tokens[l]);
      if (doubled) inputIds[b * width + length + l] = BigInt(x[l]);
    }
  }
  return { inputIds, width };
}

/**
 * The rows that a head looks at as its inputs, the first ones repeated at the end (paddedRows in heads/head.ts).
 * @param rows [rows × 3]: text of the batch, position, and the token there
 */
export function rowFeeds(rows: readonly number[]): Feeds {
  const count = rows.length / 3;
  const padded = paddedRows(count);
  const where = new BigInt64Array(2 * padded);
  const targets = new BigInt64Array(padded);
  for (let r = 0; r < padded; r++) {
    const at = 3 * (r % count);
    where[2 * r] = BigInt(rows[at]);
    where[2 * r + 1] = BigInt(rows[at + 1]);
    targets[r] = BigInt(rows[at + 2]);
  }
  return {
    [HEAD.rows]: { type: 'int64', data: where, dims: [padded, 2] },
    [HEAD.targets]: { type: 'int64', data: targets, dims: [padded] },
  };
}

/**
 * Sums the head's output over each sequence, in order of position and in double precision.
 * @param loss the head's output: [called, width], or [rows] for masked families
 */
export function sequenceLosses(
  batch: PreparedBatch,
  loss: ArrayLike<number>,
  model: LossModel,
): SequenceLoss[] {
  const { calls, rows, width } = batch;
  const isText = (call: ModelCall, position: number) =>
    !model.wrapped || (position > 0 && position < call.x.length - 1);
  const called = new Set(batch.called);
  const sums = calls.map(
    (call): SequenceLoss => ({
      sequence: call.sequence,
      draw: call.draw,
      nats: 0,
      textNats: 0,
      calls: called.has(call) ? 1 : 0,
    }),
  );
  const add = (i: number, position: number, value: number) => {
    sums[i].nats += value;
    if (isText(calls[i], position)) sums[i].textNats += value;
  };
  if (rows) {
    const byToken = calls.map((call): number[] | null => (call.byToken ? [] : null));
    for (let r = 0; r < rows.length / 2; r++) {
      const [i, position] = [rows[2 * r], rows[2 * r + 1]];
      const weight = calls[i].blockLevels ? levelOfToken(calls[i], model, position).weight : 1;
      add(i, position, weight * loss[r]);
      byToken[rows[2 * r]]?.push(loss[r]);
    }
    for (const [i, losses] of byToken.entries()) if (losses) sums[i].byToken = Float32Array.from(losses);
  } else {
    const shift = model.family === 'ar' ? 1 : 0;
    for (const [i, { x, byToken, unknown }] of calls.entries()) {
      const scored = x.length - shift;
      const [from, to] = unknown ? [unknown.first, unknown.first + unknown.count] : [0, scored];
      for (let l = from; l < to; l++) add(i, l + shift, loss[i * width + l]);
      if (byToken) sums[i].byToken = Float32Array.from({ length: scored }, (_, l) => loss[i * width + l]);
    }
  }
  for (const [i, { level }] of calls.entries()) {
    if (!level) continue;
    sums[i].nats *= level.weight;
    sums[i].textNats *= level.weight;
  }
  return sums;
}
