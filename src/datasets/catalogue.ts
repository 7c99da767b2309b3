/** Lists the data sets on this machine, adds one, and verifies that their bytes have not changed. */
import { DuoEvalError, UsageError } from '../errors.js';
import { sha256OfFile } from '../storage/digest.js';
import { dataFilesAt } from './data-files.js';
import { EMBEDDED_DATASETS, embeddedSource } from './embedded-texts.js';
import {
  alteredFiles,
  changedFetchError,
  type FetchedDataset,
  fetchedDataset,
  fetchedPath,
  fetchedSha256,
} from './fetched-datasets.js';
import type { TableOptions } from './file-texts.js';
import { ZERO_SHOT } from './hub/locations.js';
import { PROTOCOL_DATASETS } from './protocol-table.js';
import {
  checkDatasetName,
  type RegisteredDataset,
  registerDataset,
  registeredDataset,
  registeredNames,
} from './registered-datasets.js';
import {
  changedDatasetError,
  parseDatasetSpec,
  resolveDataset,
  sha256OfFiles,
  unknownDatasetError,
} from './resolve-dataset.js';

export interface CatalogueEntry {
  name: string;
  split: string;
  /** `embedded`, `registered` (from `path`) and `fetched`: ready; `needs path`: one of the seven that is not here yet. */
  state: 'embedded' | 'registered' | 'fetched' | 'needs path';
  /** A description, or the form of its file. */
  form: string;
  path: string | null;
  sha256: string | null;
}

/** Embedded data sets, the seven, then the user's own, in this order. @throws DataError, FileError */
export async function listDatasets(): Promise<CatalogueEntry[]> {
  const registered = new Map<string, RegisteredDataset>();
  for (const name of await registeredNames()) {
    const entry = await registeredDataset(name);
    if (entry) registered.set(name, entry);
  }
  const embedded = Object.entries(EMBEDDED_DATASETS).map(
    ([name, { split, form, sha256 }]): CatalogueEntry => ({
      name,
      split,
      state: 'embedded',
      form,
      path: null,
      sha256,
    }),
  );
  const fetched = new Map<string, FetchedDataset>();
  for (const name of Object.keys(PROTOCOL_DATASETS)) {
    const record = await fetchedDataset(name).catch(() => null); // a broken record is not ready
    if (record) fetched.set(name, record);
  }
  const files = [...new Set([...Object.keys(PROTOCOL_DATASETS), ...registered.keys()])].map(
    (name): CatalogueEntry => {
      const entry = registered.get(name);
      const record = entry ? undefined : fetched.get(name);
      const protocol = Object.hasOwn(PROTOCOL_DATASETS, name) ? PROTOCOL_DATASETS[name] : null;
      return {
        name,
        split: protocol?.split ?? 'all',
        state: entry ? 'registered' : record ? 'fetched' : 'needs path',
        form: record ? `${record.repo} at ${record.revision}` : (protocol?.form ?? 'a file of your own'),
        path: entry?.path ?? null,
        sha256: entry?.sha256 ?? (record ? fetchedSha256(record) : null),
      };
    },
  );
  return [...embedded, ...files];
}

/**
 * Registers `name=path`, once its first text has been read successfully.
 * @throws UsageError, DataError, FileError
 */
export async function addDataset(
  spec: string,
  { textColumn, skipNull }: TableOptions = {},
): Promise<RegisteredDataset> {
  const { name, path } = parseDatasetSpec(spec);
  if (name === null || path === null) {
    throw new UsageError({
      code: 'invalid-dataset',
      message: `"${spec}" is not of the form name=path.`,
      hint: 'For example: duo-eval datasets add ptb=ptb.valid.txt',
    });
  }
  if (Object.hasOwn(EMBEDDED_DATASETS, name) || name === ZERO_SHOT) {
    const what =
      name === ZERO_SHOT ? 'stands for the seven of the zero-shot protocol' : 'is an embedded data set';
    throw new UsageError({
      code: 'invalid-dataset-name',
      message: `"${name}" ${what}; its name is taken.`,
      hint: 'Choose another name.',
    });
  }
  checkDatasetName(name);
  const source = await resolveDataset({ spec, textColumn, skipNull });
  for await (const _first of source.texts()) break;
  return registerDataset({ name, path, sha256: source.sourceSha256, textColumn, skipNull });
}

export interface Verification {
  name: string;
  path: string | null;
  /** Null when nothing changed. */
  failure: DuoEvalError | null;
}

/**
 * Reads every byte again and compares digests.
 * @param names when empty, all embedded, registered and fetched data sets   @throws UsageError, DataError
 */
export async function verifyDatasets(names: readonly string[]): Promise<Verification[]> {
  const results: Verification[] = [];
  for (const name of names.length ? names : await presentNames()) {
    const embedded = Object.hasOwn(EMBEDDED_DATASETS, name);
    const entry = embedded ? null : await registeredDataset(name);
    const isFetched = !embedded && !entry && Object.hasOwn(PROTOCOL_DATASETS, name);
    const check = async () => {
      if (embedded) return void (await embeddedSource(name));
      if (entry) return verifyFile(entry);
      const record = isFetched ? await fetchedDataset(name) : null;
      if (!record) throw await unknownDatasetError(name);
      await verifyFetched(record);
    };
    const failure = await check().then(
      () => null,
      (cause) => {
        const isFinding = cause instanceof DuoEvalError && !NOT_HERE.includes(cause.code);
        if (isFinding) return cause;
        throw cause;
      },
    );
    results.push({ name, path: entry?.path ?? null, failure });
  }
  return results;
}

/** Codes of {@link unknownDatasetError}: the name is wrong, rather than the data set changed. */
const NOT_HERE = ['dataset-needs-path', 'unknown-dataset'];

async function presentNames(): Promise<string[]> {
  const registered = await registeredNames();
  const fetched: string[] = [];
  for (const name of Object.keys(PROTOCOL_DATASETS)) {
    const isThere = await fetchedDataset(name).then(Boolean, () => true);
    if (isThere && !registered.includes(name)) fetched.push(name);
  }
  return [...Object.keys(EMBEDDED_DATASETS), ...registered, ...fetched];
}

async function verifyFetched(record: FetchedDataset): Promise<void> {
  for (const file of record.files) {
    const path = fetchedPath(record, file);
    const sha256 = await sha256OfFile(path).catch(() => null);
    if (sha256 !== file.sha256) throw changedFetchError(record, file);
  }
  // A cached digest that disagrees with the bytes must not survive this check.
  const [altered] = await alteredFiles(record);
  if (altered) throw changedFetchError(record, altered);
}

async function verifyFile({ name, path, sha256 }: RegisteredDataset): Promise<void> {
  const files = await dataFilesAt(path);
  if ((await sha256OfFiles(files, sha256OfFile)) !== sha256) throw changedDatasetError(name, path);
  // A cached digest that disagrees with the bytes must not survive this check.
  if ((await sha256OfFiles(files)) !== sha256) throw changedDatasetError(name, path);
}
