/**
 * ONNX files of the hub, as exporters publish them: `onnx/model.onnx` and its smaller variants, weights past 2 GB in separate
 * files, tokenizer and configuration at the root of the repository. This file chooses the files to fetch and writes the
 * missing card; hub-model.ts fetches.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { HubFile } from '../../datasets/hub/listing.js';
import { DataError, ModelError } from '../../errors.js';
import { externalLocations } from '../../graph/read.js';
import { writeFileAtomically } from '../../storage/atomic-file.js';
import { CACHE_ADVICE } from '../../storage/cache-entry.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import { parseStrictJson } from '../../strict-json.js';
import { type Card, cardPath } from '../card.js';
import type { HubModelName } from './hub-cache.js';

export type HubOnnxName = HubModelName & { file: string };

type List = (where: { folder?: string; recursive?: boolean }) => Promise<HubFile[]>;

const DESCRIBING = /^(config|tokenizer|tokenizer_config|special_tokens_map)\.json$/;
/** Sequence length of the published protocols. */
const USUAL_LENGTH = 1024;
/** How many files an error names. */
const MOST_NAMED = 12;

/** The files to fetch: the model, its weights, and those that describe it, in its folder or at the root.
 *  @throws ModelError `onnx-not-found`, DataError */
export async function onnxFiles({ repo, file }: HubOnnxName, list: List): Promise<HubFile[]> {
  const folder = dirname(file);
  const root = await list({});
  // A missing folder is not a failure of the hub: the error lists the files that exist.
  const beside = folder === '.' ? root : await list({ folder }).catch(none);
  const model = beside.find(({ path }) => path === file);
  if (!model) {
    const choices = onnxChoices(repo, await list({ recursive: true }));
    throw new ModelError({
      code: 'onnx-not-found',
      message: `${repo} has no file ${file}.${choices ? ` It has ${choices.files.join(', ')}.` : ''}`,
      hint: choices?.hint ?? `Check the name: https://huggingface.co/${repo}/tree/main`,
    });
  }
  const start = basename(file);
  const isIn = ({ path }: HubFile, where: string) => dirname(path) === where;
  const weights = beside.filter(
    (other) => isIn(other, folder) && /^[._]data(_\d+)?$/.test(afterStart(basename(other.path), start)),
  );
  const card = beside.filter(({ path }) => path === cardPath(file));
  const describing = new Map<string, HubFile>();
  for (const other of [
    ...root.filter((each) => isIn(each, '.')),
    ...beside.filter((each) => isIn(each, folder)),
  ])
    if (DESCRIBING.test(basename(other.path))) describing.set(basename(other.path), other);
  return [model, ...weights, ...card, ...describing.values()];
}

function none(error: unknown): HubFile[] {
  if (error instanceof DataError) return [];
  throw error;
}

const afterStart = (name: string, start: string): string =>
  name.startsWith(start) ? name.slice(start.length) : '';

/** An error that lists the ONNX files of a repository, to choose from; null if it has none. */
export function onnxChoices(
  repo: string,
  files: readonly HubFile[],
): (ModelError & { files: string[] }) | null {
  const found = files.filter(({ path }) => /\.onnx$/i.test(path) && !/encoder_model|with_past/.test(path));
  if (found.length === 0) return null;
  const names = found.map(({ path }) => path).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  const error = new ModelError({
    code: 'onnx-choices',
    message: `${repo} has no weights to convert, but ONNX files: ${names.slice(0, MOST_NAMED).join(', ')}${more}.`,
    hint: `Name the one you mean, for example hf:${repo}/${names[0]}`,
  });
  return Object.assign(error, { files: names.slice(0, MOST_NAMED) });
}

/**
 * Checks that all weights are present, and writes a card from config.json unless the repository has one.
 * @param from the source of the model, for the card   @throws ModelError `external-data`
 */
export async function completeOnnx({ repo, file }: HubOnnxName, folder: string, from: string): Promise<void> {
  const path = join(folder, basename(file));
  const missing = externalLocations(path).find(
    (location) => location !== basename(location) || !existsSync(join(folder, location)),
  );
  if (missing !== undefined) {
    throw new ModelError({
      code: 'external-data',
      message: `${repo}: the weights of ${file} should lie in "${missing}", which is not among the files beside it.`,
      hint: 'Download the repository yourself, and give --model the path of the file.',
    });
  }
  if (existsSync(cardPath(path))) return;
  const card = cardOfConfiguration(join(folder, 'config.json'));
  const text = `${JSON.stringify({ ...card, note: `Fetched from ${from}.` }, null, 2)}\n`;
  await writeFileAtomically(cardPath(path), text, CACHE_ADVICE);
}

/** What a configuration of transformers states: whether the model is a decoder, its positions, its boundary tokens. */
function cardOfConfiguration(path: string): Card {
  if (!existsSync(path)) return {};
  let config: Record<string, unknown>;
  try {
    config = (parseStrictJson(readSmallFile(path, MOST_BYTES.configuration)) ?? {}) as typeof config;
  } catch {
    return {}; // an unreadable configuration does not make the model unusable
  }
  const [architecture] = Array.isArray(config.architectures) ? config.architectures : [];
  const whole = (keys: readonly string[], least: number) =>
    keys
      .map((key) => config[key])
      .find((value): value is number => Number.isInteger(value) && Number(value) >= least);
  const length = whole(['n_positions', 'n_ctx', 'max_position_embeddings'], 2);
  return {
    family: /(ForCausalLM|LMHeadModel)$/.test(String(architecture)) ? 'ar' : undefined,
    // A larger number is the maximum that the model can read, not the usual length of an evaluation.
    length: length !== undefined && length <= USUAL_LENGTH ? length : undefined,
    bosTokenId: whole(['bos_token_id'], 0),
    eosTokenId: whole(['eos_token_id'], 0),
  };
}
