/** Pages as they lie in the file to pages as they were: no page becomes larger than it says, whatever it holds. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { checkZstdFrame } from './zstd-frame.js';

export const UNCOMPRESSED = 0;
const NAMES = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW'] as const;

/** @param size bytes the page unpacks to, as its header says   @throws Error when it does not */
export async function decompressPage(codec: number, packed: Buffer, size: number): Promise<Buffer> {
  const page = codec === UNCOMPRESSED ? packed : await unpack(codec, packed, size);
  if (page.length !== size) throw new Error(`a page unpacks to ${page.length} bytes, not to ${size}`);
  return page;
}

async function unpack(codec: number, packed: Buffer, size: number): Promise<Buffer> {
  const name = NAMES[codec];
  // zlib takes no limit of 0.
  const options = { maxOutputLength: Math.max(1, size) };
  if (name === 'GZIP') return gunzipSync(packed, options);
  if (name === 'BROTLI') return brotliDecompressSync(packed, options);
  if (size === 0) return Buffer.alloc(0);
  if (name === 'ZSTD') checkZstdFrame(packed, size);
  const { compressors } = await import('hyparquet-compressors');
  const decompress = name && compressors[name as keyof typeof compressors];
  if (!decompress)
    throw new Error(`it is compressed by ${name ?? `codec ${codec}`}, which this program cannot read`);
  const page = decompress(packed, size);
  return Buffer.from(page.buffer, page.byteOffset, page.byteLength);
}
