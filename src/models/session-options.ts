import type { InferenceSession } from 'onnxruntime-node';
import { byteProducts } from './machine.js';
import { deviceOf, type Placement } from './provider.js';
import type { WorkerTask } from './session-protocol.js';

/**
 * The runtime's options for a session.
 * - The graph is passed as bytes; its weights are byte ranges of files in `folder` (the runtime refuses absolute paths).
 * - Sequential execution: the networks are chains, and parallelism lies inside the operators.
 * - A memory pattern (all activations of a call planned as one block) on request: calls of small networks take 5% less time,
 *   but a second block as large as all activations is kept (981 MB instead of 571 with 206 MB of logits).
 * - Threads that spin between operators need not be woken for each, but occupy the cores: without spinning, calls of a graph
 *   of many short operators, such as a draw in blocks of rows, take three quarters of the time on busy cores.
 * - Products of whole numbers are exact: without this option, x64 processors before VNNI add pairs of products in 16 bits, and cut
 *   what does not fit. Others take twice as long with it. The runtime refuses matrices that DequantizeLinear widens beside it.
 * - Without constant folding, weights of float16 stay so until a call widens them: half the memory, for 1 ns per weight and call.
 */
export function sessionOptions({
  folder,
  provider,
  threads,
  memoryPattern,
  spinning = true,
  widensAtEachCall = false,
  integerProducts = false,
}: Omit<WorkerTask, 'graph' | 'progress'>): InferenceSession.SessionOptions {
  const config = {
    ...(folder && { model_external_initializers_file_folder_path: folder }),
    ...(integerProducts && process.arch === 'x64' && byteProducts() === null && { x64quantprecision: '1' }),
    ...(!spinning && { intra_op: { allow_spinning: '0' } }),
  };
  return {
    executionProviders: executionProviders(provider),
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    enableMemPattern: memoryPattern,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    ...((Object.keys(config).length > 0 || widensAtEachCall) && {
      extra: {
        session: config,
        ...(widensAtEachCall && { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
      },
    }),
  };
}

/** What the provider lacks runs on the CPU. The runtime takes the number of a card for CUDA alone. */
function executionProviders(placement: Placement): InferenceSession.ExecutionProviderConfig[] {
  if (placement === 'cpu') return ['cpu'];
  const deviceId = deviceOf(placement);
  return [deviceId === null ? placement : { name: 'cuda', deviceId }, 'cpu'];
}
