/** The tokenizer that goes with an imported model: one named by a flag, or copied from beside the weights. */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { loadTokenizer } from '../../datasets/tokenizer.js';
import { readTokenizerFiles } from '../../datasets/tokenizer-files.js';
import { Vocabulary } from '../../datasets/vocabulary.js';
import { writeFileAtomically } from '../../storage/atomic-file.js';
import type { KnownTokenizer } from './special-tokens.js';

const FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];
const MASKS = ['[MASK]', '<mask>', '<|mask|>'];

export interface FoundTokenizer {
  /** A folder or a tokenizer.json. */
  path: string;
  known: KnownTokenizer;
}

/** @param path a folder or a tokenizer.json   @throws DataError when it is none, FileError */
export async function openTokenizer(path: string): Promise<FoundTokenizer> {
  const { vocabSize, bosTokenId, eosTokenId } = await loadTokenizer(path);
  const files = await readTokenizerFiles(path);
  const vocabulary = new Vocabulary(files.tokenizer, files.path);
  const masks = MASKS.map((token) => vocabulary.idOf(token)).filter((id) => id !== undefined);
  return { path, known: { size: vocabSize, bosTokenId, eosTokenId, maskTokenId: masks[0] ?? null } };
}

/** The tokenizer beside the weights, or null. */
export async function tokenizerBeside(source: string): Promise<FoundTokenizer | null> {
  const folder = statSync(source).isDirectory() ? source : dirname(source);
  return existsSync(join(folder, 'tokenizer.json')) ? openTokenizer(folder) : null;
}

/**
 * Copies a tokenizer's files to `<name>.tokenizer` beside the checkpoint, so that it can be moved with it.
 * @returns the folder, as the card gives it   @throws FileError
 */
export async function copyTokenizer({ path }: FoundTokenizer, out: string): Promise<string> {
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const name = tokenizerFolder(out);
  for (const file of FILES) {
    const from = file === 'tokenizer.json' && folder !== path ? path : join(folder, file);
    if (existsSync(from)) await writeFileAtomically(join(dirname(out), name, file), await readFile(from));
  }
  return name;
}

/** `duo.tokenizer` for `duo.onnx`. */
export const tokenizerFolder = (out: string): string => `${basename(out).replace(/\.onnx$/i, '')}.tokenizer`;

/** A path as the card beside `out` gives it. */
export function fromCard(path: string, out: string): string {
  if (isAbsolute(path)) return path;
  return (relative(dirname(out), path) || '.').split(sep).join('/');
}
