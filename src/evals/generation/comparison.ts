/** What sampled texts are compared with, beside the judge: hidden states for MAUVE, prompts for BrierLM, naive samplers. */
import type { ProtocolName } from '../../datasets/cutting.js';
import type { DatasetRequest } from '../../datasets/resolve-dataset.js';
import type { Tokenizer } from '../../datasets/tokenizer.js';
import type { Observer } from '../../observer.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import { type BrierPart, brierOfControl, brierOfModel, type Prompts, readPrompts } from './continuations.js';
import { controlsOf, controlTexts } from './controls.js';
import type { JudgeOptions } from './judge.js';
import { needsReference } from './reference.js';
import { FeatureModel } from './reference-measures.js';
import type { MeasuredTexts } from './run.js';
import type { TextSet } from './texts.js';

export interface ComparisonRequest {
  /** The checkpoint whose hidden states MAUVE compares; null: no MAUVE. */
  mauve?: JudgeOptions | null;
  /** Prompts of BrierLM, from the first reference; null: no BrierLM. */
  brierItems?: number | null;
  /** Naive samplers get rows of their own. */
  controls?: boolean;
}

/** @throws UsageError where what is asked for needs real text, and there is none */
export function checkHasReference(
  { mauve, brierItems, controls }: ComparisonRequest,
  references: readonly DatasetRequest[],
): void {
  const asked = [
    ...(mauve ? ['--mauve'] : []),
    ...(brierItems ? ['--brier'] : []),
    ...(controls ? ['--controls'] : []),
  ];
  if (asked.length > 0 && references.length === 0) throw needsReference(asked);
}

/** How texts are drawn and read, and real text that they are not compared with. */
interface Known {
  tokenizer: Tokenizer;
  length: number;
  protocol: ProtocolName;
  seed: number;
  others(): Int32Array[];
}

export class Comparison {
  private readonly brier = new Map<string, BrierPart>();

  private constructor(
    readonly features: FeatureModel | null,
    readonly prompts: Prompts | null,
    private readonly known: Known | null,
  ) {}

  /** @param known null: there are no controls   @throws as FeatureModel.open and readPrompts */
  static async open(
    { mauve, brierItems, controls }: ComparisonRequest,
    [reference]: readonly DatasetRequest[],
    known: Known | null,
    observer: Observer,
  ): Promise<Comparison> {
    const features = mauve ? await FeatureModel.open(mauve, observer) : null;
    try {
      const prompts =
        brierItems && reference && known
          ? await readPrompts({ dataset: reference, items: brierItems }, known, observer)
          : null;
      return new Comparison(features, prompts, controls ? known : null);
    } catch (error) {
      await features?.close();
      throw error;
    }
  }

  /** BrierLM of a sampler; one that differs in its batch alone has the same. Null without prompts. */
  async brierOf(request: SampleRequest, observer: Observer): Promise<BrierPart | null> {
    if (!this.prompts) return null;
    const key = samplerKey(request);
    const found = this.brier.get(key) ?? (await brierOfModel(request, this.prompts, observer));
    this.brier.set(key, found);
    return found;
  }

  /** What naive samplers wrote; none where they were not asked for. @param entropy that they should have, nats */
  controls(entropy: number, count: number): { set: TextSet; brier: BrierPart | null }[] {
    const { known, prompts } = this;
    if (!known) return [];
    const knowledge = { ...known, entropy, texts: known.others() };
    return controlsOf(knowledge).map((control) => ({
      set: controlTexts(control, knowledge, { count, cleanUp: known.protocol === 'duo' }),
      brier: prompts && brierOfControl(control, prompts, known.seed),
    }));
  }

  async close(): Promise<void> {
    await this.features?.close();
  }
}

/** What decides BrierLM of a sampler: batches do not. */
export const samplerKey = ({
  checkpoint,
  sampler,
  options,
  steps,
  temperature,
  topK,
  topP,
  seed,
}: SampleRequest): string =>
  JSON.stringify([
    [checkpoint.name, sampler.sampler.name, sampler.module, options],
    [steps, temperature, topK, topP, seed],
  ]);

export function addBrier({ result }: MeasuredTexts, part: BrierPart | null): void {
  if (part === null) return;
  Object.assign(result.metrics, part.metrics);
  result.brier = part.record;
}
