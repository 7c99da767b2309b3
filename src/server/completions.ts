/** `/v1/completions`: texts written after prompts, and log-probabilities of what is there. */
import { randomUUID } from 'node:crypto';
import { RequestFailure } from './failures.js';
import { type CompletionRequest, MOST_TEXTS, readPrompts } from './requests.js';
import type { ReadPrompt, ServedModel, TokenScore } from './served-model.js';
import { type Canvas, canvasOf, drawnSeed, drawSetting, GrowingText } from './writing.js';

/** OpenAI's default. */
const DEFAULT_TOKENS = 16;

/** A text to be written. */
interface Choice {
  index: number;
  prompt: ReadPrompt;
  /** Number of the text among those of its seed. */
  sample: number;
}

export interface Answer {
  index: number;
  text: string;
  finish: 'stop' | 'length';
  /** Tokens of the completion. */
  tokens: readonly number[];
  calls: number;
}

/** What all routes that write texts share. */
export type WritingRequest = Pick<
  CompletionRequest,
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'seed'
  | 'steps'
  | 'sampler'
  | 'sampler_options'
  | 'n'
  | 'stop'
  | 'ignore_eos'
>;

export interface WritingPlan {
  request: WritingRequest;
  prompts: readonly ReadPrompt[];
  count: number;
  seed: number;
  after?: readonly number[];
  /** Rounds the end of a text up to whole blocks. */
  block?: number;
}

/** What is told while texts are written: what is new of one of them, and why it is over. */
export type Tell = (index: number, text: string, finish: 'stop' | 'length' | null) => void;

/** Writes all texts of a request; each is told as it comes, and returned. @throws UsageError, and what the network throws */
export async function writeTexts(
  model: ServedModel,
  plan: WritingPlan,
  signal: AbortSignal,
  tell?: Tell,
): Promise<Answer[]> {
  const { request, prompts } = plan;
  const n = request.n ?? 1;
  if (prompts.length * n > MOST_TEXTS)
    throw new RequestFailure(
      400,
      'invalid-request',
      `${prompts.length} prompts with "n": ${n} are more than ${MOST_TEXTS} texts.`,
    );
  const choices = prompts.flatMap((prompt, p) =>
    Array.from({ length: n }, (_, i): Choice => ({ index: p * n + i, prompt, sample: p * n + i })),
  );
  return Promise.all(choices.map((choice) => writeText(model, plan, choice, signal, tell)));
}

async function writeText(
  model: ServedModel,
  { request, count, seed, after, block }: WritingPlan,
  { index, prompt, sample }: Choice,
  signal: AbortSignal,
  tell?: Tell,
): Promise<Answer> {
  const stop = typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []);
  const eosTokenId = request.ignore_eos ? null : model.tokenizer.eosTokenId;
  const growing = new GrowingText(model, prompt.read, { stop, eosTokenId });
  const finished = (calls: number): Answer => {
    const { text, finish, tokens } = growing;
    return { index, text, finish: finish ?? 'length', tokens, calls };
  };
  const canvas = canvasOf(model, prompt.read, count, { after, block });
  const setting = await drawSetting(model, request, {
    ...{ count, length: canvas.tokens.length },
    stopsAtEos: eosTokenId !== null,
  });
  // What is settled early can end a text early.
  const ended = new AbortController();
  const leave = () => ended.abort(signal.reason);
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave, { once: true });
  try {
    const told = tell !== undefined || stop.length > 0;
    const drawn = await model.draws.draw({
      setting,
      row: { seed, sample, tokens: canvas.tokens, fixed: canvas.fixed, told },
      signal: ended.signal,
      told: (_, tokens, settled) => {
        const fresh = growing.take(answerOf(tokens, canvas, settled), settled >= canvas.start + canvas.count);
        if (fresh !== '' || growing.finish !== null) tell?.(index, fresh, growing.finish);
        if (growing.finish === 'stop') ended.abort(EARLY);
      },
    });
    const rest = growing.finish === null ? growing.take(answerOf(drawn.tokens, canvas), true) : null;
    if (rest !== null) tell?.(index, rest, growing.finish);
    return finished(drawn.calls);
  } catch (error) {
    if (error === EARLY) return finished(0);
    throw error;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

const EARLY = new Error('the text is over before all of its tokens are drawn');

const answerOf = (tokens: Int32Array, { start, count }: Canvas, settled = tokens.length): Int32Array =>
  tokens.subarray(start, Math.max(start, Math.min(start + count, settled)));

/** The body of an answer, or what streams one. */
export interface CompletionAnswer {
  body: object | null;
  stream: ((send: (chunk: object) => void) => Promise<void>) | null;
}

/** @throws RequestFailure, UsageError, and what the network throws */
export async function answerCompletion(
  model: ServedModel,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<CompletionAnswer> {
  const count = request.max_tokens ?? DEFAULT_TOKENS;
  const { logprobs = null, echo = false } = request;
  const wanted = logprobs !== null;
  if (wanted) model.checkChainRule();
  const after = request.suffix ? await model.encode(request.suffix) : [];
  const sent = readPrompts(request.prompt);
  const prompts: ReadPrompt[] = [];
  for (const [i, one] of sent.entries()) {
    const where = sent.length > 1 ? `Prompt ${i}` : 'The prompt';
    const ids = typeof one === 'string' ? await model.encode(one) : one;
    model.checkIds(ids, where);
    // What lm-evaluation-harness asks for is the prompt's own tokens; the further one is about the end of the text.
    const scoredAlone = wanted && count <= 1 && after.length === 0;
    prompts.push(
      scoredAlone ? model.readWhole(ids) : model.read(ids, count + after.length, model.drawnLength),
    );
    if (prompts[i].read.length === 0)
      throw new RequestFailure(
        400,
        'empty-prompt',
        `${where} is empty, and nothing names a BOS that a text of ${model.name} begins with.`,
      );
  }
  const n = request.n ?? 1;
  const seed = request.seed ?? drawnSeed();
  const identity = { id: `cmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: model.name };
  const plan: WritingPlan = { request, prompts, count, seed, after };
  const promptTexts = echo
    ? sent.map((one, p) => (typeof one === 'string' ? one : model.decode(prompts[p].ids)))
    : [];
  const textBefore = (index: number) => promptTexts[Math.floor(index / n)] ?? '';
  const facts = factsOf(model, prompts, seed);
  const logprobsOfWritten = (answer: Answer) =>
    wanted
      ? writtenLogprobs(
          model,
          prompts[Math.floor(answer.index / n)],
          answer,
          { echoed: echo === true, top: logprobs },
          signal,
        )
      : null;
  const body = (choices: object[], usage?: object) => ({
    ...{ ...identity, object: 'text_completion', choices },
    ...(usage && { usage }),
  });

  // What the scores of a prompt answer by themselves, without a sampler: nothing is written, or the likeliest token.
  const oneGreedy =
    count === 1 && request.temperature === 0 && after.length === 0 && !request.sampler && !request.stop;
  if (wanted && (count === 0 || oneGreedy)) {
    const scored = async () => {
      const choices = await Promise.all(
        prompts.map(async (prompt, p) => {
          const { tokens, next } = await model.score(prompt, { next: count === 1, signal });
          const [best] = next?.top ?? [];
          const added = best ? [best.token] : [];
          const isOver =
            best !== undefined && !request.ignore_eos && best.token === model.tokenizer.eosTokenId;
          const scores = [...(echo ? tokens : []), ...(next ? [next] : [])];
          const ids = [...(echo ? prompt.ids : []), ...added];
          return Array.from({ length: n }, (_, i) => ({
            index: p * n + i,
            text: textBefore(p * n) + (isOver ? '' : model.decode(added)),
            finish_reason: isOver ? 'stop' : 'length',
            logprobs: logprobsOf(model, ids, scores, logprobs),
          }));
        }),
      );
      return choices.flat();
    };
    const usage = usageOf(
      prompts,
      prompts.map(() => ({ tokens: Array(count).fill(0) })),
    );
    if (!request.stream) return { body: { ...body(await scored(), usage), duo_eval: facts }, stream: null };
    return {
      body: null,
      stream: async (send) => {
        for (const choice of await scored()) send(body([choice]));
        if (request.stream_options?.include_usage) send(body([], usage));
      },
    };
  }

  if (request.stream) {
    return {
      body: null,
      stream: async (send) => {
        const tell = (index: number, text: string, finish: string | null, scores: object | null = null) =>
          send(body([{ index, text, logprobs: scores, finish_reason: finish }]));
        if (echo) for (let i = 0; i < prompts.length * n; i++) tell(i, textBefore(i), null);
        // Tokens come in any order, and the chain rule needs all before one: its values follow the text, in its last chunk.
        const answers = await writeTexts(model, plan, signal, (index, text, finish) =>
          tell(index, text, wanted ? null : finish),
        );
        if (wanted)
          await Promise.all(
            answers.map(async (answer) =>
              tell(answer.index, '', answer.finish, await logprobsOfWritten(answer)),
            ),
          );
        if (request.stream_options?.include_usage) send(body([], usageOf(prompts, answers)));
      },
    };
  }
  const answers: Answer[] =
    count === 0
      ? Array.from({ length: prompts.length * n }, (_, index) => ({
          ...{ index, text: '', finish: 'length', tokens: [], calls: 0 },
        }))
      : await writeTexts(model, plan, signal);
  const choices = await Promise.all(
    answers.map(async (answer) => ({
      index: answer.index,
      text: textBefore(answer.index) + answer.text,
      finish_reason: answer.finish,
      logprobs: await logprobsOfWritten(answer),
    })),
  );
  return { body: { ...body(choices, usageOf(prompts, answers)), duo_eval: facts }, stream: null };
}

/** What an answer says of how it came about. */
export function factsOf(model: ServedModel, prompts: readonly ReadPrompt[], seed: number | null): object {
  const cut = prompts.map((prompt) => prompt.cut);
  return {
    family: model.checkpoint.family,
    tail: model.tail,
    bos_added: prompts.map(({ withBos }) => withBos),
    truncated: cut,
    ...(cut.some((count) => count > 0) && {
      note: `Prompts longer than ${model.name} reads were cut at their beginning; log-probabilities of what was cut are null.`,
    }),
    ...(seed !== null && { seed }),
  };
}

export function usageOf(
  prompts: readonly ReadPrompt[],
  answers: readonly { tokens: readonly number[] }[],
): object {
  const prompt = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
  const completion = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** Of a text that was written: the chain rule over prompt and completion together. */
async function writtenLogprobs(
  model: ServedModel,
  prompt: ReadPrompt,
  { tokens }: Answer,
  { echoed, top }: { echoed: boolean; top: number },
  signal: AbortSignal,
): Promise<object> {
  const ids = [...prompt.ids, ...tokens];
  const from = echoed ? 0 : prompt.ids.length;
  const scored = await model.score(model.readWhole(ids), { from, next: false, signal });
  return logprobsOf(model, ids.slice(from), scored.tokens.slice(from), top);
}

/** As OpenAI's completions have them. */
function logprobsOf(
  model: ServedModel,
  ids: readonly number[],
  scores: readonly TokenScore[],
  most: number,
): object {
  const pieces = ids.map((id) => model.piece(id));
  let offset = 0;
  return {
    tokens: pieces,
    token_logprobs: scores.map(({ logProbability }) => logProbability),
    top_logprobs:
      most === 0
        ? null
        : scores.map(({ logProbability, top }, i) =>
            logProbability === null
              ? null
              : topOf(model, top.slice(0, most), { token: ids[i], logProbability }),
          ),
    text_offset: pieces.map((piece) => {
      const at = offset;
      offset += piece.length;
      return at;
    }),
  };
}

/** By the token's text; of several tokens with one text (broken characters), the others go by their ids. */
function topOf(
  model: ServedModel,
  top: TokenScore['top'],
  own: TokenScore['top'][number],
): Record<string, number> {
  const entries = top.some(({ token }) => token === own.token) ? top : [...top, own];
  const named = new Map<string, number>();
  for (const { token, logProbability } of entries) {
    const piece = model.piece(token);
    named.set(named.has(piece) ? `token_id:${token}` : piece, logProbability);
  }
  return Object.fromEntries(named);
}
