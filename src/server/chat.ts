/**
 * `/v1/chat/completions`: a chat becomes a prompt by the template that lies beside the tokenizer, as in transformers. A model without one has no
 * roles of its own, so its chats are written down as a dialogue.
 */
import { randomUUID } from 'node:crypto';
import type { ChatTemplate } from '../datasets/tokenizer-files.js';
import { Template } from '../evals/tasks/template.js';
import { isInBlocks, isMasked } from '../models/family.js';
import { type CompletionAnswer, factsOf, usageOf, type WritingPlan, writeTexts } from './completions.js';
import { RequestFailure } from './failures.js';
import type { ChatRequest } from './requests.js';
import type { ReadPrompt, ServedModel } from './served-model.js';
import { drawnSeed } from './writing.js';

/** Tokens of an answer where nothing says, and where the model's length leaves room. */
const DEFAULT_TOKENS = 64;

/**
 * Block of masked models, whose masks are else filled in any order: with blocks a text begins before it is whole, and is told block by
 * block.
 */
const BLOCK = 32;

/** @throws RequestFailure, UsageError, and what the network throws */
export async function answerChat(
  model: ServedModel,
  request: ChatRequest,
  signal: AbortSignal,
): Promise<CompletionAnswer> {
  const template = model.chatTemplate;
  const messages = request.messages.map((message) => ({ ...message, content: textOf(message.content) }));
  const ids = await model.encode(template ? renderedChat(template, messages) : dialogueOf(messages));
  model.checkIds(ids, 'The chat');
  const asked = request.max_completion_tokens ?? request.max_tokens;
  if (asked === 0) throw new RequestFailure(400, 'invalid-request', '"max_tokens" of a chat is at least 1.');
  const length = model.drawnLength;
  const count =
    asked ?? Math.max(1, Math.min(DEFAULT_TOKENS, (length ?? Number.POSITIVE_INFINITY) - ids.length - 1));
  let prompt = model.read(ids, count, length);
  const seed = request.seed ?? drawnSeed();
  const plan: WritingPlan = { request, prompts: [prompt], count, seed };
  if (isMasked(model.checkpoint.family) && !isInBlocks(model.checkpoint.family) && !request.sampler) {
    const end = Math.ceil((prompt.read.length + count) / BLOCK) * BLOCK;
    if (length !== null && end > length) prompt = cutTo(model, ids, count, length);
    const whole = Math.ceil((prompt.read.length + count) / BLOCK) * BLOCK;
    if (length === null || whole <= length) {
      plan.block = BLOCK;
      plan.request = { ...request, sampler_options: { block: BLOCK, ...request.sampler_options } };
    }
    plan.prompts = [prompt];
  }
  const identity = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: model.name,
  };
  const facts = { ...factsOf(model, plan.prompts, seed), chat_template: template !== null };
  if (request.stream) {
    return {
      body: null,
      stream: async (send) => {
        const chunk = (choices: object[], usage?: object) =>
          send({ ...identity, object: 'chat.completion.chunk', choices, ...(usage && { usage }) });
        for (let index = 0; index < (request.n ?? 1); index++)
          chunk([{ index, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
        const answers = await writeTexts(model, plan, signal, (index, content, finish) =>
          chunk([{ index, delta: content === '' ? {} : { content }, finish_reason: finish }]),
        );
        if (request.stream_options?.include_usage) chunk([], usageOf(plan.prompts, answers));
      },
    };
  }
  const answers = await writeTexts(model, plan, signal);
  const choices = answers.map(({ index, text, finish }) => ({
    index,
    message: { role: 'assistant', content: text, refusal: null },
    finish_reason: finish,
    logprobs: null,
  }));
  const usage = usageOf(plan.prompts, answers);
  return { body: { ...identity, object: 'chat.completion', choices, usage, duo_eval: facts }, stream: null };
}

/** The prompt with as much cut off that whole blocks fit. */
function cutTo(model: ServedModel, ids: number[], count: number, length: number): ReadPrompt {
  const blocks = Math.floor(length / BLOCK) * BLOCK;
  return blocks > count + 1 ? model.read(ids, count, blocks) : model.read(ids, count, length);
}

/** A message whose content is one text. */
interface Message {
  role: string;
  content: string;
}

const textOf = (content: ChatRequest['messages'][number]['content']): string =>
  Array.isArray(content) ? content.map((part) => part.text).join('') : (content ?? '');

/** @throws UsageError for a template that cannot be rendered, or that refuses these messages */
function renderedChat(
  { source, path, bosToken, eosToken }: ChatTemplate,
  messages: readonly Message[],
): string {
  const template = new Template(source, `The chat template of ${path}`, 'chat');
  return template.text({
    ...{ messages, add_generation_prompt: true },
    ...{ bos_token: bosToken ?? '', eos_token: eosToken ?? '' },
  });
}

/** `User: …`, `Assistant: …`, and the word that the model goes on after. */
function dialogueOf(messages: readonly Message[]): string {
  const lines = messages.map(
    ({ role, content }) => `${role.charAt(0).toUpperCase()}${role.slice(1)}: ${content}\n`,
  );
  return `${lines.join('')}Assistant:`;
}
