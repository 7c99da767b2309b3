/** What an evaluation found of each sequence: the columns that errors, differences and `--by-sequence` are made from. */
import { longDocuments } from '../../datasets/packed-stream.js';
import type { SelectedStream } from '../../datasets/selected-sequences.js';
import type { SequencesRecord } from '../../records/record.js';
import type { SequenceLosses, TextLosses } from '../../records/text-figures.js';
import { entry, type Numbers, numbersOf } from '../../statistics/numbers.js';
import type { DocumentsOf } from '../../statistics/text-ratio.js';
import { NumberColumn } from '../../storage/number-column.js';

/** Columns of a row, one entry per sequence; the caller closes them. Token counts, bytes and documents are the stream's. */
export interface EstimatedLosses extends SequenceLosses, TextLosses {
  documents: DocumentsOf;
  /** Standard error of the total nats over draws; as of {@link perplexityMetrics}. */
  natsMcStderr: number | null;
  close(): void;
}

/** @param sums over so many passes, of all tokens and of the text's; they stay the caller's */
export function estimatedLosses(
  stream: SelectedStream,
  sums: { nats: NumberColumn; textNats: NumberColumn },
  passes: number,
  known: { tokens: Numbers; natsMcStderr: number | null },
): EstimatedLosses {
  const { sequences } = stream;
  const edges = stream.wrapped ? 2 : 0;
  const mean = (column: NumberColumn) => {
    const means = new NumberColumn(sequences);
    for (let i = 0; i < sequences; i++) means.set(i, column.at(i) / passes);
    return means;
  };
  const [nats, textNats] = [mean(sums.nats), mean(sums.textNats)];
  return {
    nats,
    textBytes: numbersOf(sequences, (i) => stream.textBytes(i)),
    textNats,
    textTokens: numbersOf(sequences, (i) => stream.lengthOf(i) - edges),
    documents: longDocuments(stream),
    ...known,
    close() {
      nats.close();
      textNats.close();
    },
  };
}

/** For the result file. */
export function sequencesRecord(
  { selection, sequences, indexOf }: SelectedStream,
  { nats, tokens, textNats, textTokens, textBytes, documents }: EstimatedLosses,
): SequencesRecord {
  const listed = (column: Numbers) => Array.from({ length: column.length }, (_, i) => entry(column, i));
  return {
    nats: listed(nats),
    tokens: listed(tokens),
    textNats: listed(textNats),
    textTokens: listed(textTokens),
    textBytes: listed(textBytes),
    ...(selection?.kind === 'spread' && { index: listed(numbersOf(sequences, indexOf)) }),
    ...(documents && { document: listed(documents) }),
  };
}
