/** A kept cell is known by its content; the names it is told under are the present suite's. */
import type { ModelRecord } from '../../records/record.js';
import type { SuiteModel } from './named-files.js';

/** A model of the hub keeps its commit. */
export function renamed(record: ModelRecord, { name, path }: SuiteModel): ModelRecord {
  return { ...record, name, path: path.startsWith('hf:') ? record.path : path };
}
