/**
 * Samples of a checkpoint, from the request to records: samples that an earlier run finished come from its journal, the rest is
 * generated, and each gets its text, in the order of their numbers.
 */
import { decidingFields } from '../models/checkpoint.js';
import { environmentOf } from '../models/machine.js';
import type { Provider } from '../models/provider.js';
import type { Observer } from '../observer.js';
import { SAMPLES_VERSION, type SampleRecord, type SamplesHeader } from '../records/samples-file.js';
import type { CacheKey } from '../storage/cache-entry.js';
import { sha256OfBytes } from '../storage/digest.js';
import type { WorkParts, WorkRange } from '../storage/work-journal.js';
import { generate } from './generate.js';
import type { GenerationPlan, GivenTokens, SampledModel } from './generation-plan.js';
import { type FinishedSample, openSampleJournal, type SampleJournal } from './sample-journal.js';
import {
  checkSampleRequest,
  givenCount,
  maskOf,
  type SampleRequest,
  sampledModel,
} from './sample-request.js';
import { type SamplingSession, startSamplingSession } from './sampling-session.js';
import { base64OfInts, type SampleTrace, TraceRecorder } from './trace.js';

/** Raised when a new version would make other samples from the same settings. */
const SAMPLING_VERSION = 1;

/** A sample with its text, and its trace if requested. */
export interface TracedRecord {
  record: SampleRecord;
  trace: SampleTrace | null;
}

export interface SampleRun {
  header: SamplesHeader;
  /** Seconds in the runtime so far, in this run alone. */
  readonly runSeconds: number;
  /** In the order of their numbers; call it once. */
  records(): AsyncGenerator<TracedRecord, void, void>;
  /** Stops the model and keeps the finished samples for a later run. */
  close(): Promise<void>;
  /** The samples are written: the next run starts from sample 0. After `close`, or instead of it. */
  finish(): Promise<void>;
}

/**
 * Starts the model. @param parts some samples, which a run of all joins, on any machine with the same cache; by default all of them
 * @throws as {@link checkSampleRequest}, ModelError, and FileError `in-use`
 */
export async function openSampleRun(
  request: SampleRequest,
  observer: Observer,
  parts?: WorkParts,
): Promise<SampleRun> {
  const model = await checkSampleRequest(request);
  const { checkpoint, sampler } = request;
  const session = await startSamplingSession({
    ...request,
    sampler: sampler.sampler,
    notice: observer.warn,
  });
  let journal: SampleJournal;
  try {
    journal = await openSampleJournal(await samplesKey(request, session.provider), {
      label: checkpoint.name,
      fresh: request.fresh,
      parts,
    });
  } catch (error) {
    await session.close();
    throw error;
  }
  const range = parts?.range ?? { from: 0, to: request.samples };
  let resumed = 0;
  for (const sample of journal.finished.keys()) if (sample >= range.from && sample < range.to) resumed++;
  if (resumed > 0)
    observer.note?.(`${checkpoint.name}: continuing; ${resumed} samples were finished by an earlier run.`);
  let open = true;
  const stop = async (end: () => void) => {
    if (!open) return end();
    open = false;
    await session.close();
    end();
  };
  return {
    header: await headerOf(request, session),
    get runSeconds() {
      return session.runSeconds;
    },
    async *records() {
      for await (const sample of allSamples(request, model, { session, journal, observer, range, resumed }))
        yield { record: recordOf(sample, request), trace: sample.trace };
      checkpoint.verifyUnchanged();
    },
    close: () => stop(() => journal.close()),
    finish: () => stop(() => journal.finish()),
  };
}

/** In order: finished samples as they are, those that are missing batch by batch. */
async function* allSamples(
  request: SampleRequest,
  model: SampledModel,
  { session, journal, observer, range, resumed }: SamplesToMake,
): AsyncGenerator<FinishedSample, void, void> {
  const { steps, traced, checkpoint } = request;
  const { finished } = journal;
  let done = resumed;
  const report = (detail = '') =>
    observer.progress?.(`sampling ${checkpoint.name}`, done, range.to - range.from, detail);
  report();
  const recorder = traced ? new TraceRecorder(request.length) : null;
  const plan: GenerationPlan = {
    ...request,
    model,
    source: session.source,
    signal: observer.signal,
    onStep(state) {
      recorder?.record(state);
      report(`step ${Math.min(state.step, steps)} of ${steps}`);
    },
  };
  for (let next = range.from; next < range.to; ) {
    const known = finished.get(next);
    if (known) {
      yield known;
      next++;
      continue;
    }
    let end = next + 1;
    while (end < range.to && !finished.has(end)) end++;
    for await (const batch of generate({ ...plan, first: next, samples: end })) {
      const complete = batch.map((sample, b) => ({ ...sample, trace: recorder?.batch[b] ?? null }));
      journal.append(complete);
      done += batch.length;
      report();
      warnOfMasks(request, complete, observer);
      yield* complete;
    }
    next = end;
  }
}

interface SamplesToMake {
  session: SamplingSession;
  journal: SampleJournal;
  observer: Observer;
  range: WorkRange;
  /** How many of them are finished. */
  resumed: number;
}

function recordOf({ sample, tokens, nfe, seconds }: FinishedSample, request: SampleRequest): SampleRecord {
  const text = request.tokenizer.decode(tokens, { cleanUp: request.protocol === 'duo' });
  return { sample, tokens: Array.from(tokens), text, nfe, seconds: Number(seconds.toPrecision(6)) };
}

function warnOfMasks(
  { checkpoint }: SampleRequest,
  batch: readonly FinishedSample[],
  observer: Observer,
): void {
  const mask = maskOf(sampledModel(checkpoint));
  if (mask === null) return;
  const left = batch.filter(({ tokens }) => tokens.includes(mask)).map(({ sample }) => sample);
  if (left.length === 0) return;
  observer.warn?.(
    `${left.length === 1 ? `Sample ${left[0]} has` : `Samples ${left.join(', ')} have`} masks left: the sampler did not remove all noise.`,
  );
}

/** Everything that decides a sample: not the batch, the threads or the number of samples. */
export async function samplesKey(request: SampleRequest, provider: Provider): Promise<CacheKey> {
  const { checkpoint, sampler, given } = request;
  const { bosTokenId, eosTokenId } = checkpoint.fields;
  const { family, vocabSize, maskTokenId, ...others } = decidingFields(checkpoint);
  return {
    samples: SAMPLING_VERSION,
    model: await checkpoint.sha256(),
    // In the order of earlier versions, whose stopped runs continue: a journal's header is compared as text.
    ...{ family, vocabSize, maskTokenId },
    // From the tokenizer if the checkpoint names none: ar samples begin with it.
    bosTokenId: bosTokenId.value ?? request.tokenizer.bosTokenId,
    eosTokenId: eosTokenId.value ?? request.tokenizer.eosTokenId,
    ...others,
    sampler: sampler.sampler.name,
    module: sampler.module?.sha256 ?? sampler.version ?? null,
    options: { ...request.options },
    steps: request.steps,
    length: request.length,
    seed: request.seed,
    temperature: request.temperature,
    topK: request.topK,
    topP: request.topP,
    given: given && digestOfGiven(given),
    traced: request.traced,
    provider,
  };
}

function digestOfGiven({ tokens, fixed }: GivenTokens): string {
  return sha256OfBytes(`${base64OfInts(tokens)} ${fixed.join('')}`);
}

async function headerOf(request: SampleRequest, session: SamplingSession): Promise<SamplesHeader> {
  const { checkpoint, sampler, source } = { ...request, source: session.source };
  return {
    schemaVersion: SAMPLES_VERSION,
    kind: 'samples',
    model: {
      name: checkpoint.name,
      family: checkpoint.family,
      sha256: await checkpoint.sha256(),
      path: checkpoint.path,
    },
    sampler: {
      name: sampler.sampler.name,
      options: { ...request.options },
      steps: request.steps,
      ...(sampler.module && { module: { ...sampler.module } }),
      ...(source.causal && { cached: source.causal.cached }),
    },
    length: request.length,
    seed: request.seed,
    temperature: request.temperature,
    topK: request.topK,
    topP: request.topP,
    vocabSize: checkpoint.vocabSize,
    tokenizerSha256: request.tokenizer.sha256,
    bosTokenId: request.tokenizer.bosTokenId,
    eosTokenId: request.tokenizer.eosTokenId,
    count: request.samples,
    prompt: request.given !== null,
    promptSha256: request.given && digestOfGiven(request.given),
    given: givenCount(request),
    protocol: request.protocol,
    environment: {
      ...environmentOf(session),
      batch: request.batch,
    },
  };
}
