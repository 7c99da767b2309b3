/** From what a user wrote after `--dataset` to a source of texts: a name, `name=path`, or a path. */
import { stat } from 'node:fs/promises';
import { closest, DataError, FileError, UsageError } from '../errors.js';
import { rememberedSha256OfFile } from '../storage/digest.js';
import { fileFailure, systemCodeOf } from '../storage/file-failure.js';
import { detokenizer } from './detokenizers.js';
import { EMBEDDED_DATASETS, embeddedSource } from './embedded-texts.js';
import {
  alteredFiles,
  alteredSinceFetched,
  type FetchedDataset,
  fetchedDataset,
  fetchedPath,
  fetchedSha256,
} from './fetched-datasets.js';
import { genericFile, nameOfFile, protocolFile } from './file-texts.js';
import { PROTOCOL_DATASETS } from './protocol-table.js';
import { registeredDataset, registeredNames } from './registered-datasets.js';
import type { TextSource } from './text-source.js';

export interface DatasetRequest {
  /** `name`, `name=path`, or a path. */
  spec: string;
  /** Column that holds the text, where the file is a table. */
  textColumn?: string;
}

/**
 * @throws UsageError for a name nobody knows; DataError for a file that changed since it was registered or whose
 * form is unknown; FileError for a file that is not there
 */
export async function resolveDataset({ spec, textColumn }: DatasetRequest): Promise<TextSource> {
  const { name, path } = parseDatasetSpec(spec);
  if (name !== null && path !== null) return fileSource(name, path, textColumn);
  if (path !== null) return fileSource(nameOfFile(path), path, textColumn, 'generic');
  if (Object.hasOwn(EMBEDDED_DATASETS, name!)) return embeddedSource(name!);
  const entry = await registeredDataset(name!);
  if (entry) {
    const source = await fileSource(name!, entry.path, textColumn ?? entry.textColumn);
    if (source.sourceSha256 !== entry.sha256) throw changedSince(name!, entry.path);
    return source;
  }
  const fetched = Object.hasOwn(PROTOCOL_DATASETS, name!) ? await fetchedDataset(name!) : null;
  if (fetched) return fetchedSource(fetched, textColumn);
  throw await unregistered(name!);
}

/** Splits `name=path`; what has no name before a `=` is a path when it looks like one, and a name otherwise. */
export function parseDatasetSpec(spec: string): { name: string | null; path: string | null } {
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
  const looksLikePath = /[\\/]/.test(spec) || /\.(txt|jsonl|ndjson|json|csv|parquet|gz)$/i.test(spec);
  return looksLikePath ? { name: null, path: spec } : { name: spec, path: null };
}

/** The error for a registered file whose bytes are no longer those that were registered. */
export function changedSince(name: string, path: string): DataError {
  return new DataError({
    code: 'dataset-changed',
    message: `${path} is not the file that was registered as "${name}": its SHA-256 differs.`,
    hint: `If the change is meant, register it again: duo-eval datasets add ${name}=${path}`,
  });
}

async function fileSource(
  name: string,
  path: string,
  textColumn: string | undefined,
  kind: 'named' | 'generic' = 'named',
): Promise<TextSource> {
  const identity = await fileIdentity(path);
  const protocol =
    kind === 'named' && Object.hasOwn(PROTOCOL_DATASETS, name) ? PROTOCOL_DATASETS[name] : null;
  const { reading, texts, beginsDocument } = protocol
    ? protocolFile(protocol, path, textColumn)
    : genericFile(path, textColumn, kind === 'named' ? name : undefined);
  return {
    name,
    split: protocol?.split ?? 'all',
    sourceSha256: await rememberedSha256OfFile(path),
    paths: [path],
    reading,
    count: null,
    async *texts() {
      yield* texts();
      // The SHA-256 was taken before: it must still be that of what was read.
      if ((await fileIdentity(path)) !== identity) throw changedWhileReading(path);
    },
    detokenizer: protocol?.detokenizer ? detokenizer(protocol.detokenizer) : null,
    beginsDocument,
  };
}

/** From the cache. Its files are named by their content, so one that goes while it is read does no harm. */
async function fetchedSource(record: FetchedDataset, textColumn: string | undefined): Promise<TextSource> {
  const [altered] = await alteredFiles(record);
  if (altered) throw alteredSinceFetched(record, altered);
  const protocol = PROTOCOL_DATASETS[record.name];
  const paths = record.files.map((file) => fetchedPath(record, file));
  const readings = paths.map((path) => protocolFile(protocol, path, textColumn));
  return {
    name: record.name,
    split: protocol.split,
    sourceSha256: fetchedSha256(record),
    paths,
    reading: readings[0].reading,
    count: null,
    async *texts() {
      for (const { texts } of readings) yield* texts();
    },
    detokenizer: protocol.detokenizer ? detokenizer(protocol.detokenizer) : null,
    beginsDocument: protocol.beginsDocument,
  };
}

/** What changes when a file's bytes do. @throws FileError when it is no file */
async function fileIdentity(path: string): Promise<string> {
  try {
    const found = await stat(path, { bigint: true });
    if (found.isFile()) return [found.size, found.ino, found.mtimeNs, found.ctimeNs].join(':');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') {
      throw new FileError({
        code: 'no-such-file',
        message: `There is no data file ${path}.`,
        hint: 'Check the path; relative paths start at the current folder.',
        cause,
      });
    }
    throw fileFailure(cause, 'read', path);
  }
  throw new FileError({
    code: 'not-a-file',
    message: `${path} is not a file.`,
    hint: 'Name one data file: .txt, .jsonl, .csv or .parquet, or .gz of any.',
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
export async function unregistered(name: string): Promise<DataError | UsageError> {
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
