/** What `bench` and `frontier` open before they start: models, their configurations, the judge, real text. */

import type { ProtocolName } from '../../datasets/cutting.js';
import { type DatasetRequest, eachDataset } from '../../datasets/resolve-dataset.js';
import { type CheckpointOverrides, openCheckpoint } from '../../models/checkpoint.js';
import type { Observer } from '../../observer.js';
import type { ChosenSampler } from '../../samplers/sampler.js';
import { type SamplingFlags, samplingNotice } from '../../sampling/prepare-sampling.js';
import { Comparison, type ComparisonRequest, checkHasReference } from '../generation/comparison.js';
import { Judge, type JudgeOptions } from '../generation/judge.js';
import { type ReferenceTexts, referenceTexts } from '../generation/reference.js';
import type { TextSet } from '../generation/texts.js';
import { type Configuration, configurations } from './configurations.js';

export interface MeasuringRequest extends ComparisonRequest {
  models: readonly { path: string; name?: string; overrides?: CheckpointOverrides }[];
  samplers: readonly ChosenSampler[];
  steps: readonly number[];
  /** Batch sizes to sweep; by default the one of `sampling`. */
  batches?: readonly number[];
  /** All other sampling settings, for every model. */
  sampling: Omit<SamplingFlags, 'checkpoint' | 'sampler' | 'steps'>;
  judge: JudgeOptions | null;
  /** Override the cards of all models. */
  overrides?: CheckpointOverrides;
  /** Real text. */
  references: readonly DatasetRequest[];
}

export interface Setup {
  configurations: Configuration[];
  judge: Judge | null;
  references: TextSet[];
  comparison: Comparison;
  close(): Promise<void>;
}

/** Opens everything, works, and closes it. When the work fails, finished judgements are kept for a later run. */
export async function withSetUp<T>(
  request: MeasuringRequest,
  observer: Observer,
  work: (setup: Setup) => Promise<T>,
): Promise<T> {
  const setup = await setUp(request, observer);
  try {
    return await work(setup);
  } catch (error) {
    setup.judge?.keep();
    throw error;
  } finally {
    await setup.close();
    await setup.judge?.close();
  }
}

/** @throws UsageError, ModelError, DataError, FileError */
async function setUp(request: MeasuringRequest, observer: Observer): Promise<Setup> {
  const { sampling } = request;
  checkHasReference(request, request.references);
  const models = [];
  for (const { path, name, overrides } of request.models) {
    const cardOverrides = {
      ...overrides,
      ...request.overrides,
      tokenizer: sampling.tokenizer ?? overrides?.tokenizer,
    };
    const checkpoint = await openCheckpoint(path, cardOverrides, name);
    for (const notice of checkpoint.notices) observer.note?.(notice);
    models.push({ checkpoint, path });
  }
  const { samplers, steps, batches } = request;
  const all = await configurations({ models, samplers, steps, batches, flags: sampling });
  const notices = new Set(all.map((one) => samplingNotice(one.request)));
  for (const notice of notices) if (notice !== null) observer.note?.(notice);
  const judge = request.judge && (await Judge.open(request.judge, observer));
  const opened: ReferenceTexts[] = [];
  const [{ tokenizer, length, samples, seed }] = all.map((one) => one.request);
  const protocol: ProtocolName = sampling.protocol;
  const closeReferences = () => {
    for (const { close } of opened) close();
  };
  try {
    const datasets = [...eachDataset(request.references)];
    for (const reference of datasets)
      opened.push(
        await referenceTexts({ ...reference, tokenizer, protocol, length, count: samples, observer }),
      );
    const others = () => opened[0].others();
    const known = { tokenizer, length, protocol, seed, others };
    const comparison = await Comparison.open(request, datasets, known, observer);
    return {
      ...{ configurations: all, judge, comparison },
      references: opened.map(({ set }) => set),
      async close() {
        closeReferences();
        await comparison.close();
      },
    };
  } catch (error) {
    closeReferences();
    await judge?.close();
    throw error;
  }
}
