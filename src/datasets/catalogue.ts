/** What data sets there are on this machine, how to add one, and whether those there are still the same bytes. */
import { DuoEvalError, UsageError } from '../errors.js';
import { rememberedSha256OfFile, sha256OfFile } from '../storage/digest.js';
import { EMBEDDED_DATASETS, embeddedSource } from './embedded-texts.js';
import { PROTOCOL_DATASETS } from './protocol-table.js';
import {
  checkDatasetName,
  type RegisteredDataset,
  registerDataset,
  registeredDataset,
  registeredNames,
} from './registered-datasets.js';
import { changedSince, parseDatasetSpec, resolveDataset, unregistered } from './resolve-dataset.js';

export interface CatalogueEntry {
  name: string;
  split: string;
  /** `embedded`: ready; `registered`: ready, from `path`; `needs path`: of the seven, not registered here. */
  state: 'embedded' | 'registered' | 'needs path';
  /** What it is, or the form its file has. */
  form: string;
  path: string | null;
  sha256: string | null;
}

/** Embedded data sets, the seven, then the user's own, each kind in its order. @throws DataError, FileError */
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
  const files = [...new Set([...Object.keys(PROTOCOL_DATASETS), ...registered.keys()])].map(
    (name): CatalogueEntry => {
      const entry = registered.get(name);
      const protocol = Object.hasOwn(PROTOCOL_DATASETS, name) ? PROTOCOL_DATASETS[name] : null;
      return {
        name,
        split: protocol?.split ?? 'all',
        state: entry ? 'registered' : 'needs path',
        form: protocol?.form ?? 'a file of your own',
        path: entry?.path ?? null,
        sha256: entry?.sha256 ?? null,
      };
    },
  );
  return [...embedded, ...files];
}

/**
 * Registers `name=path`, after reading its first text to see that it can be read.
 * @throws UsageError, DataError, FileError
 */
export async function addDataset(spec: string, textColumn?: string): Promise<RegisteredDataset> {
  const { name, path } = parseDatasetSpec(spec);
  if (name === null || path === null) {
    throw new UsageError({
      code: 'invalid-dataset',
      message: `"${spec}" is not of the form name=path.`,
      hint: 'For example: duo-eval datasets add ptb=ptb.valid.txt',
    });
  }
  if (Object.hasOwn(EMBEDDED_DATASETS, name)) {
    throw new UsageError({
      code: 'invalid-dataset-name',
      message: `"${name}" is an embedded data set; its name is taken.`,
      hint: 'Choose another name.',
    });
  }
  checkDatasetName(name);
  const source = await resolveDataset({ spec, textColumn });
  for await (const _first of source.texts()) break;
  return registerDataset({ name, path, sha256: source.sourceSha256, textColumn });
}

export interface Verification {
  name: string;
  path: string | null;
  /** Null when it is the same as ever. */
  failure: DuoEvalError | null;
}

/** Reads every byte again. @param names all embedded and registered ones when empty   @throws UsageError, DataError */
export async function verifyDatasets(names: readonly string[]): Promise<Verification[]> {
  const chosen = names.length ? names : [...Object.keys(EMBEDDED_DATASETS), ...(await registeredNames())];
  const results: Verification[] = [];
  for (const name of chosen) {
    const embedded = Object.hasOwn(EMBEDDED_DATASETS, name);
    const entry = embedded ? null : await registeredDataset(name);
    if (!embedded && !entry) throw await unregistered(name);
    const failure = await (entry ? verifyFile(entry) : embeddedSource(name)).then(
      () => null,
      (cause) => {
        if (cause instanceof DuoEvalError) return cause;
        throw cause;
      },
    );
    results.push({ name, path: entry?.path ?? null, failure });
  }
  return results;
}

async function verifyFile({ name, path, sha256 }: RegisteredDataset): Promise<void> {
  if ((await sha256OfFile(path)) !== sha256) throw changedSince(name, path);
  // A remembered digest that disagrees with the bytes would outlive this check.
  if ((await rememberedSha256OfFile(path)) !== sha256) throw changedSince(name, path);
}
