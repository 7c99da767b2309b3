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
    const others = usable(await list({ recursive: true })).slice(0, MOST_NAMED);
    throw new ModelError({
      code: 'onnx-not-found',
      message: `${repo} has no file ${file}.${others.length > 0 ? ` It has ${others.join(', ')}.` : ''}`,
      hint:
        others.length > 0
          ? `Name the one you mean, for example hf:${repo}/${others[0]}`
          : `Check the name: https://huggingface.co/${repo}/tree/main`,
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

/** Files for whole texts: not those for later tokens alone, nor encoders. */
const usable = (files: readonly HubFile[]): string[] =>
  files
    .map(({ path }) => path)
    .filter((path) => /\.onnx$/i.test(path) && !/encoder_model|with_past/.test(path))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));

/** Names of exporters for the whole model, the preferred first. */
const WHOLE = ['model', 'decoder_model_merged', 'decoder_model'];

/**
 * The ONNX file that a variant names, such as `q4` for onnx/model_q4.onnx; without a variant, the one in the exporter's full
 * precision. @returns the file, and a sentence about the choice   @throws ModelError `onnx-not-found`
 */
export function chosenOnnx(
  repo: string,
  files: readonly HubFile[],
  variant: string | undefined,
): { file: string; notice: string | null } {
  const paths = usable(files);
  const wanted = WHOLE.map((stem) => (variant === undefined ? stem : `${stem}_${variant}`));
  const file = wanted
    .map((stem) => paths.find((path) => basename(path).replace(/\.onnx$/i, '') === stem))
    .find((path) => path !== undefined);
  const shown = paths.slice(0, MOST_NAMED).join(', ');
  const more = paths.length > MOST_NAMED ? ` and ${paths.length - MOST_NAMED} more` : '';
  if (file === undefined) {
    throw new ModelError({
      code: 'onnx-not-found',
      message:
        variant === undefined
          ? `${repo} has no weights to convert, but ONNX files: ${shown}${more}.`
          : `${repo} has no ONNX file whose name ends with "_${variant}". ${paths.length > 0 ? `It has ${shown}${more}.` : 'It has no ONNX files.'}`,
      hint: paths.length > 0 ? `Name the one you mean, for example hf:${repo}/${paths[0]}` : undefined,
    });
  }
  const others = paths.filter((path) => path !== file);
  const choices = others.slice(0, MOST_NAMED).join(', ');
  const notice =
    variant === undefined
      ? `${repo} has no weights to convert: its ${file} is used.${others.length > 0 ? ` It also has ${choices}; hf:${repo}:q4 would take the one ending with _q4.` : ''}`
      : null;
  return { file, notice };
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
