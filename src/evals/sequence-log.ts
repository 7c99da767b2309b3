/** `--log-sequences`: one JSON line a draw of a sequence, written beside and renamed into place at the end. */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { fileFailure } from '../storage/file-failure.js';
import type { SequenceRecord } from './perplexity-run.js';

export interface SequenceLog {
  write(record: SequenceRecord): void;
  finish(): Promise<void>;
}

const FLUSH_BYTES = 1 << 16;

/** @throws FileError when the file cannot be written */
export function openSequenceLog(path: string): SequenceLog {
  const temporary = `${path}.${process.pid}.partial`;
  const guarded = <T>(action: () => T): T => {
    try {
      return action();
    } catch (cause) {
      throw fileFailure(cause, 'write', path, 'Choose another --log-sequences.');
    }
  };
  const descriptor = guarded(() => openSync(temporary, 'w'));
  let pending = '';
  const flush = () => {
    guarded(() => writeSync(descriptor, pending));
    pending = '';
  };
  return {
    write(record) {
      pending += `${JSON.stringify(record)}\n`;
      if (pending.length >= FLUSH_BYTES) flush();
    },
    async finish() {
      flush();
      closeSync(descriptor);
      guarded(() => renameSync(temporary, path));
    },
  };
}
