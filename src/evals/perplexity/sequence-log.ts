/** `--log-sequences`: one JSON line per draw of a sequence, in a file that appears when the run has ended. */
import { AtomicFile } from '../../storage/atomic-file.js';
import type { SequenceRecord } from './run.js';

export interface SequenceLog {
  /** @throws FileError */
  write(record: SequenceRecord): void;
  /** Completes the file. @throws FileError */
  finish(): Promise<void>;
  /** Discards the lines unless `finish` was called: an existing file stays as it was. */
  discard(): Promise<void>;
}

const FLUSH_BYTES = 1 << 16;

/** @throws FileError when the file cannot be written */
export async function openSequenceLog(path: string): Promise<SequenceLog> {
  const file = await AtomicFile.create(path, 'Choose another --log-sequences.');
  let pending = '';
  const flush = () => {
    file.writeNow(Buffer.from(pending));
    pending = '';
  };
  return {
    write(record) {
      pending += `${JSON.stringify(record)}\n`;
      if (pending.length >= FLUSH_BYTES) flush();
    },
    async finish() {
      flush();
      await file.commit();
    },
    discard: () => file.discard(),
  };
}
