/** The walk of an autoregressive model: every token is predicted at the position before it, and choices share their context. */
import { sum } from '../../statistics/numbers.js';
import type { Answers } from '../perplexity/policy-walk.js';
import type { LikelihoodItem } from './items.js';
import { type ContinuationScore, EXACT, type Question, sizeOf, type Walk } from './question-walks.js';
import type { TokenCall } from './token-session.js';

/** Keys and values that a question's calls may keep. */
export interface Prefixes {
  /** A number for what is kept. */
  next(): number;
  forget(id: number): void;
  /** The longest beginning that is kept, tokens. */
  most: number;
}

/**
 * Autoregressive: every token is predicted at the position before it. Choices after one context read it once, where that is fewer
 * tokens: a call reads the context and predicts the first token of each choice, others read the choices behind it.
 * @param prefixes null: the graph gives out no keys and values
 */
export function* chainRuleWalk(question: Question, prefixes: Prefixes | null): Walk<TokenCall, Answers> {
  const { items, label } = question;
  if (prefixes && isCheaperShared(items, prefixes)) return yield* sharedPrefixWalk(question, prefixes);
  const answers = yield items.map(({ tokens, first, count }): TokenCall => {
    const positions = Array.from({ length: count }, (_, i) => first + i - 1);
    return {
      ...{ tokens: tokens.subarray(0, -1), x: tokens, positions, label, left: 0 },
      targets: Array.from(tokens.subarray(first, first + count)),
    };
  });
  return answers.map(({ logProbability, best }, i) => chainRuleScore(items[i], logProbability, best));
}

const chainRuleScore = (
  item: LikelihoodItem,
  logProbability: ArrayLike<number>,
  best: ArrayLike<number> | undefined,
): ContinuationScore => ({
  ...EXACT,
  logLikelihood: sum(Array.from(logProbability)),
  isGreedy: isBest(logProbability, best),
  ...{ method: 'chain-rule', calls: 1, ...sizeOf(item) },
});

/** Small calls cost more a token than large ones: sharing must leave out at least this share of the tokens. */
const LEAST_SAVED = 0.2;

/** Whether all choices stand behind one context, and reading it once leaves out enough. */
function isCheaperShared(items: readonly LikelihoodItem[], { most }: Prefixes): boolean {
  const [{ tokens, first }] = items;
  if (first > most || items.length < 2) return false;
  const context = tokens.subarray(0, first);
  if (!items.every((item) => item.first === first && context.every((token, l) => item.tokens[l] === token)))
    return false;
  // Choices of one token are one call as they are.
  const rest = items.map(({ count }) => count - 1).filter((count) => count > 0);
  if (rest.length === 0) return false;
  const apart = rest.length * first + sum(rest) + (rest.length < items.length ? first : 0);
  return first + sum(rest) <= (1 - LEAST_SAVED) * apart;
}

function* sharedPrefixWalk({ items, label }: Question, prefixes: Prefixes): Walk<TokenCall, Answers> {
  const [{ tokens, first }] = items;
  const prefix = { id: prefixes.next(), length: first };
  const context = tokens.subarray(0, first);
  const longer = [...items.keys()].filter((i) => items[i].count > 1);
  try {
    const [ofFirst] = yield [
      {
        ...{
          tokens: context,
          x: context,
          positions: items.map(() => first - 1),
          label,
          left: 0,
          keep: prefix,
        },
        targets: items.map((item) => item.tokens[first]),
      },
    ];
    const answers = yield longer.map((i): TokenCall => {
      const own = items[i].tokens.subarray(first, first + items[i].count);
      const read = own.subarray(0, -1);
      return {
        ...{ tokens: read, x: read, positions: [...read.keys()], label, left: 0, past: prefix },
        targets: Array.from(own.subarray(1)),
      };
    });
    const rest = new Map(longer.map((i, j) => [i, answers[j]]));
    return items.map((item, i) => {
      const joined = (name: 'logProbability' | 'best') =>
        ofFirst[name] && [ofFirst[name][i], ...Array.from(rest.get(i)?.[name] ?? [])];
      return chainRuleScore(item, joined('logProbability') ?? [], joined('best'));
    });
  } finally {
    prefixes.forget(prefix.id);
  }
}

const isBest = (found: ArrayLike<number>, best: ArrayLike<number> | undefined): boolean | null =>
  best === undefined ? null : Array.from(found).every((value, i) => value >= best[i]);
