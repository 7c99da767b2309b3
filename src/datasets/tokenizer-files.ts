/**
 * The files of a tokenizer: tokenizer.json, which decides the ids, and beside it tokenizer_config.json and
 * special_tokens_map.json, which name the special tokens. This file reads them and resolves BOS and EOS; it does not encode.
 */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError, FileError } from '../errors.js';
import { fileFailure, systemCodeOf } from '../storage/file-failure.js';
import { MOST_BYTES, readSmallFile } from '../storage/small-file.js';
import { parseStrictJson } from '../strict-json.js';
import type { Part } from './tokenization/part.js';

export interface TokenizerFiles {
  /** The path of tokenizer.json. */
  path: string;
  bytes: Buffer;
  tokenizer: TokenizerJson;
  /** special_tokens_map.json, overridden by tokenizer_config.json; empty if there is neither. */
  config: Record<string, unknown>;
}

export interface AddedTokenJson {
  id: number;
  content: string;
  special?: boolean;
  normalized?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  single_word?: boolean;
}

export interface TokenizerJson {
  model: Record<string, unknown> & { type?: string };
  added_tokens?: AddedTokenJson[];
  normalizer?: Part | null;
  pre_tokenizer?: Part | null;
  decoder?: Part | null;
  post_processor?: Part | null;
}

/** @param path a folder or a tokenizer.json   @throws DataError, FileError */
export async function readTokenizerFiles(path: string): Promise<TokenizerFiles> {
  const file = await tokenizerJsonPath(path);
  const bytes = read(file);
  if (!bytes) throw noTokenizer(file);
  const tokenizer = parseObject(bytes, file);
  if (tokenizer.model === null || typeof tokenizer.model !== 'object') {
    throw new DataError({
      code: 'broken-tokenizer',
      message: `${file} is JSON but not a tokenizer: it has no "model".`,
      hint: 'Give the tokenizer.json that transformers saves, or the folder it lies in.',
    });
  }
  const folder = dirname(file);
  return {
    path: file,
    bytes,
    tokenizer: tokenizer as unknown as TokenizerJson,
    config: {
      ...readOptional(join(folder, 'special_tokens_map.json')),
      ...readOptional(join(folder, 'tokenizer_config.json')),
    },
  };
}

/** How a chat becomes text, as transformers does it: Jinja, from others. */
export interface ChatTemplate {
  source: string;
  /** The file that it stands in. */
  path: string;
  /** What a template writes for BOS and EOS; null: nothing names them. */
  bosToken: string | null;
  eosToken: string | null;
}

/**
 * chat_template.jinja beside tokenizer.json, else `chat_template` of tokenizer_config.json, of several the one called `default`.
 * @param path a folder or a tokenizer.json   @returns null where there is none   @throws DataError, FileError
 */
export async function readChatTemplate(path: string): Promise<ChatTemplate | null> {
  const folder = dirname(await tokenizerJsonPath(path));
  const configPath = join(folder, 'tokenizer_config.json');
  const config = readOptional(configPath);
  const own = join(folder, 'chat_template.jinja');
  const bytes = read(own, MOST_BYTES.chatTemplate);
  const { chat_template: named } = config;
  const several = Array.isArray(named) ? (named as { name?: unknown; template?: unknown }[]) : [];
  const ofConfig = Array.isArray(named)
    ? (several.find((one) => one?.name === 'default') ?? several[0])?.template
    : named;
  const source = bytes?.toString('utf8') ?? ofConfig;
  if (typeof source !== 'string') return null;
  return {
    ...{ source, path: bytes ? own : configPath },
    ...{ bosToken: tokenText(config.bos_token), eosToken: tokenText(config.eos_token) },
  };
}

/**
 * Ids of BOS and EOS from the configuration: `bos_token` and `eos_token`, then CLS and SEP, named by the configuration
 * or by their usual spelling. If the configuration has neither key, the tokenizer's family decides, as in transformers:
 * for GPT-2 both are `<|endoftext|>`. Null if there is none.
 */
export function specialTokenIds(
  config: Record<string, unknown>,
  idOf: (token: string) => number | undefined,
): { bosTokenId: number | null; eosTokenId: number | null } {
  const spokenOf = Object.hasOwn(config, 'bos_token') || Object.hasOwn(config, 'eos_token');
  const find = (key: string, fallbackKey: string, fallbackToken: string): number | null => {
    const named = tokenText(config[key]) ?? tokenText(config[fallbackKey]);
    const candidates = named !== null ? [named] : [fallbackToken, ...(spokenOf ? [] : [GPT2_BOUNDARY])];
    for (const candidate of candidates) {
      const id = idOf(candidate);
      if (id !== undefined) return id;
    }
    return null;
  };
  return {
    bosTokenId: find('bos_token', 'cls_token', '[CLS]'),
    eosTokenId: find('eos_token', 'sep_token', '[SEP]'),
  };
}

/** GPT-2's token for the beginning and end of a text. */
export const GPT2_BOUNDARY = '<|endoftext|>';

/** A special token in a configuration is a string, or an object with the string as `content`. */
function tokenText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : null;
}

async function tokenizerJsonPath(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? join(path, 'tokenizer.json') : path;
  } catch (cause) {
    throw unreadable(cause, path);
  }
}

function unreadable(cause: unknown, path: string): Error {
  return systemCodeOf(cause) === 'ENOENT' ? noTokenizer(path, cause) : fileFailure(cause, 'read', path);
}

function noTokenizer(path: string, cause?: unknown): DataError {
  return new DataError({
    code: 'no-such-tokenizer',
    message: `There is no tokenizer at ${path}.`,
    hint: 'Give --tokenizer a tokenizer.json, or a folder that has one (tokenizer.save_pretrained writes it).',
    cause,
  });
}

/** Null if there is no such file. @throws FileError */
function read(file: string, most: number = MOST_BYTES.tokenizer): Buffer | null {
  try {
    return readSmallFile(file, most);
  } catch (cause) {
    if (cause instanceof FileError && cause.code === 'no-such-file') return null;
    throw cause;
  }
}

function readOptional(file: string): Record<string, unknown> {
  const bytes = read(file);
  return bytes ? parseObject(bytes, file) : {};
}

function parseObject(bytes: Buffer, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (cause) {
    throw new DataError({
      code: 'broken-tokenizer',
      message: `${file} is not JSON: ${(cause as Error).message.replace(/\.$/, '')}.`,
      hint: 'Download it again; a Git LFS pointer or an HTML page in its place also does this.',
      cause,
    });
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new DataError({
    code: 'broken-tokenizer',
    message: `${file} is JSON but not an object.`,
    hint: 'Give the file that transformers saves.',
  });
}
