/** Splitting a text at the matches of a pattern, and what becomes of the matches. */
import { type Pattern, type Segment, segments } from './patterns.js';

export const BEHAVIORS = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** The pieces, none empty. @param invert takes matches for what lies between them, and the other way round */
export function* split(
  text: string,
  pattern: Pattern,
  behavior: Behavior,
  invert = false,
): Generator<string> {
  let held: Segment | null = null; // may still grow
  let before = false; // whether the segment before is a match
  for (const { start, end, isMatch: matched } of segments(text, pattern)) {
    const segment: Segment = { start, end, isMatch: matched !== invert };
    const { isMatch } = segment;
    if (behavior === 'Removed' && isMatch) continue;
    if (held && joins(behavior, held, segment, before)) held.end = end;
    else {
      if (held && held.end > held.start) yield text.slice(held.start, held.end);
      held = segment;
    }
    before = isMatch;
  }
  if (held && held.end > held.start) yield text.slice(held.start, held.end);
}

/** Whether `segment` goes with what is held, whose last part was a match or not (`before`). */
function joins(behavior: Behavior, held: Segment, { isMatch }: Segment, before: boolean): boolean {
  if (behavior === 'Contiguous') return isMatch === before;
  if (behavior === 'MergedWithPrevious') return isMatch && !before;
  // A match goes with what follows, unless that is a match as well.
  if (behavior === 'MergedWithNext') return held.isMatch && before && !isMatch;
  return false;
}
