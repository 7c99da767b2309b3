/** Parquet's hybrid of run-length encoding and bit packing, for levels and indices, and its delta encoding of numbers. */

/** @returns `count` numbers of `width` bits from `bytes`, which may hold more   @throws Error when there are fewer */
export function readRuns(bytes: Uint8Array, width: number, count: number): Uint32Array {
  if (width > 32) throw new Error(`a page has numbers of ${width} bits`);
  const numbers = new Uint32Array(count);
  let at = 0;
  for (let filled = 0; filled < count; ) {
    const head = varint(bytes, at);
    at = head.next;
    const room = count - filled;
    if (head.value % 2 === 1) {
      // Groups of eight; the last may exceed what remains.
      const groups = (head.value - 1) / 2;
      const packed = bytes.subarray(at, at + Math.min(groups * width, bytes.length));
      const some = Math.min(room, groups * 8, width === 0 ? room : Math.floor((packed.length * 8) / width));
      if (some === 0) throw short();
      unpack(packed, width, numbers, filled, some);
      filled += some;
      at += packed.length;
    } else {
      const run = head.value / 2;
      if (run === 0) throw new Error('a page has a run of no values');
      const size = Math.ceil(width / 8);
      if (at + size > bytes.length) throw short();
      let value = 0;
      for (let i = 0; i < size; i++) value += bytes[at + i] * 2 ** (8 * i);
      at += size;
      const some = Math.min(run, room);
      numbers.fill(value, filled, filled + some);
      filled += some;
    }
  }
  return numbers;
}

/**
 * Numbers in blocks of differences, each block with its minimum and bit widths.
 * @returns the numbers, and where they end   @throws Error when there are not `count`
 */
export function readDeltas(bytes: Uint8Array, count: number): { numbers: Int32Array; end: number } {
  let at = 0;
  const next = () => {
    const read = varint(bytes, at);
    at = read.next;
    return read.value;
  };
  const [blockSize, miniblocks, total] = [next(), next(), next()];
  const size = blockSize / miniblocks;
  if (total !== count || !(size > 0 && size <= 2 ** 20) || size % 8 !== 0) {
    throw new Error('a page of differences does not hold what it says');
  }
  const numbers = new Int32Array(count);
  let last = zigzag(next());
  if (count > 0) numbers[0] = last;
  const unpacked = new Uint32Array(size);
  for (let filled = 1; filled < count; ) {
    const least = zigzag(next());
    const widths = bytes.subarray(at, at + miniblocks);
    if (widths.length < miniblocks) throw short();
    at += miniblocks;
    for (const width of widths) {
      if (filled >= count) break;
      if (width > 32) throw new Error(`a page has numbers of ${width} bits`);
      const packed = bytes.subarray(at, at + (width * size) / 8);
      const some = Math.min(size, count - filled);
      if (packed.length * 8 < some * width) throw short();
      unpack(packed, width, unpacked, 0, some);
      for (let i = 0; i < some; i++) {
        last = (last + least + unpacked[i]) | 0;
        numbers[filled++] = last;
      }
      at += packed.length;
    }
  }
  return { numbers, end: at };
}

/** Numbers of `width` bits, the lowest bit first. */
function unpack(packed: Uint8Array, width: number, into: Uint32Array, from: number, count: number): void {
  let at = 0;
  let held = 0;
  let bits = 0;
  const mask = 2 ** width;
  for (let i = 0; i < count; i++) {
    // At most 39 bits, which a double represents exactly.
    for (; bits < width; bits += 8) held += packed[at++] * 2 ** bits;
    into[from + i] = held % mask;
    held = Math.floor(held / mask);
    bits -= width;
  }
}

function varint(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    if (at + i >= bytes.length) throw short();
    const byte = bytes[at + i];
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
  throw new Error('a page has a number of more than ten bytes');
}

function zigzag(folded: number): number {
  return (folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2) | 0;
}

function short(): Error {
  return new Error('a page holds fewer values than it says');
}
