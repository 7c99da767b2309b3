/** Resolves the value of `--dataset` to a source of texts: a name, `name=path`, or a path (data-files.ts). */
import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { closest, DataError, FileError, UsageError } from '../errors.js';
import { rememberedSha256OfFile, sha256OfBytes } from '../storage/digest.js';
import { fileFailure } from '../storage/file-failure.js';
import { BUDGET, tooManyEmpty } from './budget.js';
import { dataFilesAt, looksLikePath, nameOfFiles } from './data-files.js';
import { detokenizer } from './detokenizers.js';
import { EMBEDDED_DATASETS, embeddedSource } from './embedded-texts.js';
import {
  alteredFiles,
  changedFetchError,
  type FetchedDataset,
  fetchedDataset,
  fetchedPath,
  fetchedSha256,
} from './fetched-datasets.js';
import {
  type FileReading,
  genericFile,
  KNOWN_ENDINGS,
  protocolFile,
  type TableOptions,
} from './file-texts.js';
import { THE_SEVEN, ZERO_SHOT } from './hub/locations.js';
import { PROTOCOL_DATASETS } from './protocol-table.js';
import { registeredDataset, registeredNames } from './registered-datasets.js';
import { eachText, type TextSource } from './text-source.js';

export interface DatasetRequest extends TableOptions {
  /** `name`, `name=path`, or a path. */
  spec: string;
}

/**
 * @throws UsageError for an unknown name; DataError for a file that has changed since it was registered or whose
 * form is unknown; FileError for a missing file
 */
export async function resolveDataset({ spec, ...options }: DatasetRequest): Promise<TextSource> {
  const { name, path } = parseDatasetSpec(spec);
  if (name === null) return fileSource(nameOfFiles(path), path, options, 'generic');
  if (path !== null) return fileSource(name, path, options);
  if (Object.hasOwn(EMBEDDED_DATASETS, name)) return embeddedSource(name);
  const entry = await registeredDataset(name);
  if (entry) {
    const source = await fileSource(name, entry.path, {
      textColumn: options.textColumn ?? entry.textColumn,
      skipNull: options.skipNull ?? entry.skipNull,
    });
    if (source.sourceSha256 !== entry.sha256) throw changedDatasetError(name, entry.path);
    return source;
  }
  const fetched = Object.hasOwn(PROTOCOL_DATASETS, name) ? await fetchedDataset(name) : null;
  if (fetched) return fetchedSource(fetched, options);
  const isThere = !Object.hasOwn(PROTOCOL_DATASETS, name) && existsSync(name);
  if (isThere) return fileSource(nameOfFiles(name), name, options, 'generic');
  throw await unknownDatasetError(name);
}

/**
 * The data sets that one text names: `zero-shot` stands for the seven of the protocol, and commas separate plain names. In a path,
 * a comma joins the files of one data set (data-files.ts).
 */
export function datasetSpecs(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const arePlain = names.every((name) => PLAIN_NAME.test(name) && !looksLikePath(name));
  return (arePlain ? names : [text]).flatMap((name) => (name === ZERO_SHOT ? THE_SEVEN : [name]));
}

/** One request for each data set that they name. */
export const eachDataset = (requests: readonly DatasetRequest[]): DatasetRequest[] =>
  requests.flatMap(({ spec, ...options }) => datasetSpecs(spec).map((one) => ({ spec: one, ...options })));

const PLAIN_NAME = /^[A-Za-z0-9][\w.-]*$/;

/** Splits `name=path`; without `name=`, the text is a path if it looks like one, and a name otherwise. */
export function parseDatasetSpec(
  spec: string,
): { name: string; path: string | null } | { name: null; path: string } {
  const named = /^([A-Za-z0-9][\w.-]*)=(.*)$/s.exec(spec);
  if (named) {
    if (named[2] !== '') return { name: named[1], path: named[2] };
    throw new UsageError({
      code: 'invalid-dataset',
      message: `"${spec}" names no file after the "=".`,
      hint: `Write --dataset ${named[1]}=path`,
    });
  }
  if (spec === '') {
    throw new UsageError({
      code: 'invalid-dataset',
      message: 'A data set is needed, not an empty text.',
      hint: 'Give a name, name=path, or a path.',
    });
  }
  return looksLikePath(spec) ? { name: null, path: spec } : { name: spec, path: null };
}

/** The error for a registered file whose bytes have changed. */
export function changedDatasetError(name: string, path: string): DataError {
  return new DataError({
    code: 'dataset-changed',
    message: `${path} is not the file that was registered as "${name}": its SHA-256 differs.`,
    hint: `If the change is meant, register it again: duo-eval datasets add ${name}=${path}`,
  });
}

/** SHA-256 of one file; for several, that of the list of theirs, so it depends only on bytes and order. */
export async function sha256OfFiles(
  files: readonly string[],
  sha256Of: (file: string) => Promise<string> = rememberedSha256OfFile,
): Promise<string> {
  const digests: string[] = [];
  for (const file of files) {
    await fileIdentity(file); // reading something other than a regular file might never end
    digests.push(await sha256Of(file));
  }
  return digests.length === 1 ? digests[0] : sha256OfBytes(digests.map((digest) => `${digest}\n`).join(''));
}

/** Larger files are inspected before they are hashed: hashing a terabyte takes an hour, even if it is not data. */
const WORTH_A_LOOK = 64 * 2 ** 20;
/** A file that has disappeared counts as empty: its reader reports it. */
const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

async function fileSource(
  name: string,
  path: string,
  options: TableOptions,
  kind: 'named' | 'generic' = 'named',
): Promise<TextSource> {
  const files = await dataFilesAt(path);
  const identities: string[] = [];
  for (const file of files) identities.push(await fileIdentity(file));
  const protocol =
    kind === 'named' && Object.hasOwn(PROTOCOL_DATASETS, name) ? PROTOCOL_DATASETS[name] : null;
  const readings = files.map((file) =>
    protocol
      ? protocolFile(protocol, file, options)
      : genericFile(file, options, kind === 'named' ? name : undefined),
  );
  const [{ reading, beginsDocument }] = readings;
  const other = readings.findIndex((one) => one.reading !== reading);
  if (other >= 0) throw ofSeveralForms(files[0], files[other]);
  for (const [i, file] of files.entries()) if (sizeOf(file) > WORTH_A_LOOK) await readings[i].look();
  return {
    name,
    split: protocol?.split ?? 'all',
    sourceSha256: await sha256OfFiles(files),
    paths: files,
    reading,
    count: null,
    ...textsOf(name, readings, async (part) => {
      // The SHA-256 was computed earlier: it must still match what was read.
      if ((await fileIdentity(files[part])) !== identities[part]) throw changedWhileReading(files[part]);
    }),
    detokenizer: protocol?.detokenizer ? detokenizer(protocol.detokenizer) : null,
    // One .txt does not show where documents begin; of several, each is a document.
    beginsDocument: files.length > 1 && !protocol ? eachText : beginsDocument,
  };
}

/** The texts of a data set's parts, one after another. @param whenRead called when a part was read to its end */
function textsOf(
  name: string,
  parts: readonly FileReading[],
  whenRead: (part: number) => Promise<void> = async () => {},
): Pick<TextSource, 'texts' | 'skippedRows'> {
  return {
    async *texts() {
      let empty = 0;
      for (const [i, part] of parts.entries()) {
        for await (const texts of part.texts()) {
          for (const text of texts) {
            empty = text === '' ? empty + 1 : 0;
            if (empty > BUDGET.emptyTexts) throw tooManyEmpty(`The data set "${name}"`, 'empty texts');
            yield text;
          }
        }
        await whenRead(i);
      }
    },
    skippedRows: () => parts.reduce((sum, part) => sum + part.skippedRows(), 0),
  };
}

/** A source from the cache. Its files are named by their content, so removing one during a read does no harm. */
async function fetchedSource(record: FetchedDataset, options: TableOptions): Promise<TextSource> {
  const [altered] = await alteredFiles(record);
  if (altered) throw changedFetchError(record, altered);
  const protocol = PROTOCOL_DATASETS[record.name];
  const paths = record.files.map((file) => fetchedPath(record, file));
  const readings = paths.map((path) => protocolFile(protocol, path, options));
  return {
    name: record.name,
    split: protocol.split,
    sourceSha256: fetchedSha256(record),
    paths,
    reading: readings[0].reading,
    count: null,
    ...textsOf(record.name, readings),
    detokenizer: protocol.detokenizer ? detokenizer(protocol.detokenizer) : null,
    beginsDocument: protocol.beginsDocument,
  };
}

/** A value that changes when the file's bytes do. @throws FileError when it is not a file */
async function fileIdentity(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch((cause) => {
    throw fileFailure(cause, 'read', path);
  });
  if (found.isFile()) return [found.size, found.ino, found.mtimeNs, found.ctimeNs].join(':');
  throw new FileError({
    code: 'not-a-file',
    message: `${path} is not a file.`,
    hint: `Name a data file: ${KNOWN_ENDINGS}; or a folder of them. Write what a program prints to a file first.`,
  });
}

function ofSeveralForms(first: string, other: string): DataError {
  return new DataError({
    code: 'several-forms',
    message: `${first} and ${other} are not of one form, and so no parts of one data set.`,
    hint: 'Give files of one ending.',
  });
}

function changedWhileReading(path: string): DataError {
  return new DataError({
    code: 'dataset-changed',
    message: `${path} changed while it was read.`,
    hint: 'Run again when the file is complete.',
  });
}

/** The error for a name that is neither embedded nor registered nor fetched. */
export async function unknownDatasetError(name: string): Promise<DataError | UsageError> {
  if (Object.hasOwn(PROTOCOL_DATASETS, name)) {
    return new DataError({
      code: 'dataset-needs-path',
      message: `The data set "${name}" does not come with duo-eval: it needs its file, ${PROTOCOL_DATASETS[name].form}.`,
      hint: `Fetch it from the hub: duo-eval datasets fetch ${name}. Or give its file with --dataset ${name}=path, or register it once: duo-eval datasets add ${name}=path`,
    });
  }
  const known = [
    ...new Set([
      ...Object.keys(EMBEDDED_DATASETS),
      ...Object.keys(PROTOCOL_DATASETS),
      ...(await registeredNames()),
    ]),
  ];
  const near = closest(name, known);
  return new UsageError({
    code: 'unknown-dataset',
    message: `There is no data set "${name}".`,
    hint: `${near ? `Did you mean ${near}? ` : ''}Known: ${known.join(', ')}. A file: --dataset ./path`,
  });
}
