/** A model's samples, sampled in this run, as a set of texts; resumable, as `sample` is. */
import type { Observer } from '../../observer.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import { openSampleRun, type SampleRun } from '../../sampling/sample-run.js';
import type { WorkParts } from '../../storage/work-journal.js';
import { factsOfSamples, type GeneratedText, type TextSet } from './texts.js';

/** Starts the model. @param parts joins what others made for this purpose   @throws UsageError, ModelError, DataError, FileError */
export async function sampledTexts(
  request: SampleRequest,
  name: string,
  observer: Observer,
  parts?: WorkParts,
): Promise<{ set: TextSet; run: SampleRun }> {
  const run = await openSampleRun(request, observer, parts);
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
