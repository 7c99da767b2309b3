/**
 * Two ways of doing the same work, one after the other and in turns, so that what else the machine does falls on both.
 * A pair gives one ratio; a verdict is about their median. Before each leg what the one before left is cleared away: its
 * garbage (tens of megabytes of logits), and the runtime's threads, which look for more work for a while before they sleep.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');
const REST_MS = 100;

/**
 * @typedef {object} Leg
 * @property {() => Promise<unknown> | unknown} run what is timed
 * @property {() => Promise<unknown> | unknown} [before] what has to be ready, not timed
 * @property {() => Promise<unknown> | unknown} [after] what has to be put away, not timed
 */

/** @param {Leg} ours @param {Leg} bare @param {number} pairs @returns {Promise<number[]>} ours / bare, one a pair */
export async function interleavedRatios(ours, bare, pairs) {
  const ratios = [];
  await timed(bare);
  await timed(ours);
  for (let pair = 0; pair < pairs; pair++) {
    const oursFirst = pair % 2 === 0;
    const first = await timed(oursFirst ? ours : bare);
    const second = await timed(oursFirst ? bare : ours);
    ratios.push(oursFirst ? first / second : second / first);
  }
  return ratios;
}

/** @param {Leg} leg @returns {Promise<number>} ms */
export async function timed({ before, run, after }) {
  await before?.();
  collectGarbage();
  await sleep(REST_MS);
  const start = performance.now();
  await run();
  const ms = performance.now() - start;
  await after?.();
  return ms;
}

/** @param {readonly number[]} values not empty */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
