/** How many sequences one call of a checkpoint takes: by default, by its graph's fixed batch, and as many as have fitted into memory. */
import { ModelError } from '../errors.js';
import type { Checkpoint } from './checkpoint.js';

/** Larger batches of logits gain no parallelism, and logits take most of a call's memory. */
const LOGITS_BYTES_PER_CALL = 64 * 2 ** 20;
const LARGEST_DEFAULT_BATCH = 32;

/**
 * Sequences per model call: what the graph requires, else what was asked for, else so many that the logits of a call stay moderate
 * in size.
 * @param length tokens per sequence, where the graph fixes none
 */
export function batchOf(
  { signature: { fixedBatch, fixedLength }, vocabSize }: Pick<Checkpoint, 'signature' | 'vocabSize'>,
  length: number,
  asked: number | null | undefined,
): number {
  const bytes = (fixedLength ?? length) * vocabSize * 4;
  const usual = Math.max(1, Math.min(LARGEST_DEFAULT_BATCH, Math.floor(LOGITS_BYTES_PER_CALL / bytes)));
  return fixedBatch ?? asked ?? usual;
}

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
