/**
 * Which targets of a re-tokenized text are scored, as in the reference code of The Diffusion Duality: consecutive windows of
 * the judge's context, each scored on its own; in a window, the targets from position 1 on, without the EOS tokens that
 * follow its first EOS.
 */

/** Windows of at most `context` tokens, views of the ids. A last window of one token has no target and is omitted. */
export function judgeWindows(ids: Int32Array, context: number): Int32Array[] {
  const windows: Int32Array[] = [];
  for (let start = 0; start + 1 < ids.length; start += context)
    if (ids.length - start > 1) windows.push(ids.subarray(start, start + context));
  return windows;
}

/**
 * Whether the target at position l ≥ 1 counts: any token but EOS, and the window's first EOS. An EOS at position 0 is
 * the first, although it is not a target.
 * @param eosTokenId the judge's; null: every target counts   @returns [length − 1], for the positions from 1 on
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
