/** A packed stream as a plain file for other programs: int32 little-endian ids, sequence after sequence. */
import { AtomicFile } from '../storage/atomic-file.js';
import type { PackedStream } from './packed-stream.js';

const BUFFER_BYTES = 2 ** 20;

/** Its SHA-256 is the stream's. @throws FileError */
export async function writePackedIds(stream: PackedStream, path: string): Promise<void> {
  const file = await AtomicFile.create(path);
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  try {
    for (let i = 0; i < stream.sequences; i++) {
      const { buffer, byteOffset, byteLength } = stream.sequence(i);
      waiting.push(Buffer.from(buffer, byteOffset, byteLength));
      waitingBytes += byteLength;
      if (waitingBytes < BUFFER_BYTES && i < stream.sequences - 1) continue;
      await file.write(Buffer.concat(waiting));
      waiting = [];
      waitingBytes = 0;
    }
  } catch (cause) {
    await file.discard();
    throw cause;
  }
  await file.commit();
}
