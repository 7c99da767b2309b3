/** A file of safetensors with random float32 tensors: names and shapes; null leaves a name out. */
export function randomTensors(shapes: Readonly<Record<string, readonly number[] | null>>): Buffer {
  const header: Record<string, { dtype: 'F32'; shape: readonly number[]; data_offsets: [number, number] }> =
    {};
  let at = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    if (shape === null) continue;
    const bytes = 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const values = Float32Array.from({ length: at / 4 }, (_, i) => Math.sin(1 + 12.9898 * i) / 2);
  return Buffer.concat([size, text, Buffer.from(values.buffer)]);
}
