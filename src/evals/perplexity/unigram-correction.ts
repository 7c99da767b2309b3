/** The control variate of uniform states, also with masks beside them: the unigram model's loss in every draw, times a fitted coefficient. */
import {
  type ControlVariate,
  controlVariateExpectation,
  mixedControlVariate,
  uniformControlVariate,
  unigramFromCounts,
} from '../../diffusion/control-variate.js';
import { FittedCoefficient } from '../../diffusion/fitted-coefficient.js';
import { noiseSchedule } from '../../diffusion/schedule.js';
import { isMixed } from '../../models/family.js';
import { NumberColumn } from '../../storage/number-column.js';
import { type Correction, type CorrectionContext, vocabularyCounts } from './correction.js';
import { type ModelCall, noisyTokens } from './loss-batch.js';

export class UnigramCorrection implements Correction {
  private readonly control: ControlVariate;
  private readonly coefficient: FittedCoefficient;
  /** The control minus its mean, nats per sequence of the current pass: over all tokens, and over the text. */
  private readonly centred: NumberColumn;
  private readonly textCentred: NumberColumn;
  /** The control's mean for one token v, nats; NaN where not yet computed. */
  private readonly means: Float64Array;

  constructor(private readonly context: CorrectionContext) {
    const { stream, model, plan, sequences, schedule } = context;
    const counts = vocabularyCounts(stream, model);
    this.control =
      isMixed(model.family) && model.maskTokenId !== null
        ? mixedControlVariate(
            unigramFromCounts(counts, model.maskTokenId),
            model.maskTokenId,
            noiseSchedule(schedule),
          )
        : uniformControlVariate(unigramFromCounts(counts, null));
    this.coefficient = new FittedCoefficient(plan.groups);
    this.centred = new NumberColumn(sequences);
    this.textCentred = new NumberColumn(sequences);
    this.means = new Float64Array(model.vocabSize).fill(Number.NaN);
  }

  wantsByToken(): boolean {
    return false;
  }

  observe(call: ModelCall): void {
    const { model } = this.context;
    const { x, sequence } = call;
    // only ar has no level
    const level = call.level!;
    const z = noisyTokens(new Int32Array(x.length), call, model);
    const losses = this.control.losses(new Float64Array(x.length), x, z, level);
    const centred = (from: number, to: number) => {
      let sum = 0;
      for (let l = from; l < to; l++) sum += level.weight * losses[l] - this.meanOf(x[l]);
      return sum;
    };
    const edge = model.wrapped ? 1 : 0;
    const text = centred(edge, x.length - edge);
    this.textCentred.set(sequence, text);
    this.centred.set(sequence, text + centred(0, edge) + centred(x.length - edge, x.length));
  }

  async correct(draw: number, nats: NumberColumn, textNats: NumberColumn): Promise<void> {
    const { plan, stream, sequences } = this.context;
    const { coefficient, centred, textCentred } = this;
    const groupOf = (i: number) => plan.at(i, draw).group;
    for (let i = 0; i < sequences; i++) {
      coefficient.add(groupOf(i), nats.at(i), centred.at(i), stream.lengthOf(i));
    }
    const betas = Float64Array.from({ length: plan.groups }, (_, group) => coefficient.withoutGroup(group));
    for (let i = 0; i < sequences; i++) {
      const beta = betas[groupOf(i)];
      nats.add(i, -beta * centred.at(i));
      textNats.add(i, -beta * textCentred.at(i));
    }
  }

  close(): void {
    this.centred.close();
    this.textCentred.close();
  }

  private meanOf(v: number): number {
    if (Number.isNaN(this.means[v])) {
      this.means[v] = controlVariateExpectation(this.control, [v], this.context.integration);
    }
    return this.means[v];
  }
}
