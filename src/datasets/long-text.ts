/**
 * Long texts in pieces whose ids, one after the other, are the ids of the whole: GPT-2's pattern never lets a word
 * run across a letter followed by a space and a letter, so the text may be cut before such a space.
 */

/** Characters a piece, about: large enough that the cuts cost nothing. */
const PIECE_LENGTH = 2 ** 18;
const CUT = /\p{L}(?= \p{L})/gu;

export function* splitLongText(text: string, pieceLength = PIECE_LENGTH): Generator<string> {
  let from = 0;
  while (text.length - from > pieceLength) {
    CUT.lastIndex = from + pieceLength;
    const found = CUT.exec(text);
    if (!found) break;
    const to = found.index + found[0].length;
    yield text.slice(from, to);
    from = to;
  }
  yield text.slice(from);
}
