/**
 * A split of any data set of the hub as tables on the disk: the Parquet files that the hub makes of every data set, on a branch of their
 * own. The first fetch records commit and SHA-256 of every file; later ones use exactly that.
 */

import { cacheFolder } from '../../storage/folders.js';
import { acquireInTurn } from '../../storage/waiting.js';
import {
  alteredFiles,
  type FetchedFile,
  fetchedDataset,
  fetchedFolder,
  fetchedPath,
  recordFetched,
} from '../fetched-datasets.js';
import { downloadFile } from './download.js';
import { hubCommit, hubFiles } from './listing.js';
import type { HubConnection } from './request.js';

/** The branch of the hub's own conversions. */
const BRANCH = 'refs/convert/parquet';
const ENDING = '.parquet';
/** What the hub calls a configuration without a name. */
const ONLY_CONFIG = 'default';

export interface TableSplit {
  /** `owner/name` */
  repo: string;
  /** Null: the only one. */
  config: string | null;
  split: string;
}

/**
 * @param onStart called where something is transferred, with its size
 * @returns paths of the files, in order   @throws DataError, FileError, InterruptedError
 */
export async function fetchTable(
  { repo, config, split }: TableSplit,
  connection: HubConnection,
  onStart: (bytes: number) => void = () => {},
): Promise<string[]> {
  const folder = cacheFolder();
  const name = [repo, config ?? ONLY_CONFIG, split].join('--').replace(/[^\w.-]+/g, '--');
  const lock = await acquireInTurn(fetchedFolder(name, folder), `The fetch of ${repo}`);
  try {
    const known = await fetchedDataset(name, folder);
    if (known && (await alteredFiles(known, folder)).length === 0)
      return known.files.map((file) => fetchedPath(known, file, folder));
    const commit = known?.revision ?? (await hubCommit(connection, repo, BRANCH));
    const place = `${config ?? ONLY_CONFIG}/${split}`;
    const location = {
      repo,
      branch: BRANCH,
      folder: place,
      files: /^\d+\.parquet$/,
      ending: ENDING,
    } as const;
    const listed = await hubFiles(connection, location, commit);
    onStart(listed.reduce((sum, { bytes }) => sum + bytes, 0));
    const files: FetchedFile[] = [];
    for (const file of listed) {
      const download = { repo, commit, file, folder: fetchedFolder(name, folder), ending: ENDING };
      const sha256 = await downloadFile(connection, download);
      files.push({ path: file.path, bytes: file.bytes, sha256 });
    }
    const record = { name, repo, revision: commit, ending: ENDING, files };
    await recordFetched(record, folder);
    return files.map((file) => fetchedPath(record, file, folder));
  } finally {
    lock.release();
  }
}
