/** Runs a loss head over logits that are given instead of computed. */
import * as ort from 'onnxruntime-node';
import { HEAD } from '../../src/diffusion/heads/head.js';
import { appendLossHead } from '../../src/diffusion/heads/losses.js';
import { levelOfAlpha, noiseSchedule } from '../../src/diffusion/schedule.js';
import { Graph } from '../../src/graph/graph.js';
import { Identity } from '../../src/graph/operators.js';
import { type Family, isDiffusion, isInSteps, isMasked, isMixed } from '../../src/models/family.js';

export interface GivenLogits {
  family: Exclude<Family, 'bd3lm'>;
  vocabSize: number;
  maskTokenId: number | null;
  /** [batch × length × vocab] */
  logits: Float32Array;
  /** Clean tokens (for ar: what each position predicts) and noisy ones, [batch][length]. */
  targets: number[][];
  noisy: number[][];
  /** [batch] */
  oneMinusAlpha: number[];
  /** [batch]: the other end of the steps of discrete time. */
  nextOneMinusAlpha?: number[];
  threads?: number;
}

/** Of a schedule with a fifth of uniform noise. */
export const mixturesOf = ({ oneMinusAlpha }: Pick<GivenLogits, 'oneMinusAlpha'>) =>
  oneMinusAlpha.map((level) => mixedLevel(level).mixed);

const schedule = noiseSchedule({ type: 'mixed', uniformShare: 0.2 });

export function mixedLevel(oneMinusAlpha: number) {
  const { mixed, ...level } = levelOfAlpha(schedule, 1 - oneMinusAlpha, oneMinusAlpha);
  if (!mixed) throw new Error('no mixture');
  return { ...level, mixed };
}

const int64 = (values: readonly number[], dims: readonly number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values.map(BigInt)), dims);
const float64 = (values: readonly number[]) =>
  new ort.Tensor('float64', Float64Array.from(values), [values.length]);

/** Loss per unit of −dα, [batch][length]; 0 where the head does not look. */
export async function lossOfGivenLogits(given: GivenLogits): Promise<number[][]> {
  const { family, vocabSize, maskTokenId, noisy, targets } = given;
  const [batch, length] = [noisy.length, noisy[0].length];
  const graph = Graph.create('given_logits', { opset: 17 });
  graph.input('input_ids', 'int64', ['batch', 'length']);
  graph.output(Identity(graph.input('given', 'float32', ['batch', 'length', vocabSize])), 'logits');
  appendLossHead(graph, family, { logits: 'logits', vocabSize, maskTokenId });

  const session = await ort.InferenceSession.create(graph.toBytes(), {
    intraOpNumThreads: given.threads ?? 2,
  });
  const feeds: Record<string, ort.Tensor> = {
    given: new ort.Tensor('float32', given.logits, [batch, length, vocabSize]),
    input_ids: int64(noisy.flat(), [batch, length]),
  };
  const masked = noisy.flatMap((row, b) => row.flatMap((z, l) => (z === maskTokenId ? [[b, l]] : [])));
  const byRows = isMasked(family);
  if (byRows) {
    feeds[HEAD.rows] = int64(masked.flat(), [masked.length, 2]);
    feeds[HEAD.targets] = int64(
      masked.map(([b, l]) => targets[b][l]),
      [masked.length],
    );
    feeds[HEAD.oneMinusAlpha] = float64(masked.map(([b]) => given.oneMinusAlpha[b]));
    if (isInSteps(family))
      feeds[HEAD.nextOneMinusAlpha] = float64(masked.map(([b]) => given.nextOneMinusAlpha?.[b] ?? 0));
  } else {
    feeds[HEAD.targets] = int64(targets.flat(), [batch, length]);
    if (isDiffusion(family)) feeds[HEAD.oneMinusAlpha] = float64(given.oneMinusAlpha);
    for (const key of ['uniform', 'rate'] as const) {
      const name = key === 'uniform' ? HEAD.uniformNoise : HEAD.noiseRate;
      if (isMixed(family)) feeds[name] = float64(mixturesOf(given).map((mixture) => mixture[key]));
    }
  }
  const data = (await session.run(feeds))[HEAD.loss].data as Float32Array;
  await session.release();
  const at = byRows ? masked : noisy.flatMap((row, b) => row.map((_, l) => [b, l]));
  const loss = noisy.map((row) => row.map(() => 0));
  for (const [i, [b, l]] of at.entries()) loss[b][l] = data[i];
  return loss;
}
