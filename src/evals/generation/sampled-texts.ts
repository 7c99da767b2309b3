/** A model's samples, made on the spot, as a set of texts; resumable, as `sample` is. */
import type { SampleRequest } from '../../sampling/sample-request.js';
import { openSampleRun, type SampleRun } from '../../sampling/sample-run.js';
import { factsOfSamples, type GeneratedText, type TextSet, type TextSetNotices } from './texts.js';

export interface SamplingObserver extends TextSetNotices {
  sampling?: (name: string, done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Starts the model. @throws UsageError, ModelError, DataError, FileError */
export async function sampledTexts(
  request: SampleRequest,
  name: string,
  observer: SamplingObserver,
): Promise<{ set: TextSet; run: SampleRun }> {
  const run = await openSampleRun(request, {
    note: observer.note,
    warn: observer.warn,
    progress: (done, total) => observer.sampling?.(name, done, total),
    signal: observer.signal,
  });
  const { model, count } = run.header;
  const set: TextSet = {
    name,
    model,
    dataset: null,
    count,
    tokenizer: request.tokenizer,
    facts: factsOfSamples(run.header, null),
    texts: textsOf(run),
  };
  return { set, run };
}

async function* textsOf(run: SampleRun): AsyncGenerator<GeneratedText> {
  for await (const { record } of run.records()) yield record;
}
