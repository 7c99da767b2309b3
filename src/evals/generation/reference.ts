/**
 * Real text as a set like the samples': the same number of sequences of the same length, packed like the model's training
 * and evaluation data, and spread evenly over the data set.
 */

import type { ProtocolName } from '../../datasets/cutting.js';
import { packDataset } from '../../datasets/pack-dataset.js';
import { longDocuments, type PackedStream, skippedRowsSaid } from '../../datasets/packed-stream.js';
import { droppedNotice } from '../../datasets/packing-notices.js';
import { type DatasetRequest, resolveDataset } from '../../datasets/resolve-dataset.js';
import { selectedSequences } from '../../datasets/selected-sequences.js';
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { UsageError } from '../../errors.js';
import type { Observer } from '../../observer.js';
import { datasetRecord } from '../dataset-record.js';
import { type GeneratedText, type TextSet, tokenizerFacts } from './texts.js';

export interface ReferenceOptions extends DatasetRequest {
  /** Tokenizer of the samples. */
  tokenizer: Tokenizer;
  protocol: ProtocolName;
  /** Tokens per sequence. */
  length: number;
  /** Number of sequences, if the data set has as many. */
  count: number;
  observer: Observer;
}

/** @param flags that compare with real text, where there is none */
export const needsReference = (flags: readonly string[]): UsageError =>
  new UsageError({
    code: 'needs-reference',
    message: `${flags.join(', ')} ${flags.length > 1 ? 'need' : 'needs'} real text to compare with.`,
    hint: 'Give --reference-dataset, for example sotu; duo-eval datasets lists the names.',
  });

export interface ReferenceTexts {
  set: TextSet;
  /** As many other sequences of the data set, the neighbours of those of the set; the same where it has no others. */
  others(): Int32Array[];
  /** Closes the data. */
  close(): void;
}

/** @throws DataError, FileError, UsageError */
export async function referenceTexts(options: ReferenceOptions): Promise<ReferenceTexts> {
  const { spec, textColumn, skipNull, tokenizer, protocol, length, count, observer } = options;
  const source = await resolveDataset({ spec, textColumn, skipNull });
  const stream = await packDataset({
    source,
    tokenizer,
    protocol,
    length,
    onProgress: (done, total) => observer.progress?.(`packing ${source.name}`, done, total),
    signal: observer.signal,
  });
  const dropped = droppedNotice(stream);
  if (dropped !== null) observer.warn?.(dropped);
  const skipped = skippedRowsSaid(stream);
  if (skipped !== null) observer.warn?.(skipped);
  if (stream.sequences < count) {
    observer.warn?.(
      `${stream.name} has ${stream.sequences} sequences of ${length} tokens, fewer than the ${count} samples: distinct-n and compression depend on the number.`,
    );
  }
  const taken = selectedSequences(stream, { kind: 'spread', count });
  const set: TextSet = {
    name: stream.name,
    model: null,
    dataset: datasetRecord(stream),
    documents: longDocuments(taken),
    count: taken.sequences,
    tokenizer,
    facts: {
      path: null,
      length,
      ...tokenizerFacts(tokenizer),
      sampler: null,
      seed: null,
      temperature: null,
      topK: null,
      topP: null,
      prompt: null,
    },
    texts: textsOf(taken, tokenizer, protocol === 'duo'),
  };
  const others = () =>
    Array.from({ length: taken.sequences }, (_, i) =>
      Int32Array.from(stream.sequence((taken.indexOf(i) + 1) % stream.sequences)),
    );
  return { set, others, close: () => stream.close() };
}

async function* textsOf(
  stream: PackedStream,
  tokenizer: Tokenizer,
  cleanUp: boolean,
): AsyncGenerator<GeneratedText> {
  for (let i = 0; i < stream.sequences; i++) {
    const tokens = stream.sequence(i);
    yield { tokens, text: tokenizer.decode(tokens, { cleanUp }), nfe: null, seconds: null };
  }
}
