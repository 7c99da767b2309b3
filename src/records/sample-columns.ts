/**
 * What a result of `gen` may hold of each sample (`gen --by-sample`), so that another run can be compared with it sample by
 * sample: a further key of the record, `bySample`, of the same `schemaVersion`. Readers that do not know it lose nothing.
 */

/** Columns, one entry a sample, in the order of their numbers. */
export interface SampleColumns {
  /** Nats of the counted tokens under the judge; null without one, as are `tokens`. */
  nats: number[] | null;
  /** Counted tokens. */
  tokens: number[] | null;
  /** Unigram entropy of its token ids, nats. */
  entropy: number[];
  /** Share of its 4-grams that are not new; null where samples are of fewer than 4 tokens. */
  repetition4: number[] | null;
}
