/** `convert SOURCE`: recognises the source, and writes it as a checkpoint with its card and tokenizer. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { DataError, ModelError, UsageError } from '../../errors.js';
import type { SmallFile } from '../../graph/write.js';
import type { Card } from '../card.js';
import { type SavedCheckpoint, saveNetwork } from '../save-checkpoint.js';
import type { Rounding, StorageType } from '../weights/storage-names.js';
import type { ImportedModel } from './imported-model.js';
import { llama2cModel, llama2cVocabulary } from './llama2c.js';
import { cardOfCheckpoint, onnxModel } from './onnx-checkpoint.js';
import type { ImportOverrides, PublishedFacts, PublishedModel } from './published-layout.js';
import { PUBLISHED_LAYOUTS } from './published-layouts.js';
import { readSafetensors, readShardedSafetensors } from './safetensors.js';
import { findSource, type Source } from './source.js';
import type { StoredTensors } from './stored-tensor.js';
import {
  type FoundTokenizer,
  fromCard,
  openTokenizer,
  tokenizerBeside,
  tokenizerCopy,
} from './tokenizer-copy.js';
import { readTorchArchive, type TorchCheckpoint } from './torch-archive.js';

export interface ImportRequest {
  /** A folder or a file. */
  source: string;
  out: string;
  dtype?: StorageType;
  /** How int8 and int4 round. */
  rounding?: Rounding;
  /** Bytes of a file of weights beside the model, from which on the next begins. */
  largestShard?: number;
  /** As given, relative to the working directory. */
  tokenizer?: string;
  /** Copy a given tokenizer beside the checkpoint instead of referring to its path. */
  copiesTokenizer?: boolean;
  /** Folder of the copy, beside the checkpoint; `<name>.tokenizer` by default. */
  tokenizerFolder?: string;
  overrides?: ImportOverrides;
  /** What is known of the published model beside its files. */
  known?: PublishedFacts | null;
  /** The source of the weights, for the card; the name of the source by default. */
  from?: string;
}

export interface ImportedCheckpoint extends SavedCheckpoint {
  card: Card;
  notices: string[];
}

/** @throws UsageError, ModelError, DataError (the tokenizer's), FileError */
export async function importCheckpoint(request: ImportRequest): Promise<ImportedCheckpoint> {
  const { out, dtype = 'float32' } = request;
  if (!/\.onnx$/i.test(out)) {
    throw new UsageError({
      code: 'not-onnx-name',
      message: `--out ${out} does not end with .onnx.`,
      hint: `Write --out ${out}.onnx: the card and the weights are named after it.`,
    });
  }
  const source = findSource(request.source);
  refuseItself(source, out);
  const named = request.tokenizer ?? tokenizerOfSource(source);
  const given = named === undefined ? null : await openTokenizer(named);
  const tokenizer = given ?? (await tokenizerBeside(source.path, binaryTokenizers(source)));
  const { card, notices, ...network } = await importedModel(source, tokenizer, request);
  checkTokenizer(tokenizer, card);
  const { path, files } = tokenizerOfCard(tokenizer, given !== null && !request.copiesTokenizer, request);
  const whole: Card = {
    ...card,
    ...paddingOf(tokenizer, card),
    ...(path !== undefined && { tokenizer: path }),
    ...(isDistilled(request) && { distilled: true }),
    note: `Converted from ${request.from ?? basename(request.source)}.`,
    ...(dtype !== 'float32' && { storedAs: dtype }),
  };
  const { rounding, largestShard } = request;
  const saved = await saveNetwork(
    out,
    { ...network, card: whole, dtype, rounding },
    { largestShard, beside: files },
  );
  return { ...saved, card: whole, notices };
}

async function importedModel(
  source: Source,
  tokenizer: FoundTokenizer | null,
  { overrides = {}, known = null, from, source: named }: ImportRequest,
): Promise<ImportedModel> {
  if (source.format === 'llama2c') return llama2cModel(source.path);
  if (source.format === 'onnx') return changedCard(onnxModel(source.path), overrides);
  const torch = source.format === 'torch' ? readTorchArchive(source.path) : null;
  const tensors = torch?.tensors ?? (await safetensorsOf(source));
  const published: PublishedModel = {
    where: source.path,
    name: from ?? named,
    tensors,
    config: torch?.isTraining ? trainingConfig(source, torch) : source.config,
    isTraining: torch?.isTraining ?? false,
    tokenizer: tokenizer?.known ?? null,
    overrides,
    known,
  };
  const layout = PUBLISHED_LAYOUTS.find((each) => each.recognises(published));
  if (!layout) throw unknownArchitecture(source, tensors);
  const model = layout.read(published);
  if (torch?.isTraining) {
    model.notices.push(
      torch.averaged
        ? 'The weights are the running average that the training kept (EMA), as the reference evaluates them.'
        : 'The training kept no running average of its weights: these are the last ones.',
    );
  }
  return model;
}

/** Flags for the card take the place of what the card of an ONNX checkpoint says. */
function changedCard(model: ImportedModel, { heads: _, ...changes }: ImportOverrides): ImportedModel {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...model, card: { ...model.card, ...Object.fromEntries(given) } };
}

/** The tokenizer path for the card, of the given tokenizer or of a copy of one that was found or converted; and the copy. */
function tokenizerOfCard(
  tokenizer: FoundTokenizer | null,
  staysWhereItIs: boolean,
  { out, tokenizerFolder }: ImportRequest,
): { path?: string; files: SmallFile[] } {
  if (!tokenizer) return { files: [] };
  if (staysWhereItIs && !tokenizer.converted) return { path: fromCard(tokenizer.path, out), files: [] };
  const { name, files } = tokenizerCopy(tokenizer, out, tokenizerFolder);
  return { path: name, files };
}

/** The tokenizer that the card of an ONNX checkpoint names. */
function tokenizerOfSource({ format, path }: Source): string | undefined {
  if (format !== 'onnx') return undefined;
  const { card, file } = cardOfCheckpoint(path);
  if (card.tokenizer === undefined || isAbsolute(card.tokenizer)) return card.tokenizer;
  return join(dirname(file?.card.tokenizer === undefined ? path : file.path), card.tokenizer);
}

/** @throws UsageError when the checkpoint would replace the one it is read from */
function refuseItself({ format, path }: Source, out: string): void {
  const same = (a: string, b: string) =>
    existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);
  if (format !== 'onnx' || !same(path, out)) return;
  throw new UsageError({
    code: 'out-is-source',
    message: `--out ${out} is the model that is converted.`,
    hint: 'Give --out another name.',
  });
}

/** The name that llama2.c's programs give to the tokenizer beside a model. */
function binaryTokenizers({ format, path }: Source): string[] {
  if (format !== 'llama2c') return [];
  return [`tok${llama2cVocabulary(path)}.bin`, 'tokenizer.bin'];
}

async function safetensorsOf({ format, path }: Source): Promise<StoredTensors> {
  return format === 'safetensors-index' ? readShardedSafetensors(path) : readSafetensors(path);
}

function unknownArchitecture({ path, config }: Source, tensors: StoredTensors): ModelError {
  const { model_type: type, architectures, auto_map: code } = config?.json ?? {};
  const kind = typeof type === 'string' ? type : Array.isArray(architectures) ? architectures[0] : null;
  const first = [...tensors.keys()].sort().slice(0, 3);
  const ownCode = code ? ' Its repository brings code of its own (auto_map), which is never run.' : '';
  return new ModelError({
    code: 'unknown-architecture',
    message:
      `${path} is of an architecture that is not known` +
      `${typeof kind === 'string' ? `, "${kind.slice(0, 40)}"` : ''}: its tensors are called ` +
      `${first.map((name) => `"${name.slice(0, 60)}"`).join(', ') || 'nothing'}${tensors.size > 3 ? ' …' : ''}.${ownCode}`,
    hint: `Known: ${KNOWN}. Others: export them to ONNX.`,
  });
}

const KNOWN = [...PUBLISHED_LAYOUTS.map(({ description }) => description), "llama2.c's files"].join(', ');

/** What a training run was configured with; it takes the place of a config.json beside the file. */
const trainingConfig = ({ path }: Source, { hyperparameters }: TorchCheckpoint): Source['config'] => ({
  path: `${path}, hyper_parameters`,
  json: (hyperparameters ?? {}) as Record<string, unknown>,
});

/** Rows of logits after those of the tokenizer's tokens, but for a mask there: published vocabularies are rounded up. */
function paddingOf(tokenizer: FoundTokenizer | null, card: Card): Pick<Card, 'textVocabSize'> {
  const { family, vocabSize, maskTokenId } = card;
  if (!tokenizer || family === undefined || vocabSize === undefined) return {};
  const { size } = tokenizer.known;
  const masks = maskTokenId !== undefined && maskTokenId >= size && maskTokenId < vocabSize ? 1 : 0;
  const cuts = family === 'ar' || family === 'mdlm' || family === 'bd3lm';
  return cuts && vocabSize - masks > size ? { textVocabSize: size } : {};
}

function checkTokenizer(tokenizer: FoundTokenizer | null, { vocabSize }: Card): void {
  if (!tokenizer || vocabSize === undefined || tokenizer.known.size <= vocabSize) return;
  throw new DataError({
    code: 'tokenizer-of-another-model',
    message: `The tokenizer ${tokenizer.path} has ${tokenizer.known.size} tokens, the model only ${vocabSize}.`,
    hint: 'Give the tokenizer that the model was trained with: --tokenizer.',
  });
}

const isDistilled = ({ source, from }: ImportRequest): boolean =>
  /distill|[-_/]dcd\b/i.test(from ?? basename(source));
