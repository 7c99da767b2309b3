/** The routes, each declared once: how it is answered, and what the OpenAPI description says of it. */
import type { z } from 'zod';
import { answerChat } from './chat.js';
import { answerCompletion, type CompletionAnswer } from './completions.js';
import { answerDenoising } from './denoising.js';
import { RequestFailure } from './failures.js';
import {
  chatRequest,
  checked,
  completionRequest,
  denoiseRequest,
  detokenizeRequest,
  likelihoodRequest,
  tokenizeRequest,
} from './requests.js';
import type { ServedModel } from './served-model.js';

/** What a route gives: JSON, text of some type, or events one after the other. */
export type RouteAnswer =
  | { json: object }
  | { text: string; type: string }
  | { events: (send: (event: object | string) => void) => Promise<void> };

export interface RouteCall {
  model: ServedModel;
  /** Parsed JSON of the body; undefined for GET. */
  body: unknown;
  /** What stands behind the route's path, where it takes something. */
  rest: string;
  signal: AbortSignal;
}

export interface Route {
  method: 'GET' | 'POST';
  path: string;
  /** Whether anything may follow the path. */
  open?: boolean;
  summary: string;
  request?: z.ZodType;
  /** Whether it takes a place, because it asks the network or takes long. */
  takesPlace?: boolean;
  /** Whether it answers without a token. */
  isPublic?: boolean;
  answer(call: RouteCall): Promise<RouteAnswer> | RouteAnswer;
}

/** @throws RequestFailure 404 for a model that is not served */
function checkModel({ name }: ServedModel, asked: string | null | undefined): void {
  if (asked === null || asked === undefined || asked === name) return;
  throw new RequestFailure(
    404,
    'model_not_found',
    `This server serves the model ${JSON.stringify(name)}, not ${JSON.stringify(asked.slice(0, 100))}. /v1/models lists it.`,
  );
}

const started = Math.floor(Date.now() / 1000);

function describedModel({ name, checkpoint, length, tail, tokenizer, sha256 }: ServedModel): object {
  return {
    id: name,
    object: 'model',
    created: started,
    owned_by: 'duo-eval',
    family: checkpoint.family,
    max_model_len: length,
    vocab_size: checkpoint.vocabSize,
    tail,
    bos_token_id: tokenizer.bosTokenId,
    eos_token_id: tokenizer.eosTokenId,
    mask_token_id: checkpoint.maskTokenId,
    sha256,
  };
}

/** As OpenAI streams: an object each, then the word that ends it. */
const streamed = ({ body, stream }: CompletionAnswer): RouteAnswer =>
  stream
    ? {
        events: async (send) => {
          await stream(send);
          send('[DONE]');
        },
      }
    : { json: body ?? {} };

const pieceOf = (model: ServedModel, id: number | null): string | null =>
  id === null ? null : model.piece(id);

export const modelRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/models',
    summary: 'The model that is served.',
    answer: ({ model }) => ({ json: { object: 'list', data: [describedModel(model)] } }),
  },
  {
    method: 'GET',
    path: '/v1/models/',
    open: true,
    summary: 'The same, by its name.',
    answer: ({ model, rest }) => {
      checkModel(model, rest);
      return { json: describedModel(model) };
    },
  },
  {
    method: 'POST',
    path: '/v1/completions',
    summary: 'Texts written after prompts; log-probabilities of prompts with "echo" and "logprobs".',
    request: completionRequest,
    takesPlace: true,
    answer: async ({ model, body, signal }) => {
      const request = checked(completionRequest, body);
      checkModel(model, request.model);
      return streamed(await answerCompletion(model, request, signal));
    },
  },
  {
    method: 'POST',
    path: '/v1/chat/completions',
    summary: 'The answer of a chat, by the template of the tokenizer, or written down as a dialogue.',
    request: chatRequest,
    takesPlace: true,
    answer: async ({ model, body, signal }) => {
      const request = checked(chatRequest, body);
      checkModel(model, request.model);
      return streamed(await answerChat(model, request, signal));
    },
  },
  {
    method: 'POST',
    path: '/v1/loglikelihood',
    summary: 'ln p of continuations given their contexts.',
    request: likelihoodRequest,
    takesPlace: true,
    answer: async ({ model, body, signal }) => {
      const request = checked(likelihoodRequest, body);
      const items = Array.isArray(request) ? request : request.items;
      if (!Array.isArray(request)) checkModel(model, request.model);
      const scores = await model.likelihoods(
        items.map(({ context, continuation, question }) => ({
          ...(context != null && { context }),
          continuation,
          ...(question != null && { question }),
        })),
        signal,
      );
      const data = scores.map(({ logLikelihood, isGreedy, error, method, calls, cut }, index) => ({
        ...{ index, loglikelihood: logLikelihood, is_greedy: isGreedy, error, method },
        ...{ model_calls: calls, truncated: cut },
      }));
      return { json: { object: 'list', model: model.name, tail: model.tail, data } };
    },
  },
  {
    method: 'POST',
    path: '/v1/denoise',
    summary: 'A text with gaps, filled: events tell what each step changes.',
    request: denoiseRequest,
    takesPlace: true,
    answer: async ({ model, body, signal }) => {
      const request = checked(denoiseRequest, body);
      checkModel(model, request.model);
      return { events: await answerDenoising(model, request, signal) };
    },
  },
  {
    method: 'POST',
    path: '/tokenize',
    summary: 'Token ids of a text.',
    request: tokenizeRequest,
    answer: async ({ model, body }) => {
      const request = checked(tokenizeRequest, body);
      checkModel(model, request.model);
      const { bosTokenId } = model.tokenizer;
      const ids = await model.encode(request.prompt);
      const tokens = request.add_special_tokens && bosTokenId !== null ? [bosTokenId, ...ids] : ids;
      return { json: { count: tokens.length, max_model_len: model.length, tokens } };
    },
  },
  {
    method: 'POST',
    path: '/detokenize',
    summary: 'The text of token ids.',
    request: detokenizeRequest,
    answer: ({ model, body }) => {
      const request = checked(detokenizeRequest, body);
      checkModel(model, request.model);
      model.checkIds(request.tokens, '"tokens"', true);
      return { json: { prompt: model.decode(request.tokens) } };
    },
  },
  {
    method: 'GET',
    path: '/tokenizer_info',
    summary: 'The tokenizer, as clients that encode with it expect to be told.',
    answer: ({ model }) => {
      const { tokenizer, length } = model;
      return {
        json: {
          tokenizer_class: 'duo-eval',
          bos_token: pieceOf(model, tokenizer.bosTokenId),
          eos_token: pieceOf(model, tokenizer.eosTokenId),
          pad_token: pieceOf(model, tokenizer.eosTokenId),
          bos_token_id: tokenizer.bosTokenId,
          eos_token_id: tokenizer.eosTokenId,
          vocab_size: tokenizer.vocabSize,
          model_max_length: length,
          sha256: tokenizer.sha256,
          chat_template: model.chatTemplate?.source ?? null,
        },
      };
    },
  },
];
