/** Runs a graph in a session of the runtime, its weights left where they lie. */
import ort from 'onnxruntime-node';

export async function runGraph(
  bytes: Uint8Array,
  folder: string,
  feeds: Record<string, InstanceType<typeof ort.Tensor>>,
): Promise<Record<string, { data: unknown; dims: readonly number[] }>> {
  const session = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
    extra: { session: folder ? { model_external_initializers_file_folder_path: folder } : {} },
  });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

export const int64 = (values: readonly number[], dims: readonly number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);

export const float32 = (values: readonly number[], dims: readonly number[]) =>
  new ort.Tensor('float32', Float32Array.from(values), dims);
