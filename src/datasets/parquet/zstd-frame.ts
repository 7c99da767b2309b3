/**
 * Looks over a Zstandard frame before it is unpacked (RFC 8878, 3.1.1): the unpacking code trusts the sizes that frames
 * and blocks declare, so these are held against the size of the page first.
 */
const MAGIC = 0xfd2fb528;
const LARGEST_BLOCK = 2 ** 17;
/** Windows of one-shot writers are not larger than their content, rounded up; streams' have this default. */
const USUAL_WINDOW = 2 ** 23;
const RLE = 1;
const RESERVED = 3;

/** @param size bytes that the page says it unpacks to   @throws Error when the frame says otherwise, or is cut */
export function checkZstdFrame(packed: Buffer, size: number): void {
  const byte = (at: number): number => {
    if (at >= packed.length) throw new Error('a page compressed by ZSTD is cut short');
    return packed[at];
  };
  if (packed.length < 6 || packed.readUInt32LE(0) !== MAGIC)
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
  // Writers fill their blocks, but may flush a few.
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
