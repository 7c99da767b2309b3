/** Journals of stopped runs, for `cache ls` and `cache clear`. */
import { open } from 'node:fs/promises';
import { type CacheRoom, roomOfFiles } from '../../storage/cache-inventory.js';

export const journalsRoom: CacheRoom = roomOfFiles('journals', 'journals of stopped runs', described, {
  locked: true,
});

/** Enough for a header: a line of a few hundred bytes. */
const HEADER_BYTES = 65_536;

/** @returns null for a file whose first line is no header */
async function described(path: string): Promise<string | null> {
  const handle = await open(path).catch(() => null);
  if (!handle) return null;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    const line = buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0];
    const key: unknown = JSON.parse((JSON.parse(line) as { key: string }).key);
    return inWords(key as Record<string, unknown>);
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}

/** The parts of a journal's key by which a person recognises the run. */
function inWords(key: Record<string, unknown>): string {
  const { family, protocol, seed, sequences, model, stream, samples, sampler, steps } = key;
  const shortDigest = (sha256: unknown) => (typeof sha256 === 'string' ? sha256.slice(0, 12) : '?');
  if (samples !== undefined)
    return `samples of ${family ?? 'a'} model ${shortDigest(model)} by ${sampler}, ${steps} steps, seed ${seed}`;
  if (key.likelihoods !== undefined)
    return `likelihoods of ${key.count} texts under ${family ?? 'a'} model ${shortDigest(model)}`;
  return `${family ?? 'a'} model ${shortDigest(model)} on ${sequences ?? '?'} sequences of ${shortDigest(stream)}, protocol ${protocol ?? '?'}, seed ${seed ?? 'none'}`;
}
