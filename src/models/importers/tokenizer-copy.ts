/** The tokenizer of an imported model: one given by a flag, or a copy of the one beside the weights. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { loadTokenizer } from '../../datasets/tokenizer.js';
import { readTokenizerFiles } from '../../datasets/tokenizer-files.js';
import { Vocabulary } from '../../datasets/vocabulary.js';
import type { SmallFile } from '../../graph/write.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import { llama2cTokenizer } from './llama2c-tokenizer.js';
import type { KnownTokenizer } from './special-tokens.js';

const FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];
/** BERT's, RoBERTa's, dllm's and Dream's, SDAR's, LLaDA's, Fast-dLLM's. */
const MASKS = ['[MASK]', '<mask>', '<|mask|>', '<|MASK|>', '<|mdm_mask|>', '|<MASK>|'];

export interface FoundTokenizer {
  /** A folder, a tokenizer.json, or llama2.c's tokenizer.bin. */
  path: string;
  known: KnownTokenizer;
  /** Its conversion to tokenizer.json, if it has another format. */
  converted: Record<string, string> | null;
}

/** @param path as in FoundTokenizer   @throws DataError when it is not a tokenizer, FileError */
export async function openTokenizer(path: string): Promise<FoundTokenizer> {
  if (path.endsWith('.bin')) {
    const { files, size } = llama2cTokenizer(path);
    return { path, known: { size, bosTokenId: 1, eosTokenId: 2, maskTokenId: null }, converted: files };
  }
  const { vocabSize, bosTokenId: bos, eosTokenId, bosIsEos } = await loadTokenizer(path);
  // The card repeats the tokenizer; each run substitutes a missing BOS and reports that.
  const bosTokenId = bosIsEos ? null : bos;
  const files = await readTokenizerFiles(path);
  const vocabulary = new Vocabulary(files.tokenizer, files.path);
  const masks = MASKS.map((token) => vocabulary.idOf(token)).filter((id) => id !== undefined);
  return {
    path,
    known: { size: vocabSize, bosTokenId, eosTokenId, maskTokenId: masks[0] ?? null },
    converted: null,
  };
}

/** The tokenizer beside the weights, or null. @param names of files that may be one, beside tokenizer.json */
export async function tokenizerBeside(
  source: string,
  names: readonly string[] = [],
): Promise<FoundTokenizer | null> {
  const folder = statSync(source).isDirectory() ? source : dirname(source);
  if (existsSync(join(folder, 'tokenizer.json'))) return openTokenizer(folder);
  const found = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  return found === undefined ? null : openTokenizer(found);
}

/**
 * The files of a tokenizer as copies in `<name>.tokenizer` beside the checkpoint, so that both can be moved together.
 * @param name of the folder, beside the checkpoint; it is also the tokenizer's path as the card gives it   @throws FileError
 */
export function tokenizerCopy(
  { path, converted }: FoundTokenizer,
  out: string,
  name = tokenizerFolder(out),
): { name: string; files: SmallFile[] } {
  const at = (file: string) => join(dirname(out), name, file);
  if (converted)
    return { name, files: Object.entries(converted).map(([file, content]) => ({ path: at(file), content })) };
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const files = FILES.map((file) => ({
    from: file === 'tokenizer.json' && folder !== path ? path : join(folder, file),
    path: at(file),
  })).filter(({ from }) => existsSync(from));
  return {
    name,
    files: files.map(({ from, path }) => ({ path, content: readSmallFile(from, MOST_BYTES.tokenizer) })),
  };
}

/** `duo.tokenizer` for `duo.onnx`. */
export const tokenizerFolder = (out: string): string => `${basename(out).replace(/\.onnx$/i, '')}.tokenizer`;

/** A path as the card beside `out` gives it. */
export function fromCard(path: string, out: string): string {
  if (isAbsolute(path)) return path;
  return (relative(dirname(out), path) || '.').split(sep).join('/');
}
