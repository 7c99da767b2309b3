/** Decompresses pages. No page becomes larger than its header declares, whatever it holds. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

export const UNCOMPRESSED = 0;
const NAMES = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW'] as const;

const ZSTD_MAGIC = 0xfd2fb528;
const LARGEST_BLOCK = 2 ** 17;
/** The default window of streaming writers; one-shot writers use no more than their content, rounded up. */
const USUAL_WINDOW = 2 ** 23;
const RLE = 1;
const RESERVED = 3;

/** @param size decompressed bytes that the header declares   @throws Error when the page has another size */
export async function decompressPage(codec: number, packed: Buffer, size: number): Promise<Buffer> {
  const page = codec === UNCOMPRESSED ? packed : await unpack(codec, packed, size);
  if (page.length !== size) throw new Error(`a page unpacks to ${page.length} bytes, not to ${size}`);
  return page;
}

async function unpack(codec: number, packed: Buffer, size: number): Promise<Buffer> {
  const name = NAMES[codec];
  // zlib does not accept a limit of 0.
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

/**
 * Checks a Zstandard frame before it is unpacked (RFC 8878, 3.1.1). The decompressor trusts the sizes that frames and
 * blocks declare, so this compares them with the size of the page first.
 * @param size bytes that the page header declares   @throws Error when the frame disagrees, or is cut
 */
export function checkZstdFrame(packed: Buffer, size: number): void {
  const byte = (at: number): number => {
    if (at >= packed.length) throw new Error('a page compressed by ZSTD is cut short');
    return packed[at];
  };
  if (packed.length < 6 || packed.readUInt32LE(0) !== ZSTD_MAGIC)
    throw new Error('a page is not compressed by ZSTD');
  const flags = packed[4];
  const singleSegment = (flags & 0x20) !== 0;
  let at = 5;
  if (!singleSegment) {
    const descriptor = byte(at++);
    const base = 2 ** (10 + (descriptor >> 3));
    const window = base + (base / 8) * (descriptor & 7);
    if (window > Math.max(USUAL_WINDOW, 2 * size))
      throw new Error('a page compressed by ZSTD asks for too much memory');
  }
  at += [0, 1, 2, 4][flags & 3];
  const sizeBytes = flags >> 6 ? 2 ** (flags >> 6) : singleSegment ? 1 : 0;
  if (sizeBytes > 0) {
    let declared = sizeBytes === 2 ? 256 : 0;
    for (let i = 0; i < sizeBytes; i++) declared += byte(at + i) * 2 ** (8 * i);
    if (declared !== size)
      throw new Error(`a page compressed by ZSTD unpacks to ${declared} bytes, not to ${size}`);
  }
  at += sizeBytes;
  // Writers fill their blocks, but may flush a few early.
  let blocks = 16 + 8 * Math.ceil(size / LARGEST_BLOCK);
  for (let last = false; !last; ) {
    const head = byte(at) + 256 * byte(at + 1) + 65_536 * byte(at + 2);
    last = head % 2 === 1;
    const type = (head >> 1) & 3;
    const length = head >> 3;
    if (type === RESERVED || length > LARGEST_BLOCK)
      throw new Error('a page compressed by ZSTD has a broken block');
    at += 3 + (type === RLE ? 1 : length);
    if (blocks-- === 0) throw new Error('a page compressed by ZSTD has more blocks than it needs');
  }
  if (at + (flags & 4 ? 4 : 0) !== packed.length)
    throw new Error('a page compressed by ZSTD has another length than it says');
}
