/** Starts a session of a checkpoint's graph with a head in place of its logits. */
import type { Graph } from '../graph/graph.js';
import { prune } from '../graph/prune.js';
import type { Checkpoint } from './checkpoint.js';
import { promiseLogits } from './promised-logits.js';
import type { Placement } from './provider.js';
import { type ModelSession, startSession } from './session.js';

/** Logits this wide, if all are in memory at once, should not be kept twice. */
export const WIDE_VOCABULARY = 4096;

export interface HeadSessionOptions {
  checkpoint: Checkpoint;
  provider: Placement;
  threads?: number;
  /** As in SessionRequest. */
  spinning?: boolean;
}

/** @param graph the checkpoint's, with its head; nodes that no output needs are removed   @throws ModelError as the session */
export function startHeadSession(
  graph: Graph,
  { checkpoint, provider, threads, spinning }: HeadSessionOptions,
): Promise<ModelSession> {
  const logits = promiseLogits(graph, checkpoint);
  prune(graph.proto);
  const wholeLogits = graph.proto.node.some(({ output }) => output.includes('logits'));
  return startSession({
    graph: graph.toBytes(),
    folder: checkpoint.folder,
    provider,
    threads,
    memoryPattern: !wholeLogits || checkpoint.vocabSize < WIDE_VOCABULARY,
    spinning,
    logits,
    label: checkpoint.name,
  });
}
