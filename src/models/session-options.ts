import type { InferenceSession } from 'onnxruntime-node';
import type { WorkerTask } from './session-protocol.js';

/**
 * How the runtime is told to run a graph.
 * - The graph is given as bytes; its weights are byte ranges of files in `folder` (the runtime refuses absolute paths).
 * - Sequential execution: the networks are chains, parallelism lies inside the operators.
 * - No memory pattern: it keeps a second block as large as all activations of a call (wide.onnx with the Duo head,
 *   batch 1: peak 981 MB with it, 571 MB without, same time).
 */
export function sessionOptions({
  folder,
  provider,
  threads,
}: Omit<WorkerTask, 'graph'>): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    enableMemPattern: false,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    ...(folder ? { extra: { session: { model_external_initializers_file_folder_path: folder } } } : {}),
  };
}
