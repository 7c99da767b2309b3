/**
 * Two facts of a masked network that only its answers show: whether a token sees later ones, and whether the row that is read for a
 * token is that token's.
 *
 * The second is asked of real text with some of its tokens masked: a trained network gives them more probability in their own rows
 * than in the neighbouring ones. Where the card leaves out a shift of the logits, or says one that there is none of, it is the
 * other way round. A network of random weights, or text of another kind than it was trained on, shows nothing.
 */
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { sureTokens } from '../../models/causality.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { isInBlocks, isMasked } from '../../models/family.js';
import { firstMasked } from './loss-batch.js';
import type { LossSessionOptions } from './loss-session.js';
import { PolicyNetwork, type Question } from './policy-network.js';

export interface RowsProbed {
  /** Whether a masked token's answer depends on a later token; null where it does not depend on an earlier one either. */
  seesLater: boolean | null;
  /** What the row before or after a token's own knows of it, where that is more; null: it is not, or this was not asked. */
  betterRow: { row: 'before' | 'after'; nats: number } | null;
}

/** Tokens of a text where the graph fixes no length, and the texts of the second question. */
const LENGTH = 64;
const TEXTS = 4;
/** Every so many tokens, one is masked. */
const MASK_EVERY = 4;
/** A neighbouring row is better if it is so by this many nats a token, and by this many standard errors. */
const [LEAST_NATS, LEAST_ERRORS] = [0.5, 5];

const PROSE =
  `The house at the end of the road had been empty for many years, and the people of the village said that nobody
would ever live in it again. In the spring a family came from the city. They opened the windows, painted the door, and planted
apple trees in the garden. After a few weeks the children knew every path in the forest, and the old man who sold bread in the
morning asked them what they had seen there. They told him about the river, the birds, and the small bridge that was made of
stone. He listened for a long time. Then he said that he had played on the same bridge when he was a boy, and that the water had
been much deeper in those days.`.replaceAll('\n', ' ');

/** @param tokenizer null: no text is known, and the second question is not asked   @returns null of a family without masks */
export async function probeRows(
  options: LossSessionOptions,
  tokenizer: Pick<Tokenizer, 'encode'> | null,
): Promise<RowsProbed | null> {
  const { checkpoint } = options;
  const { maskTokenId, signature, fields } = checkpoint;
  if (!isMasked(checkpoint.family) || isInBlocks(checkpoint.family) || maskTokenId === null) return null;
  const length = signature.fixedLength ?? Math.min(LENGTH, fields.length.value ?? LENGTH);
  if (length < MASK_EVERY) return null;
  const network = await PolicyNetwork.start(options, 'left-to-right');
  const ask = async (questions: readonly Question[]): Promise<number[][]> => {
    const answers: number[][] = [];
    const most = signature.fixedBatch ?? questions.length;
    for (let from = 0; from < questions.length; from += most) {
      const some = await network.ask(questions.slice(from, from + most), 'the probe of rows');
      answers.push(...some.map(({ logProbability }) => Array.from(logProbability)));
    }
    return answers;
  };
  try {
    const [plain, early, late] = (await ask(lookingTexts(checkpoint, length, maskTokenId))).map(
      ([one]) => one,
    );
    const ids =
      tokenizer?.encode(PROSE).filter((id) => id < checkpoint.vocabSize && id !== maskTokenId) ?? [];
    return {
      seesLater: moved(plain, early) ? moved(plain, late) : null,
      betterRow: ids.length < length ? null : await betterRow(checkpoint, cut(ids, length), ask),
    };
  } finally {
    await network.close();
  }
}

/** A text with a mask in the middle, the same with another token before it, and with another after it. */
function lookingTexts(checkpoint: Checkpoint, length: number, mask: number): Question[] {
  const ids = sureTokens(checkpoint);
  const word = (i: number) => (i % ids === mask ? (i + 1) % ids : i % ids);
  const middle = length >> 1;
  const tokens = Int32Array.from({ length }, (_, l) => (l === middle ? mask : word(1 + l * 7919)));
  const changed = (at: number) => {
    const other = tokens.slice();
    other[at] = word(tokens[at] + 1 + (ids >> 1));
    return other;
  };
  return [tokens, changed(middle - 1), changed(middle + 1)].map((text) => ({
    ...{ tokens: text, x: text, positions: [middle], targets: [word(3)], left: 1 },
  }));
}

const cut = (ids: readonly number[], length: number): Int32Array[] =>
  Array.from({ length: Math.min(TEXTS, Math.floor(ids.length / length)) }, (_, i) =>
    Int32Array.from(ids.slice(i * length, (i + 1) * length)),
  );

/** ln p of masked tokens in their own rows against that in the neighbouring rows, those that a wrong card would confuse. */
async function betterRow(
  checkpoint: Checkpoint,
  texts: readonly Int32Array[],
  ask: (questions: readonly Question[]) => Promise<number[][]>,
): Promise<RowsProbed['betterRow']> {
  const shifted = checkpoint.fields.shiftLogits.value === true;
  const neighbour = shifted ? 1 : -1;
  // checked by probeRows
  const mask = checkpoint.maskTokenId!;
  const first = firstMasked(checkpoint) + 1;
  const answers = await ask(
    texts.map((x) => {
      const masked = [...x.keys()].filter((l) => l >= first && l < x.length - 1 && l % MASK_EVERY === 2);
      const tokens = x.map((token, l) => (masked.includes(l) ? mask : token));
      const positions = masked.flatMap((l) => [l, l + neighbour]);
      return { tokens, x, positions, targets: masked.flatMap((l) => [x[l], x[l]]), left: masked.length };
    }),
  );
  const gains = answers.flatMap((found) =>
    Array.from({ length: found.length / 2 }, (_, i) => found[2 * i + 1] - found[2 * i]),
  );
  const nats = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  const squares = gains.reduce((sum, gain) => sum + (gain - nats) ** 2, 0);
  const error = Math.sqrt(squares / (gains.length * (gains.length - 1)));
  const isBetter = nats > LEAST_NATS && nats > LEAST_ERRORS * error;
  return isBetter ? { row: shifted ? 'after' : 'before', nats } : null;
}

/** By more than rounding. */
const moved = (a: number, b: number): boolean => Math.abs(a - b) > 1e-4 * Math.max(1, Math.abs(a));
