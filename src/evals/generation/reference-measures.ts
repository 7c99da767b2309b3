/**
 * How a set of texts compares with real text: MAUVE over hidden states, Jensen–Shannon divergences of n-grams. And self-BLEU, which
 * needs no reference. Unlike a judge's perplexity these do not get better as text gets duller.
 */
import type { Checkpoint } from '../../models/checkpoint.js';
import type { Observer } from '../../observer.js';
import type { SampledFigure } from '../../records/figures.js';
import { MAUVE_CURVE } from '../../statistics/divergence-frontier.js';
import { divergenceOfTexts } from '../../statistics/jensen-shannon.js';
import type { Rows } from '../../statistics/k-means.js';
import { MAUVE_SEEDS, MAUVE_SETTINGS, mauveOfFeatures } from '../../statistics/mauve.js';
import { numberedGrams } from '../../statistics/n-grams.js';
import { BLEU_ORDERS, selfBleu } from '../../statistics/self-bleu.js';
import { HiddenStates } from './hidden-states.js';
import { Judge, type JudgeOptions } from './judge.js';
import type { GenerativeResult, JudgeRecord, MauveRecord } from './record.js';

/** n-grams up to this order are compared with those of real text. */
const DIVERGENCE_ORDERS = 4;

/** A set as the measures take it. */
export interface ReadSet {
  /** Token ids as generated. */
  tokens: readonly Int32Array[];
  tokenizerSha256: string | null;
  /** A vector per text; null where there is no model for them. */
  features: Rows | null;
}

export type ReferenceMetrics = Pick<
  GenerativeResult['metrics'],
  'selfBleu' | 'mauve' | 'mauveStar' | 'frontierIntegral' | `jsDivergence${1 | 2 | 3 | 4}`
>;

/** Self-BLEU of a set; null with fewer than two texts. */
export function selfBleuOf(tokens: readonly Int32Array[]): SampledFigure {
  return selfBleu(numberedGrams(tokens, BLEU_ORDERS));
}

/**
 * Figures of a set against real text. Those of n-grams need one tokenizer; those of hidden states need texts enough for two clusters.
 * @returns and how MAUVE was computed
 */
export function againstReference(
  set: ReadSet,
  reference: ReadSet,
  { seed }: { seed: number },
): { metrics: ReferenceMetrics; mauve: Pick<MauveRecord, 'clusters' | 'components'> | null } {
  const metrics: ReferenceMetrics = {};
  if (set.tokenizerSha256 !== null && set.tokenizerSha256 === reference.tokenizerSha256) {
    const grams = numberedGrams([...set.tokens, ...reference.tokens], DIVERGENCE_ORDERS);
    for (const order of [1, 2, 3, 4] as const) {
      const ofTexts = grams.ofTexts[order];
      metrics[`jsDivergence${order}`] = divergenceOfTexts(
        ofTexts.slice(0, set.tokens.length),
        ofTexts.slice(set.tokens.length),
        grams.sizes[order],
        { seed, group: order },
      );
    }
  }
  const [p, q] = [set.features, reference.features];
  if (!p || !q || Math.min(p.rows, q.rows) < 2) return { metrics, mauve: null };
  const { figures, clusters, components } = mauveOfFeatures(p, q, { seed });
  return { metrics: { ...metrics, ...figures }, mauve: { clusters, components } };
}

/** The checkpoint whose hidden states describe texts. */
export class FeatureModel {
  private states: HiddenStates | null = null;

  private constructor(
    private readonly reader: Judge,
    private readonly options: JudgeOptions,
    private readonly observer: Observer,
  ) {}

  /** @throws as {@link Judge.open} */
  static async open(options: JudgeOptions, observer: Observer): Promise<FeatureModel> {
    return new FeatureModel(await Judge.open(options, observer, 'mauve'), options, observer);
  }

  get checkpoint(): Checkpoint {
    return this.reader.checkpoint;
  }

  /** The token ids that the checkpoint reads of a text; of an empty one, a single EOS. */
  idsOf(text: string, length: number): Int32Array {
    const ids = this.reader.idsOf(text, length);
    return ids.length > 0 ? ids : Int32Array.of(this.reader.tokenizer.eosTokenId ?? 0);
  }

  /** @param texts from {@link idsOf} */
  async ofTexts(name: string, texts: readonly Int32Array[], progress: Observer['progress']): Promise<Rows> {
    const { context } = this.reader;
    this.states ??= await HiddenStates.start(
      { ...this.options, checkpoint: this.checkpoint, context },
      this.observer,
    );
    const rows = await this.states.ofTexts(name, texts, progress);
    this.checkpoint.verifyUnchanged();
    return rows;
  }

  async record(seed: number): Promise<Omit<MauveRecord, 'clusters' | 'components'>> {
    const model: JudgeRecord = await this.reader.record();
    return { model, seed, seeds: MAUVE_SEEDS, ...MAUVE_CURVE, ...MAUVE_SETTINGS };
  }

  async close(): Promise<void> {
    await this.states?.close();
  }
}
