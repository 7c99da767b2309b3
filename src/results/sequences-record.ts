/**
 * What a result may hold of each sequence (`ppl --sequences`), so that another run can be compared with it sequence by
 * sequence: a further key of the record, `sequences`, of the same `schemaVersion`. Readers that do not know it lose nothing.
 */

/** Columns, one entry a sequence, in the order of the packed stream. */
export interface SequencesRecord {
  /** Total nats of the scored tokens, the mean over draws. */
  nats: number[];
  /** Scored tokens. */
  tokens: number[];
  /** Of the text alone, BOS and EOS not counted: the same tokens for every model of the tokenizer. */
  textNats: number[];
  textTokens: number[];
}
