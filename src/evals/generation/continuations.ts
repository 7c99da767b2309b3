/**
 * Two continuations of each of many prompts, and the true one: what BrierLM (statistics/brier.ts) is computed from. A prompt is the
 * beginning of a real sequence; beginnings of all lengths occur equally often. The sampler writes the rest of the sequence, of which
 * the first four tokens count, so it is the sampler of the row, with its steps, temperature and truncation, that is scored.
 */

import type { ProtocolName } from '../../datasets/cutting.js';
import { packDataset } from '../../datasets/pack-dataset.js';
import { type DatasetRequest, resolveDataset } from '../../datasets/resolve-dataset.js';
import { type SelectedStream, selectedSequences } from '../../datasets/selected-sequences.js';
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { UsageError } from '../../errors.js';
import type { Observer } from '../../observer.js';
import { generate } from '../../sampling/generate.js';
import type { GeneratedSample, GenerationPlan, GivenTokens } from '../../sampling/generation-plan.js';
import { type SampleRequest, sampledModel } from '../../sampling/sample-request.js';
import { startSamplingSession } from '../../sampling/sampling-session.js';
import { BRIER_ORDERS, brierItem, brierScores } from '../../statistics/brier.js';
import { datasetRecord } from '../dataset-record.js';
import type { Control } from './controls.js';
import type { BrierRecord, GenerativeResult } from './record.js';

export interface BrierRequest {
  dataset: DatasetRequest;
  /** Prompts. */
  items: number;
}

/** A real sequence and where its prompt ends. */
interface Prompt {
  sequence: Int32Array;
  /** Tokens of the prompt, at least 1; at least four follow. */
  cut: number;
}

export interface Prompts {
  all: readonly Prompt[];
  length: number;
  record: Omit<BrierRecord, 'seed' | 'nfe'>;
}

export interface BrierPart {
  metrics: Pick<GenerativeResult['metrics'], 'brierLm' | `brier${1 | 2 | 3 | 4}`>;
  record: BrierRecord;
}

/** Continuations are numbered from here, so that they share no random number with the samples of the row. */
const FIRST_SAMPLE = 2 ** 40;

/** The golden ratio's fractional part: its multiples fill [0, 1) evenly. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** @throws DataError, FileError, UsageError `texts-too-short` */
export async function readPrompts(
  { dataset, items }: BrierRequest,
  { tokenizer, length, protocol }: { tokenizer: Tokenizer; length: number; protocol: ProtocolName },
  observer: Observer,
): Promise<Prompts> {
  if (length < BRIER_ORDERS + 1) {
    throw new UsageError({
      code: 'texts-too-short',
      message: `BrierLM compares ${BRIER_ORDERS} tokens after a prompt; texts of ${length} tokens leave no prompt.`,
      hint: `Give --length ${BRIER_ORDERS + 1} or more.`,
    });
  }
  const source = await resolveDataset(dataset);
  const stream = await packDataset({
    ...{ source, tokenizer, protocol, length },
    onProgress: (done, total) => observer.progress?.(`packing ${source.name}`, done, total),
    signal: observer.signal,
  });
  try {
    const taken = selectedSequences(stream, { kind: 'spread', count: items });
    if (taken.sequences < items)
      observer.warn?.(
        `${stream.name} has ${taken.sequences} sequences, fewer than the ${items} prompts asked for.`,
      );
    return {
      all: Array.from({ length: taken.sequences }, (_, i) => promptOf(taken, i)).filter(
        ({ sequence }) => sequence.length === length,
      ),
      length,
      record: { dataset: datasetRecord(stream), items: taken.sequences, length },
    };
  } finally {
    stream.close();
  }
}

function promptOf(stream: SelectedStream, i: number): Prompt {
  const sequence = Int32Array.from(stream.sequence(i));
  const share = ((i + 1) * GOLDEN) % 1;
  return { sequence, cut: 1 + Math.floor(share * (sequence.length - BRIER_ORDERS)) };
}

/** BrierLM of a model's sampler. Starts the model. @throws ModelError, UsageError, InterruptedError */
export async function brierOfModel(
  request: SampleRequest,
  prompts: Prompts,
  observer: Observer,
): Promise<BrierPart> {
  const { checkpoint, sampler, seed } = request;
  const session = await startSamplingSession({ ...request, sampler: sampler.sampler, notice: observer.warn });
  const pairs: GeneratedSample[] = [];
  try {
    const model = sampledModel(checkpoint, request.tokenizer);
    const plan = { ...request, model, source: session.source, signal: observer.signal };
    const report = () =>
      observer.progress?.(`continuing prompts by ${checkpoint.name}`, pairs.length, 2 * prompts.all.length);
    report();
    for (const part of plansOf(plan, prompts, sampler.module === null && !session.source.latent))
      for await (const batch of generate(part)) {
        pairs.push(...batch);
        report();
      }
  } finally {
    await session.close();
  }
  const calls = pairs.reduce((sum, { nfe }) => sum + nfe, 0);
  return brierOf(prompts, (item, draw) => pairs[2 * item + draw].tokens, { seed, nfe: calls / pairs.length });
}

/** All prompts in one plan where a batch can hold different prompts; else a plan for each, which gives the same texts. */
function* plansOf(plan: GenerationPlan, { all }: Prompts, mixed: boolean): Generator<GenerationPlan> {
  const givens = all.map(givenOf);
  if (mixed) {
    const each = givens.flatMap((given, item) =>
      [0, 1].map((draw) => ({ seed: plan.seed, sample: FIRST_SAMPLE + 2 * item + draw, given })),
    );
    yield { ...plan, each, given: null, first: 0, samples: each.length };
    return;
  }
  for (const [item, given] of givens.entries()) {
    const first = FIRST_SAMPLE + 2 * item;
    yield { ...plan, given, first, samples: first + 2, batch: Math.min(plan.batch, 2) };
  }
}

function givenOf({ sequence, cut }: Prompt): GivenTokens {
  const tokens = new Int32Array(sequence.length);
  const fixed = new Uint8Array(sequence.length);
  tokens.set(sequence.subarray(0, cut));
  fixed.fill(1, 0, cut);
  return { tokens, fixed };
}

/** BrierLM of a naive sampler. */
export function brierOfControl(control: Control, prompts: Prompts, seed: number): BrierPart {
  return brierOf(
    prompts,
    (item, draw) => {
      const { sequence, cut } = prompts.all[item];
      return control.write(FIRST_SAMPLE + 2 * item + draw, sequence.subarray(0, cut));
    },
    { seed, nfe: 0 },
  );
}

/** @param continued the whole text of a prompt's first or second continuation */
function brierOf(
  { all, record }: Prompts,
  continued: (item: number, draw: 0 | 1) => Int32Array,
  { seed, nfe }: { seed: number; nfe: number },
): BrierPart {
  const items = all.map(({ sequence, cut }, item) => {
    const [a, b] = ([0, 1] as const).map((draw) => continued(item, draw).subarray(cut, cut + BRIER_ORDERS));
    return brierItem({ a, b, truth: sequence.subarray(cut, cut + BRIER_ORDERS) });
  });
  const { brierLm, byOrder } = brierScores(items, { seed });
  const [brier1, brier2, brier3, brier4] = byOrder;
  // Of four negative scores the product is positive: a sampler that always writes the same wrong text would have a BrierLM of 1.
  const isBelowChance = byOrder.some(({ value }) => value !== null && value < 0);
  const ofText = isBelowChance ? { value: 0, stderr: null, ci95: null } : brierLm;
  return {
    metrics: { brierLm: ofText, brier1, brier2, brier3, brier4 },
    record: { ...record, items: items.length, seed, nfe },
  };
}
