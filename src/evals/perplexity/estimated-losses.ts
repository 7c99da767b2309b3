/** Losses per sequence: the columns behind errors, differences and `--by-sequence`. */
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
  /** Monte Carlo standard error of the total nats, as in {@link perplexityMetrics}. */
  natsMcStderr: number | null;
  close(): void;
}

/** @param sums over these passes, of all tokens and of the text; the caller closes them */
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

/** As the results file holds them. */
export function sequencesRecord(
  { selection, sequences, indexOf }: SelectedStream,
  { nats, tokens, textNats, textTokens, textBytes, documents }: EstimatedLosses,
): SequencesRecord {
  const arrayOf = (column: Numbers) => Array.from({ length: column.length }, (_, i) => entry(column, i));
  return {
    nats: arrayOf(nats),
    tokens: arrayOf(tokens),
    textNats: arrayOf(textNats),
    textTokens: arrayOf(textTokens),
    textBytes: arrayOf(textBytes),
    ...(selection?.kind === 'spread' && { index: arrayOf(numbersOf(sequences, indexOf)) }),
    ...(documents && { document: arrayOf(documents) }),
  };
}
