/** Small files of others, read whole: known to be regular files before anything is read of them, and of a size that was expected. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { FileError } from '../errors.js';
import { fileFailure } from './file-failure.js';

/**
 * @param most bytes
 * @throws FileError for a pipe, a device or a socket, which may never end, and for a file that is larger; what the system says
 *   of a file that cannot be opened, as it is
 */
export async function readRegularFile(path: string, most: number): Promise<Buffer> {
  // Opening a pipe would wait for its other end.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw fileFailure({ code: 'EISDIR' }, 'read', path);
    if (!stat.isFile()) {
      throw new FileError({
        code: 'not-a-file',
        message: `${path} is not a file but a pipe, a device or a socket.`,
        hint: 'Give the path of a file.',
      });
    }
    if (stat.size > most) {
      throw new FileError({
        code: 'file-too-large',
        message: `${path} has ${stat.size} bytes; such a file has no more than ${most}.`,
        hint: 'Check that it is the file you meant.',
      });
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}
