/**
 * What a result may hold of each sequence (`ppl --by-sequence`), so that another run can be compared with it sequence by
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
  /** UTF-8 bytes of the decoded text without BOS and EOS. Absent from files of protocol version 1. */
  textBytes?: number[];
  /** Place in the packed stream; left out where it is the place in the column. */
  index?: number[];
  /** Document that holds most of its tokens; left out where documents are unknown or shorter than sequences. */
  document?: number[];
}
