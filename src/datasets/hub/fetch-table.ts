/**
 * A split of any data set of the hub as tables on the disk: the Parquet files that the hub makes of every data set, on a branch of their
 * own. The first fetch records commit and SHA-256 of every file; later ones restore exactly that or fail, as for data sets that are
 * fetched by name.
 */
import { cacheFolder } from '../../storage/folders.js';
import { fetchedPath } from '../fetched-datasets.js';
import { fetchFiles } from './fetch-dataset.js';
import type { HubConnection } from './request.js';

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
  const { record } = await fetchFiles(
    {
      name: [repo, config ?? ONLY_CONFIG, split].join('--').replace(/[^\w.-]+/g, '--'),
      location: {
        ...{ repo, branch: 'refs/convert/parquet', folder: `${config ?? ONLY_CONFIG}/${split}` },
        ...{ files: /^\d+\.parquet$/, ending: '.parquet' },
      },
      again: () => 'duo-eval cache clear datasets',
    },
    { connection, onStart: ({ bytes }) => onStart(bytes), cacheFolder: folder },
  );
  return record.files.map((file) => fetchedPath(record, file, folder));
}
