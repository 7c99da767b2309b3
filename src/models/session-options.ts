import type { InferenceSession } from 'onnxruntime-node';
import type { WorkerTask } from './session-protocol.js';

/**
 * How the runtime is told to run a graph.
 * - The graph is given as bytes; its weights are byte ranges of files in `folder` (the runtime refuses absolute paths).
 * - Sequential execution: the networks are chains, parallelism lies inside the operators.
 * - A memory pattern (all activations of a call planned as one block) where asked: calls of small networks take 5% less
 *   time, but a second block as large as all activations is kept (981 MB for 571 where those hold 206 MB of logits).
 */
export function sessionOptions({
  folder,
  provider,
  threads,
  memoryPattern,
}: Omit<WorkerTask, 'graph' | 'progress'>): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    enableMemPattern: memoryPattern,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    ...(folder ? { extra: { session: { model_external_initializers_file_folder_path: folder } } } : {}),
  };
}
