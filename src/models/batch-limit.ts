/** How many sequences one call of a checkpoint may take: the fixed batch of its graph, and what has fitted into memory. */
import { ModelError } from '../errors.js';
import type { Checkpoint } from './checkpoint.js';

/** @throws ModelError `batch-past-graph` */
export function checkFixedBatch({ name, signature: { fixedBatch } }: Checkpoint, batch: number): void {
  if (fixedBatch === null || batch <= fixedBatch) return;
  throw new ModelError({
    code: 'batch-past-graph',
    message: `${name}: its graph takes ${fixedBatch} sequences per call, not ${batch}.`,
    hint: `Use --batch ${fixedBatch}.`,
  });
}

/** A batch that does not fit into memory is halved, and later ones are no larger. */
export class BatchLimit {
  /** Sequences per call, once memory has set a limit. */
  size = Number.POSITIVE_INFINITY;

  /** @param what is in a batch, in the plural   @param notice called with a message about a new limit */
  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly what: string,
    private readonly notice: ((text: string) => void) | undefined,
  ) {}

  /** @throws the error, unless a smaller batch may help */
  halve(error: unknown, size: number): void {
    const mendable = error instanceof ModelError && error.code === 'out-of-memory' && size > 1;
    if (!mendable || this.checkpoint.signature.fixedBatch !== null) throw error;
    const half = Math.ceil(size / 2);
    if (half >= this.size) return; // another call in flight has already lowered the limit
    this.size = half;
    this.notice?.(
      `${this.checkpoint.name}: ${size} ${this.what} per call do not fit into memory; continuing with ${half}.`,
    );
  }
}
