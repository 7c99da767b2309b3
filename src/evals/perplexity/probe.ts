/**
 * Checks of the card by a model call or two, before the first figure of every model: whether a model scored as autoregressive
 * looks at later tokens, and whether a network that reads the noise level uses it.
 */
import { HEAD } from '../../diffusion/heads/head.js';
import type { NoiseLevel } from '../../diffusion/integration.js';
import { levelOfTime, noiseSchedule, toldTimestep } from '../../diffusion/schedule.js';
import { checkCausal, probeSequences } from '../../models/causality.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { isDiffusion } from '../../models/family.js';
import type { Provider } from '../../models/provider.js';
import {
  type ModelCall,
  type PreparedBatch,
  prepareBatch,
  type SequenceLoss,
  sequenceLosses,
} from './loss-batch.js';

export interface Probed {
  /** Length of the sequences that showed no look-ahead; null where this was not checked. */
  causalTokens: number | null;
  /** Whether the loss depends on the noise level that the network reads; null where it reads none. */
  heedsTime: boolean | null;
}

/** One call of the network: the losses of a batch at these noise levels. */
type Ask = (batch: PreparedBatch, sigma: Float32Array) => Promise<Float32Array>;

export const TIME_WITHOUT_EFFECT =
  'timeConditioning is true, but the noise level that the network is told changes nothing. Check that input sigma of the export is used.';

/** Length of a probe where the graph has no fixed length. */
const LENGTH = 8;
/** A fifth and nineteen twentieths of the schedule: levels that no network confuses. */
const TIMES = [0.2, 0.95] as const;

/** @throws ModelError `not-causal`, and as the session */
export async function probe(checkpoint: Checkpoint, provider: Provider, ask: Ask): Promise<Probed> {
  return isDiffusion(checkpoint.family)
    ? { causalTokens: null, heedsTime: await heedsTime(checkpoint, ask) }
    : { causalTokens: await causalTokens(checkpoint, provider, ask), heedsTime: null };
}

async function causalTokens(checkpoint: Checkpoint, provider: Provider, ask: Ask): Promise<number | null> {
  const sequences = probeSequences(checkpoint);
  if (!sequences) return null;
  const { plain, changed } = sequences;
  // The network reads all but the last token of a call.
  const calls = [plain, changed].map((x, i) => callOf(Int32Array.of(...x, x[0]), i, null));
  // Both calls score the tokens of the plain sequence, so a model that looks ahead scores them differently.
  const targets = BigInt64Array.from(calls[0].x.subarray(1), BigInt);
  const [before, after] = await askBoth(checkpoint, ask, calls, [0, 0], (batch) => {
    const all = batch.head[HEAD.targets].data as BigInt64Array;
    for (let b = 0; b < batch.called.length; b++) all.set(targets, b * batch.width);
  });
  const earlier = plain.length - 1;
  // both calls ask for the loss of each token
  checkCausal(checkpoint, provider, before.byToken!.subarray(0, earlier), after.byToken!);
  return plain.length;
}

async function heedsTime(checkpoint: Checkpoint, ask: Ask): Promise<boolean | null> {
  const { signature, fields, vocabSize } = checkpoint;
  if (!signature.sigma || !fields.timeConditioning.value || !checkpoint.schedule) return null;
  const schedule = noiseSchedule(checkpoint.schedule);
  const told = toldTimestep(checkpoint.schedule, fields.timestepInput.value);
  const length = signature.fixedLength ?? Math.min(LENGTH, fields.length.value ?? LENGTH);
  const x = Int32Array.from({ length }, (_, l) => (1 + l * 7919) % vocabSize);
  // The same noisy tokens twice: only the noise level that the network reads differs.
  const call = callOf(x, 0, { t: null, ...levelOfTime(schedule, TIMES[1]), sigma: 0, weight: 1 });
  const [first, second] = await askBoth(
    checkpoint,
    ask,
    [call, { ...call }],
    TIMES.map(schedule.sigma).map(told),
  );
  return first.calls > 0 ? first.nats !== second.nats : null;
}

/** Two calls as one, or in turn where the graph takes only one. */
async function askBoth(
  { signature: { fixedBatch, fixedLength }, family, vocabSize, maskTokenId }: Checkpoint,
  ask: Ask,
  calls: readonly ModelCall[],
  sigma: readonly number[],
  change: (batch: PreparedBatch) => void = () => {},
): Promise<SequenceLoss[]> {
  const model = { family, vocabSize, maskTokenId, seed: 0, wrapped: false, fixedLength };
  const answer = async (some: readonly ModelCall[], levels: readonly number[]): Promise<SequenceLoss[]> => {
    const batch = prepareBatch(some, model);
    change(batch);
    return sequenceLosses(
      batch,
      batch.called.length ? await ask(batch, Float32Array.from(levels)) : [],
      model,
    );
  };
  if (fixedBatch !== 1) return answer(calls, sigma);
  return [...(await answer([calls[0]], [sigma[0]])), ...(await answer([calls[1]], [sigma[1]]))];
}

const callOf = (x: Int32Array, sequence: number, level: NoiseLevel | null): ModelCall => ({
  sequence,
  draw: 0,
  x,
  level,
  byToken: level === null,
});
