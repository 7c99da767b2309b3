/**
 * `hf:owner/name`: a model of the Hugging Face hub, fetched and converted once into the cache; followed by the path of an ONNX
 * file, that file unchanged (hub-onnx.ts). The first use records the commit and the SHA-256 of every file; later uses contact
 * no server, so figures keep referring to the same weights. The fetched files themselves are not kept.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { downloadFile } from '../../datasets/hub/download.js';
import { type HubFile, hubCommit, hubModelFiles } from '../../datasets/hub/listing.js';
import type { HubConnection } from '../../datasets/hub/request.js';
import { DataError, DuoEvalError, ModelError } from '../../errors.js';
import { writeFileAtomically } from '../../storage/atomic-file.js';
import { CACHE_ADVICE, cacheEntryPath } from '../../storage/cache-entry.js';
import { sha256OfFile } from '../../storage/digest.js';
import { cacheFolder } from '../../storage/folders.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import { acquireInTurn } from '../../storage/waiting.js';
import {
  type HubModelName,
  type HubModelRecord,
  isOnnxFile,
  MODELS_ROOM,
  modelEntry,
  modelOf,
  recordAt,
} from './hub-cache.js';
import { chosenOnnx, completeOnnx, type HubOnnxName, onnxFiles } from './hub-onnx.js';
import { publishedFacts } from './published-models.js';
import { publishedTokenizer } from './special-tokens.js';

export interface HubModel {
  /** The converted model in the cache. */
  path: string;
  record: HubModelRecord;
  /** True if nothing had to be fetched. */
  wasThere: boolean;
  notices: string[];
}

export interface HubModelOptions {
  connection: HubConnection;
  /** Called once, when the size of the transfer is known; `onProgress` then gets the bytes so far and in all. */
  onStart?: (what: { repo: string; revision: string; bytes: number; converts: boolean }) => void;
  onProgress?: (done: number, total: number) => void;
  cacheFolder?: string;
}

/** Files that describe a model; the weights come in addition. */
const DESCRIBING = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];
/** Repositories of the tokenizers with which the reference's models were trained. */
const TOKENIZERS: Readonly<Record<string, string>> = {
  gpt2: 'openai-community/gpt2',
  'bert-base-uncased': 'google-bert/bert-base-uncased',
};

/** @throws DataError (the hub's), ModelError, FileError, InterruptedError */
export async function hubModel(name: HubModelName, options: HubModelOptions): Promise<HubModel> {
  const { folder, path } = modelEntry(name, options.cacheFolder);
  const known = recordAt(folder);
  if (known) return { path: modelOf(folder, known).path, record: known, wasThere: true, notices: [] };
  const lock = await acquireInTurn(folder, `The fetch of hf:${name.repo}`);
  const unchanged = async (file: string, notice: string | null): Promise<HubModel> => {
    const record = await fetchOnnx({ ...name, file }, folder, options);
    await keepRecord(folder, record);
    const notices = notice === null ? [] : [notice];
    return { path: modelOf(folder, record).path, record, wasThere: false, notices };
  };
  try {
    const made = recordAt(folder); // by the process that held the lock before
    if (made) return { path: modelOf(folder, made).path, record: made, wasThere: true, notices: [] };
    if (name.file !== undefined && isOnnxFile(name)) return await unchanged(name.file, null);
    if (name.variant !== undefined) {
      const { file, notice } = await exportedFile(name, options);
      return await unchanged(file, notice);
    }
    const { importCheckpoint } = await import('./import-checkpoint.js');
    let fetched: FetchedModel;
    try {
      fetched = await fetchModel(name, folder, options);
    } catch (error) {
      if (!(error instanceof OnnxAlone)) throw error;
      return await unchanged(error.file, error.notice);
    }
    const { notices } = await importCheckpoint({
      source: fetched.source,
      out: path,
      known: publishedFacts(name),
      tokenizer: fetched.tokenizer ?? undefined,
      copiesTokenizer: true,
      tokenizerFolder: '.',
      from: `hf:${name.repo}@${fetched.record.revision}`,
    });
    await keepRecord(folder, fetched.record);
    await removeFetched(folder);
    return { path, record: fetched.record, wasThere: false, notices };
  } finally {
    lock.release();
  }
}

/** The ONNX file that a variant names. @throws ModelError `onnx-not-found`, DataError */
function exportedFile(
  { repo, revision, variant }: HubModelName,
  { connection }: HubModelOptions,
): Promise<{ file: string; notice: string | null }> {
  return withModelHints(repo, async () => {
    const commit = await hubCommit(connection, repo, revision, 'model');
    const files = await hubModelFiles(connection, repo, commit, { recursive: true });
    return chosenOnnx(repo, files, variant);
  });
}

/** A repository that has no weights to convert, but an ONNX file to use as it is. */
class OnnxAlone extends ModelError {
  constructor(
    repo: string,
    readonly file: string,
    readonly notice: string | null,
  ) {
    super({
      code: 'onnx-alone',
      message: `${repo} has no weights to convert, but an ONNX file: ${file}.`,
      hint: `Use it as it is: --model hf:${repo}/${file}`,
    });
  }
}

/** Written last: an entry without it is not used. */
async function keepRecord(folder: string, record: HubModelRecord): Promise<void> {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeFileAtomically(join(folder, 'record.json'), text, CACHE_ADVICE);
}

/** Files of one commit into a folder. @throws as fetchFile */
async function fetchFiles(
  files: readonly HubFile[],
  { repo, commit, folder, converts }: { repo: string; commit: string; folder: string; converts: boolean },
  { connection, onStart, onProgress }: HubModelOptions,
): Promise<HubModelRecord> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  onStart?.({ repo, revision: commit, bytes: total, converts });
  const record: HubModelRecord = { repo, revision: commit, files: [] };
  let before = 0;
  for (const file of files) {
    const done = before;
    const sha256 = await fetchFile(connection, repo, commit, file, folder, (bytes) =>
      onProgress?.(done + bytes, total),
    );
    record.files.push({ path: file.path, bytes: file.bytes, sha256 });
    before += file.bytes;
  }
  return record;
}

/** An ONNX file, its weights, its tokenizer, and a card if the repository has none. */
function fetchOnnx(name: HubOnnxName, folder: string, options: HubModelOptions): Promise<HubModelRecord> {
  const { repo, revision } = name;
  const { connection } = options;
  return withModelHints(repo, async () => {
    const commit = await hubCommit(connection, repo, revision, 'model');
    const list = (where: { folder?: string; recursive?: boolean }) =>
      hubModelFiles(connection, repo, commit, where);
    const files = await onnxFiles(name, list);
    const record = await fetchFiles(files, { repo, commit, folder, converts: false }, options);
    if (!files.some(({ path }) => basename(path) === 'tokenizer.json')) {
      const tokenizer = await fetchTokenizer(connection, folder, folder);
      if (tokenizer) record.tokenizer = tokenizer.from;
    }
    await completeOnnx(name, folder, `hf:${repo}/${name.file}@${commit}`);
    return record;
  });
}

/** Fetches a model for `use` and then removes the files; after a failure they stay, so that a later fetch can resume. */
export async function fetchedForConversion<T>(
  name: HubModelName,
  options: HubModelOptions,
  use: (fetched: FetchedModel) => Promise<T>,
): Promise<T> {
  const { cacheFolder: cache = cacheFolder() } = options;
  const folder = cacheEntryPath(MODELS_ROOM, { ...name, purpose: 'convert' }, '', cache);
  const lock = await acquireInTurn(folder, `The fetch of hf:${name.repo}`);
  try {
    const result = await use(await fetchModel(name, folder, options));
    await removeFetched(folder);
    return result;
  } finally {
    lock.release();
  }
}

export interface FetchedModel {
  /** Folder with config.json, the weights, and the tokenizer if the repository has one; or the file of weights that was named. */
  source: string;
  /** Folder of the tokenizer from another repository, if this one has none and the right one is known. */
  tokenizer: string | null;
  record: HubModelRecord;
}

/** The fetched files lie beside their entry: the model's, and the tokenizer's if it comes from another repository. */
const FETCHED = ['.fetched', '.tokenizer'] as const;

async function removeFetched(entry: string): Promise<void> {
  for (const ending of FETCHED) await rm(entry + ending, { recursive: true, force: true });
}

/** The files of a model, under their own names, beside an entry. @throws DataError, ModelError, FileError, InterruptedError */
async function fetchModel(
  name: HubModelName,
  entry: string,
  options: HubModelOptions,
): Promise<FetchedModel> {
  const { repo, revision, file: named } = name;
  const { connection } = options;
  const folder = entry + FETCHED[0];
  return withModelHints(repo, async () => {
    const commit = await hubCommit(connection, repo, revision, 'model');
    const list = (where: { folder?: string; recursive?: boolean } = {}) =>
      hubModelFiles(connection, repo, commit, where);
    const files =
      named === undefined
        ? await filesToFetch(repo, await list(), () => list({ recursive: true }))
        : [await fileToFetch(repo, named, await list({ recursive: true }))];
    const record = await fetchFiles(files, { repo, commit, folder, converts: true }, options);
    const hasTokenizer = files.some(({ path }) => path === 'tokenizer.json');
    const known = publishedFacts(name)?.tokenizer;
    const tokenizer = hasTokenizer
      ? null
      : await fetchTokenizer(connection, folder, entry + FETCHED[1], known);
    if (tokenizer) record.tokenizer = tokenizer.from;
    const source = named === undefined ? folder : join(folder, basename(named));
    return { source, tokenizer: tokenizer?.folder ?? null, record };
  });
}

/**
 * The tokenizer of a model whose repository has none: that of a known model, one that the configuration names (SDTT), or that the
 * reference uses with a vocabulary of this size; else null.
 */
async function fetchTokenizer(connection: HubConnection, folder: string, place: string, known?: string) {
  const path = join(folder, 'config.json');
  const text = existsSync(path) ? readSmallFile(path, MOST_BYTES.configuration).toString('utf8') : '{}';
  const named = /"tokenizer"\s*:\s*\{\s*"name"\s*:\s*"([\w-]{1,40})"/.exec(text)?.[1];
  const vocabSize = /"(?:vocab_size|tokens)"\s*:\s*(\d{1,9})/.exec(text)?.[1];
  const name = named ?? (vocabSize === undefined ? undefined : publishedTokenizer(Number(vocabSize))?.name);
  const usual = name !== undefined && Object.hasOwn(TOKENIZERS, name) ? TOKENIZERS[name] : undefined;
  const repo = known ?? usual;
  if (repo === undefined) return null;
  const commit = await hubCommit(connection, repo, 'main', 'model');
  for (const file of await hubModelFiles(connection, repo, commit)) {
    if (/^(tokenizer|tokenizer_config|special_tokens_map)\.json$/.test(file.path)) {
      await fetchFile(connection, repo, commit, file, place);
    }
  }
  return { folder: place, from: { repo, revision: commit } };
}

async function fetchFile(
  connection: HubConnection,
  repo: string,
  commit: string,
  file: HubFile,
  folder: string,
  onBytes?: (done: number) => void,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, basename(file.path));
  // Left by a run whose conversion failed.
  if (file.sha256 !== null && existsSync(path) && (await sha256OfFile(path)) === file.sha256)
    return file.sha256;
  const download = { repo, kind: 'model', commit, file, folder, ending: '' } as const;
  const sha256 = await downloadFile(connection, download, onBytes);
  renameSync(join(folder, sha256), path);
  return sha256;
}

/** The configuration, the tokenizer, and one form of the weights: safetensors, whole or in parts, before PyTorch's own. */
async function filesToFetch(
  repo: string,
  files: readonly HubFile[],
  everything: () => Promise<HubFile[]>,
): Promise<HubFile[]> {
  const plain = files.filter(({ path }) => !path.includes('/'));
  const named = (names: readonly string[]) => plain.filter(({ path }) => names.includes(path));
  const parts = plain.filter(({ path }) => /^model-\d+-of-\d+\.safetensors$/.test(path));
  const choices = [
    named(['model.safetensors']),
    parts.length > 0 ? [...named(['model.safetensors.index.json']), ...parts] : [],
    named(['pytorch_model.bin']),
  ];
  const weights = choices.find((choice) => choice.length > 0);
  if (weights) return [...named(DESCRIBING), ...weights];
  const all = await everything();
  if (all.some(({ path }) => /\.onnx$/i.test(path))) {
    const { file, notice } = chosenOnnx(repo, all, undefined);
    throw new OnnxAlone(repo, file, notice);
  }
  throw new ModelError({
    code: 'weights-not-found',
    message: `${repo} has no weights that can be read: no model.safetensors, no pytorch_model.bin.`,
    hint: 'Name another repository or revision, or export the model to ONNX.',
  });
}

/** @throws ModelError `weights-not-found`, naming those that are there */
async function fileToFetch(repo: string, named: string, files: readonly HubFile[]): Promise<HubFile> {
  const found = files.find(({ path }) => path === named);
  if (found) return found;
  const others = files.flatMap(({ path }) => (path.endsWith('.safetensors') ? [path] : [])).sort();
  throw new ModelError({
    code: 'weights-not-found',
    message: `${repo} has no file ${named}.${others.length > 0 ? ` It has ${others.slice(0, 12).join(', ')}${others.length > 12 ? ' and more' : ''}.` : ''}`,
    hint: `Name one of its files: --model hf:${repo}/name.safetensors`,
  });
}

/** The hints of hub errors are written for data sets; these are for models. */
async function withModelHints<T>(repo: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof DataError) || !/datasets add|data set/.test(error.hint ?? '')) throw error;
    throw new DataError({
      code: error.code,
      message: error.message,
      hint: `Check the name ${repo} and the connection; HF_ENDPOINT names another hub, HF_TOKEN an access token. Or download the files yourself and convert the folder: duo-eval convert`,
      cause: error instanceof DuoEvalError ? error : undefined,
    });
  }
}
