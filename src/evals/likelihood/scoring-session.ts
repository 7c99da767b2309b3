/**
 * ln p of continuations from a checkpoint that stays open: what a server keeps between requests, and what an evaluation asks for all of
 * its items. `openScoring` starts the network, `scoreContinuations` may be called many times, also while an earlier call is
 * under way, and `close` stops the network.
 *
 *     const session = await openScoring({ checkpoint, provider: 'cpu', tokenizer, tail: 'none' });
 *     const [score] = await scoreContinuations(session, [{ context: 'The cat', continuation: ' sat' }]);
 *     score.logLikelihood; score.isGreedy; score.error; score.method; score.calls;
 *     await session.close();
 *
 * Requests of one `question` are its choices: they share model calls, and where something is drawn, masks, times and noise. No
 * figure depends on the batch, on the order of requests, or on what other questions are asked; choices that share the keys and values of
 * their context have, within rounding, the figures that they have alone.
 */
import { createHash } from 'node:crypto';
import { ModelError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { isMixed, isUniformState } from '../../models/family.js';
import { exactLikelihood } from '../perplexity/exact-likelihood.js';
import { type LikelihoodItem, type LikelihoodPrompt, type Reading, readItems } from './items.js';
import type { ContinuationScore, Question, WalkSettings } from './question-walks.js';
import type { ScoringSession, ScoringSettings } from './scored-questions.js';
import { TokenScoring } from './token-scoring.js';
import { UniformScoring } from './uniform-scoring.js';

/** A continuation to score: texts or token ids, as `duo-eval likelihood` takes them. */
export interface ScoreRequest extends LikelihoodPrompt {
  /** Requests of one number are the choices of one question, with common noise. By default those of one context are. */
  question?: number;
  /** What names it in errors. By default its index: `Item 3`. */
  label?: string;
}

const DEFAULT_DRAWS = 128;

/** @throws ModelError for a family without such likelihoods, or an ar model that looks ahead; as the network's start */
export async function openScoring(settings: ScoringSettings): Promise<ScoringSession> {
  const { reading, walks } = settled(settings);
  if (scoresAllTokens(settings.checkpoint)) return UniformScoring.start(settings, reading, walks);
  return TokenScoring.start(settings, reading, walks);
}

/** A session that counts the calls that it would make, at most where `until` could end them sooner, and answers nothing of use. */
export function planScoring(settings: ScoringSettings): ScoringSession {
  const { reading, walks } = settled({ ...settings, until: null });
  if (scoresAllTokens(settings.checkpoint)) return UniformScoring.plan(settings, reading, walks);
  return TokenScoring.plan(settings, reading, walks);
}

/** Models whose tokens do not become known one by one: their bound is drawn. */
const scoresAllTokens = ({ family }: Checkpoint): boolean => isUniformState(family) || isMixed(family);

function settled(settings: ScoringSettings): { reading: Reading; walks: WalkSettings } {
  const { checkpoint, tokenizer, tail = 'none', bos, tooLong } = settings;
  const reading: Reading = {
    checkpoint,
    tokenizer: tokenizer ?? noTokenizer(checkpoint),
    tail,
    bos,
    tooLong,
  };
  const walks: WalkSettings = {
    method: settings.method ?? 'policy',
    likelihood: settings.likelihood ?? exactLikelihood({ policy: 'left-to-right' }),
    draws: settings.draws ?? DEFAULT_DRAWS,
    until: settings.until ?? null,
    seed: settings.seed ?? 1,
  };
  return { reading, walks };
}

/**
 * ln p of each continuation given its context and tail, in the order of the requests.
 * @throws DataError for a request that cannot be scored, which it names; UsageError, NumericalError; the reason of `signal`
 */
export async function scoreContinuations(
  session: ScoringSession,
  requests: readonly ScoreRequest[],
  { signal, onQuestion }: ScoreListening = {},
): Promise<ContinuationScore[]> {
  const { questions, places } = await questionsOf(session, requests);
  const requestsOf = questions.map(() => [] as number[]);
  for (const [i, { question }] of places.entries()) requestsOf[question].push(i);
  const found = await session.score(questions, {
    signal,
    onQuestion: (question, scores) => onQuestion?.(requestsOf[question], scores),
  });
  return places.map(({ question, choice }) => found[question][choice]);
}

interface ScoreListening {
  signal?: AbortSignal;
  /** Receives the scores of each question as it is finished: which requests were its choices, and their scores. */
  onQuestion?: (requests: readonly number[], scores: readonly ContinuationScore[]) => void;
}

/** Where the score of a request is found. */
interface PlaceOfRequest {
  question: number;
  choice: number;
}

async function questionsOf(
  { reading }: ScoringSession,
  requests: readonly ScoreRequest[],
): Promise<{ questions: Question[]; places: PlaceOfRequest[] }> {
  const labels = requests.map(({ label }, i) => label ?? `Item ${i}`);
  const items = await readItems(
    requests.map((prompt, i) => ({ prompt, where: labels[i] })),
    reading,
  );
  const byKey = new Map<string, number>();
  const questions: (Question & { items: LikelihoodItem[] })[] = [];
  const places = items.map((item, i): PlaceOfRequest => {
    const address = requests[i].question ?? addressOf(item);
    const key = `${requests[i].question === undefined} ${address}`;
    const question = byKey.get(key) ?? questions.push({ items: [], address, label: labels[i] }) - 1;
    byKey.set(key, question);
    const { items: choices } = questions[question];
    return { question, choice: choices.push(item) - 1 };
  });
  return { questions, places };
}

/** An address of random numbers that a context alone decides: 48 bits. */
function addressOf({ tokens, first }: LikelihoodItem): number {
  const hash = createHash('sha256').update(tokens.subarray(0, first)).digest();
  return hash.readUIntLE(0, 6);
}

const noTokenizer =
  ({ name }: Checkpoint): Reading['tokenizer'] =>
  () => {
    throw new ModelError({
      code: 'no-tokenizer',
      message: `Nothing says which tokenizer ${name} was trained with, and a request holds text.`,
      hint: 'Give --tokenizer (a folder or a tokenizer.json), or "tokenizer" in its card.',
    });
  };
