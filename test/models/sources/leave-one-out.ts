/**
 * ln p(x_l | z without z_l) of a chain in double precision, twice: by summing over every clean sequence, and by
 * messages. The graphs are held against both.
 */
import type { MarkovChain } from '../../../src/models/sources/markov.js';
import { allSequences } from './chains.js';

/** q(z | v) for each v, [K], at one position. */
export type Emission = (z: number) => Float64Array;

/** q(z|v) = α[v = z] + (1−α)/K for 1−α = oneMinusAlpha. */
export function uniformEmission(K: number, oneMinusAlpha: number): Emission {
  return (z) =>
    new Float64Array(K).fill(oneMinusAlpha / K).map((q, v) => (v === z ? q + 1 - oneMinusAlpha : q));
}

/** [v = z], or 1 where z is the mask, K. */
export function maskedEmission(K: number): Emission {
  return (z) => new Float64Array(K).map((_, v) => Number(z === K || z === v));
}

/** By Bayes over all K^L clean sequences, normalised, [L, K]. */
export function enumeratedLeaveOneOut(
  chain: MarkovChain,
  z: ArrayLike<number>,
  emission: Emission,
): Float64Array {
  const K = chain.vocabSize;
  const L = z.length;
  const q = Array.from(z, emission);
  const joint = new Float64Array(L * K);
  const all = allSequences(K, L);
  for (let at = 0; at < all.length; at += L) {
    let prior = chain.initial[all[at]];
    for (let l = 1; l < L; l++) prior *= chain.transition[all[at + l - 1] * K + all[at + l]];
    for (let left = 0; left < L; left++) {
      let weight = prior;
      for (let l = 0; l < L; l++) if (l !== left) weight *= q[l][all[at + l]];
      joint[left * K + all[at + left]] += weight;
    }
  }
  return logRows(joint, K);
}

/** By forward and backward messages, normalised, [L, K]. */
export function leaveOneOut(chain: MarkovChain, z: ArrayLike<number>, emission: Emission): Float64Array {
  const K = chain.vocabSize;
  const L = z.length;
  const q = Array.from(z, emission);
  const posterior = new Float64Array(L * K);
  let message = chain.initial.slice();
  for (let l = 0; l < L; l++) {
    posterior.set(message, l * K);
    const next = new Float64Array(K);
    for (let v = 0; v < K; v++) {
      for (let w = 0; w < K; w++) next[w] += message[v] * q[l][v] * chain.transition[v * K + w];
    }
    message = unit(next);
  }
  message.fill(1);
  for (let l = L - 1; l >= 0; l--) {
    const before = new Float64Array(K);
    for (let v = 0; v < K; v++) {
      posterior[l * K + v] *= message[v];
      for (let w = 0; w < K; w++) before[v] += chain.transition[v * K + w] * q[l][w] * message[w];
    }
    message = unit(before);
  }
  return logRows(posterior, K);
}

function unit(row: Float64Array): Float64Array<ArrayBuffer> {
  const sum = row.reduce((total, value) => total + value, 0);
  return row.map((value) => value / sum) as Float64Array<ArrayBuffer>;
}

function logRows(rows: Float64Array, K: number): Float64Array {
  for (let at = 0; at < rows.length; at += K) {
    const row = rows.subarray(at, at + K);
    row.set(unit(row).map(Math.log));
  }
  return rows;
}
