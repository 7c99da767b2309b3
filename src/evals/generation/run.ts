/**
 * Generative quality of sets of texts, a row each: what `gen` does. A set's texts are read once. Kept per text: the
 * judge's token ids, the entropy and the bytes; never a logit.
 */
import { createHash } from 'node:crypto';
import type { ProtocolName } from '../../datasets/cutting.js';
import { environmentOf } from '../../models/machine.js';
import type { Observer } from '../../observer.js';
import { intervalMethod, RESAMPLES } from '../../statistics/bootstrap.js';
import type { BrierPart } from './continuations.js';
import { COMPRESSION_LEVEL, Diversity } from './diversity.js';
import { generativePerplexity, perplexityOfText } from './generative-perplexity.js';
import type { Judge, Judgement } from './judge.js';
import type { GenerativeResult, ReferenceRecord, SampleColumns, SampleSetRecord } from './record.js';
import { againstReference, type FeatureModel, type ReadSet, selfBleuOf } from './reference-measures.js';
import type { TextSet } from './texts.js';

/** Increased whenever the same protocol name would give another figure. 2: intervals are bootstrap-t, of real text over units. */
const PROTOCOL_VERSION = 2;

export interface GenerativeOptions {
  protocol: ProtocolName;
  /** Seed of the bootstrap. */
  seed: number;
  /** Null: diversity only. */
  judge: Judge | null;
  /** The result includes the figures of each sample. */
  bySample?: boolean;
  /** Describes texts by vectors, for MAUVE; by default none. */
  features?: FeatureModel | null;
  /** Real text to compare with; by default none. */
  against?: MeasuredTexts | null;
  /** BrierLM of what writes these texts, computed apart. */
  brier?: BrierPart | null;
}

/** The figures of a set and, for intervals of derived figures, their values per sample. */
export interface MeasuredTexts {
  result: GenerativeResult;
  /** Null without a judge. */
  judgement: Judgement | null;
  /** Entropy per sample, nats. */
  entropies: Float64Array;
  /** For comparisons of other sets with this one. */
  read: ReadSet;
}

/** @throws DataError, ModelError, NumericalError, InterruptedError */
export async function measureTexts(
  set: TextSet,
  options: GenerativeOptions,
  observer: Observer,
): Promise<MeasuredTexts> {
  const { protocol, seed, judge, bySample = false, features: featureModel = null, brier = null } = options;
  const read = await readTexts(set, { judge, features: featureModel }, observer);
  if (judge && judge.context < set.facts.length) {
    observer.note?.(
      `${set.name}: ${set.facts.length} tokens a text, and the judge reads ${judge.context} at a time: it is judged in windows, each for itself.`,
    );
  }
  const judgement = judge && (await judge.judge(set.name, read.judged, observer.progress));
  if (judgement && judgement.resumed > 0) {
    observer.note?.(`${set.name}: continuing; ${judgement.resumed} windows were judged by an earlier run.`);
  }
  const nothing = { nats: new Float64Array(0), tokens: new Float64Array(0) };
  const isText = set.documents !== undefined;
  const perplexity = isText
    ? perplexityOfText(judgement ?? nothing, set.documents ?? null)
    : generativePerplexity(judgement ?? nothing, { seed });
  if (judgement && perplexity.genPpl.value === null)
    observer.warn?.(`${set.name}: the judge's tokenizer leaves no token to score.`);
  const tokens = judgement?.tokens.reduce((sum, count) => sum + count, 0) ?? 0;
  const counted = judgement?.tokens.filter((count) => count > 0).length ?? read.record.count;
  const unscored = read.record.count - counted;
  const wallSeconds = judgement?.wallSeconds ?? null;
  const features = featureModel && (await featureModel.ofTexts(set.name, read.described, observer.progress));
  const asRead: ReadSet = { tokens: read.tokens, tokenizerSha256: set.facts.tokenizerSha256, features };
  const compared = options.against && againstReference(asRead, options.against.read, { seed });
  const result: GenerativeResult = {
    eval: 'gen',
    model: set.model,
    samples: read.record,
    dataset: set.dataset,
    judge: judge && (await judge.record()),
    protocol: {
      name: protocol,
      version: PROTOCOL_VERSION,
      seed,
      resamples: RESAMPLES,
      interval: isText ? 'student-t' : intervalMethod(counted),
      compressionLevel: COMPRESSION_LEVEL,
    },
    metrics: {
      ...perplexity,
      ...read.diversity.metrics(set.documents),
      selfBleu: selfBleuOf(read.tokens),
      ...compared?.metrics,
      ...brier?.metrics,
    },
    ...(unscored > 0 && { unscored }),
    cost: {
      sequences: read.record.count,
      tokens,
      modelCalls: judgement?.modelCalls ?? 0,
      wallSeconds,
      tokensPerSecond: wallSeconds ? tokens / wallSeconds : null,
    },
    environment: environmentOf(judge?.runtime ?? { provider: null, threads: null }),
    ...(options.against && { reference: referenceOf(options.against.result) }),
    ...(compared?.mauve &&
      featureModel && { mauve: { ...(await featureModel.record(seed)), ...compared.mauve } }),
    ...(brier && { brier: brier.record }),
    ...(bySample && { bySample: columnsOf(read.diversity, judgement) }),
  };
  return { result, judgement, entropies: read.diversity.entropyOfSamples, read: asRead };
}

/** @param result of real text */
function referenceOf({ dataset, samples }: GenerativeResult): ReferenceRecord {
  const { sha256, count, length } = samples;
  // a set of real text names its data set
  return { dataset: dataset!, sha256, count, length };
}

function columnsOf(diversity: Diversity, judgement: Judgement | null): SampleColumns {
  const repetitions = diversity.repetitionOfSamples;
  return {
    nats: judgement && Array.from(judgement.nats),
    tokens: judgement && Array.from(judgement.tokens),
    entropy: Array.from(diversity.entropyOfSamples),
    repetition4: repetitions && Array.from(repetitions),
  };
}

interface ReadTexts {
  record: SampleSetRecord;
  diversity: Diversity;
  /** Token ids per text, as generated. */
  tokens: Int32Array[];
  /** Token ids per text in the judge's tokenizer; empty without a judge. */
  judged: Int32Array[];
  /** The same in the tokenizer of the model of features. */
  described: Int32Array[];
}

async function readTexts(
  { name, facts, texts }: TextSet,
  { judge, features }: { judge: Judge | null; features: FeatureModel | null },
  observer: Observer,
): Promise<ReadTexts> {
  const diversity = new Diversity();
  const all: Int32Array[] = [];
  const judged: Int32Array[] = [];
  const described: Int32Array[] = [];
  const hash = createHash('sha256');
  let count = 0;
  let calls: number | null = 0;
  let time: number | null = 0;
  for await (const { tokens, text, nfe, seconds } of texts) {
    observer.signal?.throwIfAborted();
    diversity.add(tokens, text);
    const ids = Int32Array.from(tokens);
    hash.update(ids);
    all.push(ids);
    if (features) described.push(features.idsOf(text, tokens.length));
    if (judge) judged.push(judge.idsOf(text, tokens.length));
    calls = calls === null || nfe === null ? null : calls + nfe;
    time = time === null || seconds === null ? null : time + seconds;
    count++;
  }
  const nfe = calls === null || count === 0 ? null : calls / count;
  const record = { name, ...facts, sha256: hash.digest('hex'), count, nfe, seconds: time };
  return { record, diversity, tokens: all, judged, described };
}
