/**
 * What of a re-tokenized text is scored, as the reference code of The Diffusion Duality does it: windows of the judge's context, one
 * after the other and each for itself; in a window the targets from position 1 on, without those EOS tokens that
 * follow an earlier one.
 */

/** Windows of at most `context` tokens, views of the ids. A last one of a single token has no target and is left out. */
export function judgeWindows(ids: Int32Array, context: number): Int32Array[] {
  const windows: Int32Array[] = [];
  for (let start = 0; start + 1 < ids.length; start += context)
    if (ids.length - start > 1) windows.push(ids.subarray(start, start + context));
  return windows;
}

/**
 * Whether the target at position l ≥ 1 counts: any token but EOS, and the window's first EOS. An EOS at position 0 is
 * the first, although it is no target itself.
 * @param eosTokenId the judge's; null: everything counts   @returns [length − 1], of the positions from 1 on
 */
export function countedTargets(window: ArrayLike<number>, eosTokenId: number | null): boolean[] {
  let ended = window[0] === eosTokenId;
  const counted: boolean[] = [];
  for (let l = 1; l < window.length; l++) {
    const isEos = window[l] === eosTokenId;
    counted.push(!isEos || !ended);
    ended ||= isEos;
  }
  return counted;
}
