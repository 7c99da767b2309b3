/** A kept cell is identified by its content; its names are those in the current suite. */
import type { ModelRecord } from '../../records/record.js';
import type { SuiteModel } from './named-files.js';

/** A hub model keeps its commit. */
export function renamed(record: ModelRecord, { name, path }: SuiteModel): ModelRecord {
  return { ...record, name, path: path.startsWith('hf:') ? record.path : path };
}
