import type { InferenceSession } from 'onnxruntime-node';
import type { WorkerTask } from './session-protocol.js';

/**
 * How the runtime is told to run a graph.
 * - The graph is given as bytes; its weights are byte ranges of files in `folder` (the runtime refuses absolute paths).
 * - Sequential execution: the networks are chains, parallelism lies inside the operators.
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
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    extra: {
      session: folder ? { model_external_initializers_file_folder_path: folder } : {},
    },
  };
}
